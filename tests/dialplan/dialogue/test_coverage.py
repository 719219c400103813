"""Coverage: what is counted, and that what was not gone through is reported with its place; JUnit."""

import xml.etree.ElementTree as ET
from pathlib import Path

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.junit import junit
from tests.dialplan.dialogues import dialogues, hold

STEPS = """
a:
  - gather:
      prompt: Sales?
      timeout: 1s
      choices:
        "yes": {say: "yes", press: 1, goto: b}
        "no": {say: "no", press: 2}
      noinput: {tries: 1, goto: c}
      nomatch: {tries: 0}
  - set: {x: missing_name, on_error: c}
b:
  - branch: {if: "call.from == '1'", then: a, else: c}
c:
  - say: Goodbye.
"""
ALL = {
    "step a", "step b", "step c",
    "choice yes of a", "choice no of a",
    "event noinput of a", "event noinput exhausted of a", "event nomatch exhausted of a",
    "route a -> b (yes)", "route a -> c (noinput)",
    "route b -> a (if call.from == '1')", "route b -> c (else)",
}  # fmt: skip


def missed(folder: Path, turns: str, steps: str = STEPS, facts: str = "") -> set[str]:
    file = dialogues(folder, steps, turns, facts=facts)
    coverage = Coverage(file.plan)
    hold(file, coverage)
    return {str(item) for item in coverage.missed}


def plain(steps: str = STEPS) -> str:
    return steps.replace("  - set: {x: missing_name, on_error: c}\n", "  - say: Well.\n")


def test_a_call_that_is_not_answered_covers_what_it_passes(tmp_path: Path) -> None:
    assert missed(tmp_path, "- hears: Sales?\n", plain()) == ALL - {"step a"}
    assert ALL - missed(tmp_path, "- silent\n- silent\n- hung_up\n", plain()) == {
        "step a", "step c", "event noinput of a", "event noinput exhausted of a", "route a -> c (noinput)",
    }  # fmt: skip


def test_a_choice_and_the_way_that_it_leads(tmp_path: Path) -> None:
    gone = {"step a", "step b", "step c", "choice yes of a", "route a -> b (yes)", "route b -> c (else)"}
    assert ALL - missed(tmp_path, "- says: 'yes'\n- hung_up\n", plain()) == gone
    assert "choice no of a" not in missed(tmp_path, "- presses: 2\n- hung_up\n", plain())


def test_a_branch_counts_the_way_it_took(tmp_path: Path) -> None:
    facts = "from: '1'"
    assert "route b -> a (if call.from == '1')" not in missed(
        tmp_path, "- says: 'yes'\n- goes_to: b\n- goes_to: a\n", plain(), facts
    )


def test_a_verb_that_fails_covers_its_route(tmp_path: Path) -> None:
    steps = "a:\n  - say: {text: '{{ nobody }}', on_error: c}\nc:\n  - say: Sorry.\n"
    assert missed(tmp_path, "- hung_up\n", steps) == set()
    calm = steps.replace("{{ nobody }}", "Hello.")
    assert missed(tmp_path, "- hung_up\n", calm) == {"step c", "event on_error of a"}


def test_a_universal_chosen_inside_of_a_subroutine_covers_its_route_there(tmp_path: Path) -> None:
    steps = """
    a:
      - call: b
    b:
      - gather: {prompt: Sales?, choices: {"yes": {press: 1}}}
    c:
      - say: Goodbye.
    """
    top = "universals: {operator: {press: 0, goto: c}}"
    file = dialogues(tmp_path, steps, "- presses: 0\n- goes_to: c\n", top=top)
    coverage = Coverage(file.plan)
    hold(file, coverage)
    assert "route b -> c (operator)" not in {str(item) for item in coverage.missed}


def test_the_lines_are_those_of_the_plan(tmp_path: Path) -> None:
    file = dialogues(tmp_path, plain(), "- hears: Sales?\n")
    items = {str(item): item.line for item in Coverage(file.plan).items}
    lines = (tmp_path / "plan.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[items["step b"] - 1].strip() == "b:"
    assert lines[items["choice yes of a"] - 1].strip() == "- gather:"


def test_junit_says_what_failed_and_where(tmp_path: Path) -> None:
    good = dialogues(tmp_path, plain(), "- hears: Sales?\n")
    outcome = hold(good)
    bad = hold(dialogues(tmp_path, plain(), '- hears: "Sales\\u0001 & <more>?"\n'))
    root = ET.fromstring(junit([(good.path, "plan", [outcome, bad])]))
    suite = root.find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite.findall("testcase")
    assert first.find("failure") is None and first.get("name") == "it" and first.get("line") == "3"
    failure = second.find("failure")
    assert failure is not None and "& <more>?" in str(failure.get("message"))
    assert f"{good.path}:6:9: expected to hear" in str(failure.text)
