"""Writes outcomes as JUnit XML, which build servers such as Jenkins and GitLab read."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path

from ivr.dialplan.dialogue.runner import Outcome


def junit(suites: Iterable[tuple[Path, str, Sequence[Outcome]]]) -> bytes:
    """Return UTF-8 XML. Each suite is the file of the dialogues, the name of the plan, and the outcomes."""
    root = ET.Element("testsuites")
    for file, plan, outcomes in suites:
        failures = sum(outcome.failure is not None for outcome in outcomes)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_clean(plan),
            tests=str(len(outcomes)),
            failures=str(failures),
            errors="0",
            time=f"{sum(outcome.took_s for outcome in outcomes):.3f}",
        )
        for outcome in outcomes:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=_clean(plan),
                name=_clean(outcome.dialogue.name),
                file=str(file),
                line=str(outcome.dialogue.line),
                time=f"{outcome.took_s:.3f}",
            )
            if outcome.failure is not None:
                found = outcome.failure
                failure = ET.SubElement(case, "failure", message=_clean(found.message), type="dialogue")
                lines = [f"{file}:{found.line}:{found.column}: {found.message}", *map(str, found.happened)]
                failure.text = _clean("\n".join(lines))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(text: str) -> str:
    """Return ``text`` without the characters that XML 1.0 (2.2) does not allow."""
    return "".join(c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
                   else "\ufffd" for c in text)  # fmt: skip
