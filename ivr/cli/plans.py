"""``ivr check``, ``graph`` and ``schema``: a dialplan as it is written."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ivr.cli.common import Command, add_setting_flags, settings_of

if TYPE_CHECKING:
    from ivr.dialplan.check.finding import Finding


def _configure_check(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check dialplans by the rules of dialplans/README.md. Exit code 1 when there is an error. A comment "
        "silences a finding on its line: # check: ignore RULE-ID reason."
    )
    parser.add_argument(
        "plans", nargs="+", type=Path, metavar="PLAN", help="dialplan file, or its NAME.test.yaml"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object with the findings")
    parser.add_argument("--strict", action="store_true", help="exit with 1 on warnings too")
    add_setting_flags(parser)
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    """Print the findings. Returns 1 when one of them fails the check, else 0. Raises SettingsError."""
    from ivr.dialplan.check.checker import check_file
    from ivr.dialplan.source.sources import DIALOGUES
    from ivr.service.config.capabilities import capabilities_of

    capabilities = capabilities_of(settings_of(arguments))
    findings: list[Finding] = []
    for path in arguments.plans:
        findings += (
            _check_dialogues(path) if path.name.endswith(DIALOGUES) else check_file(path, capabilities)
        )
    findings = _each_once(findings)
    counts = {kind: sum(each.severity == kind for each in findings) for kind in ("error", "warning")}
    if arguments.json:
        shown = {
            "plans": [str(path) for path in arguments.plans],
            "errors": counts["error"],
            "warnings": counts["warning"],
            "findings": [finding.plain() for finding in findings],
        }
        print(json.dumps(shown, ensure_ascii=False))
    else:
        _print(findings, counts, len(arguments.plans))
    return 1 if counts["error"] or (arguments.strict and counts["warning"]) else 0


def _each_once(findings: "list[Finding]") -> "list[Finding]":
    """Return the findings without repetitions: several plans may include one file, and a plan may be named
    beside its tests.
    """
    first = {(os.path.realpath(f.file), f.line, f.column, f.rule, f.message): f for f in reversed(findings)}
    kept = set(map(id, first.values()))
    return [finding for finding in findings if id(finding) in kept]


def _check_dialogues(path: Path) -> "list[Finding]":
    """Check the form of a file of dialogues; ``ivr test`` runs them."""
    from ivr.dialplan.check.checker import RULES
    from ivr.dialplan.check.schema import findings_of
    from ivr.dialplan.dialogue.reader import load_dialogues
    from ivr.dialplan.source.errors import PlanError

    try:
        load_dialogues(path)
    except PlanError as error:
        return sorted(findings_of(error, RULES))
    return []


def _print(findings: "list[Finding]", counts: dict[str, int], plans: int) -> None:
    for finding in findings:
        print(f"{finding.shown()}\n")
    parts = [f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count]
    what = f"{plans} plan{'s' if plans != 1 else ''} checked: "
    print(what + (", ".join(parts) or "nothing found"), file=sys.stderr)


def _configure_graph(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Draw a dialplan: its steps, choices, what follows when nothing fits, where calls end, what "
        "`ivr check` finds."
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the picture: .svg, .png, .pdf or .dot"
    )
    parser.add_argument(
        "--calls",
        type=Path,
        action="append",
        default=[],
        metavar="LOG",
        help="the JSON log of a service: write on each way how many of its calls took it; may be repeated",
    )
    add_setting_flags(parser)
    parser.set_defaults(run=_graph)


def _graph(arguments: argparse.Namespace) -> int:
    from ivr.cli.graph import graph
    from ivr.service.config.capabilities import capabilities_of

    print(graph(arguments.plan, arguments.out, arguments.calls, capabilities_of(settings_of(arguments))))
    return 0


def _configure_schema(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print the JSON Schema by which an editor completes and checks dialplans. A plan names it in its "
        "first line: # yaml-language-server: $schema=plan.schema.json"
    )
    parser.add_argument(
        "--reference", action="store_true", help="print the reference page of dialplans instead, in Markdown"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="PATH",
        help="write it to a file, or into a folder (as plan.schema.json, README.md), instead of printing it",
    )
    parser.set_defaults(run=_schema)


def _schema(arguments: argparse.Namespace) -> int:
    from ivr.dialplan import reference
    from ivr.dialplan.engine import schema

    if arguments.reference:
        return write_or_print(reference.page(), reference.FILE, arguments.out)
    return write_or_print(schema.schema_text(), schema.FILE, arguments.out)


def write_or_print(text: str, name: str, out: Path | None) -> int:
    """Print ``text``; with ``out`` write it there, as ``name`` when that is a folder, and print the path."""
    if out is None:
        print(text, end="")
        return 0
    path = out / name if out.is_dir() else out
    path.write_text(text, encoding="utf-8")
    print(path)
    return 0


COMMANDS = {
    "check": Command("find mistakes in dialplans", _configure_check, brief=True),
    "graph": Command("draw a dialplan", _configure_graph, brief=True),
    "schema": Command(
        "print the JSON Schema of dialplans, or their reference page", _configure_schema, brief=True
    ),
}
