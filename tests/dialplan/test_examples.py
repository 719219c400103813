"""The plans that come with the service: each passes the check, and its dialogues go through all of it."""

from pathlib import Path

import pytest

from ivr.dialplan.check.checker import check_file
from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import SUFFIX, load_dialogues

FOLDER = Path(__file__).resolve().parents[2] / "dialplans"
PLANS = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.endswith(SUFFIX))


def test_they_are_all_there() -> None:
    names = {path.stem for path in PLANS}
    assert names >= {"agent", "bank", "clinic", "demo", "directory", "helpdesk", "survey"}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_check_finds_nothing(path: Path) -> None:
    assert [str(finding) for finding in check_file(path)] == []


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_dialogues_pass_and_go_through_all_of_it(path: Path) -> None:
    file = load_dialogues(path)
    coverage = Coverage(file.plan)
    outcomes = run_in_memory(file, coverage=coverage)
    reported = [f"{each.dialogue.name}: {each.failure}" for each in outcomes if each.failure is not None]
    assert reported == []
    assert [str(item) for item in coverage.missed] == []


@pytest.mark.parametrize(("name", "private"), [("bank", {"account", "pin", "token"}), ("clinic", {"born"})])
def test_what_is_private_is_known_to_be(name: str, private: set[str]) -> None:
    """What is sensitive in a plan and shown in a log, a tag or an address is an error of the check; that it
    is sensitive at all is the plan's word."""
    plan = load_dialogues(FOLDER / f"{name}.yaml").plan
    verbs = [placed.verb for step in plan.steps.values() for placed in step.verbs]
    hidden = {value for verb in verbs if getattr(verb, "sensitive", False) for value in verb.sets()}
    assert hidden >= private
