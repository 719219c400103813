"""``ivr check``: what is wrong with plans, before a caller finds out."""

import argparse
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivr.dialplan.check.finding import Finding


def add_parser(commands: Any) -> None:
    """``commands`` is argparse's collection of sub-commands."""
    check = commands.add_parser(
        "check",
        help="prove that plans are right",
        description="Check plans by the rules of dialplans/README.md. Exit code 1 when there is an error. A "
        "finding is silenced by a comment on its line: # check: ignore RULE-ID reason.",
    )
    check.add_argument(
        "plans", nargs="+", type=Path, metavar="PLAN", help="dialplan file, or its NAME.test.yaml"
    )
    check.add_argument("--json", action="store_true", help="one JSON object with the findings")
    check.add_argument("--strict", action="store_true", help="warnings fail too")
    check.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML settings (engines); else ivr.toml, if there"
    )
    check.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 when one of them fails the check. Raises SettingsError."""
    gc.disable()  # the process ends before there is much to collect
    from ivr.dialplan.check.checker import check_file
    from ivr.dialplan.source.sources import DIALOGUES
    from ivr.service.config.settings import load_settings
    from ivr.service.config.surroundings import surroundings

    around = surroundings(load_settings(arguments.config, {}))
    findings: list[Finding] = []
    for path in arguments.plans:
        findings += _dialogues(path) if path.name.endswith(DIALOGUES) else check_file(path, around)
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


def _dialogues(path: Path) -> "list[Finding]":
    """Of a plan's tests the form alone: ``ivr test`` holds them."""
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
    told = [f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count]
    what = f"{plans} plan{'s' if plans != 1 else ''} checked: "
    print(what + (", ".join(told) or "nothing found"), file=sys.stderr)
