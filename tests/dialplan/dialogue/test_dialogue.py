"""Dialogues in memory: every kind of turn, what it takes for it to pass, and what it says when it fails."""

import dataclasses
import time
from pathlib import Path

import pytest

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import load_dialogues
from ivr.dialplan.plan.verb import Next
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.expressions import Expression
from ivr.dialplan.verbs.variables import Set
from tests.bench.dialogues import turns_a_second
from tests.dialplan.dialogues import dialogues, failure, hold
from tests.dialplan.plans import DEMO

MENU = """
a:
  - gather:
      prompt: Sales or support?
      timeout: 4s
      choices:
        sales: {say: sales, press: 1, goto: sales}
        support: {say: support, press: 12, goto: support}
      noinput: {say: Hello?, tries: 1, goto: bye}
      nomatch: {say: What?, tries: 1, goto: bye}
sales:
  - set: {reached: "'sales'", tries: 1 + 1, open: "true", nothing: none, list: "[1, 2]"}
  - say: This is sales, and there is a lot to say about it.
  - transfer: {to: "101", busy: bye, failed: bye}
support:
  - say: This is support.
  - hangup: done
bye:
  - say: Goodbye.
"""


def test_the_demo_passes_and_is_covered() -> None:
    file = load_dialogues(DEMO)
    coverage = Coverage(file.plan)
    outcomes = run_in_memory(file, coverage=coverage)
    assert [outcome.failure for outcome in outcomes] == [None] * len(outcomes)
    assert coverage.missed == [] and coverage.percent == 100


PASSING = {
    "a choice by voice": "- hears: Sales or support?\n- says: sales\n- goes_to: sales",
    "a choice by keys": "- presses: '12'\n- {goes_to: support, hears: This is support., hung_up: done}",
    "keys over the prompt": "- hears: Sales or support?\n- interrupts: {after: 300ms, presses: '12'}\n"
    "- {goes_to: support, within: 500ms}",
    "words over the prompt": "- hears: {contains: or}\n- interrupts: {after: 200ms, says: support}\n"
    "- {goes_to: support, within: 2s}",
    "an interruption of what comes next": "- interrupts: {after: 200ms, says: support}\n- goes_to: support",
    "silence until asked again": "- silent\n- hears: [Hello?, Sales or support?]\n- silent:\n- goes_to: bye",
    "some silence": "- silent: 3s\n- says: sales\n- goes_to: sales",
    "enough silence": "- silent: 4.5s\n- hears: Hello?",
    "no match": "- says: the weather\n- hears: What?\n- presses: '7'\n- {goes_to: bye, hung_up: end_of_step}",
    "a doubtful recogniser": "- says: {text: sales, confidence: 0.05}\n- hears: What?",
    "values": "- says: sales\n- sets: {reached: sales, tries: 2, open: true, nothing: null, list: [1, 2]}",
    "a transfer": "- says: sales\n- {transferred_to: '101', hung_up: transferred}",
    "a caller who hangs up": "- hears: {pattern: ^Sales}\n- hangs_up\n- hung_up: caller_hangup",
    "the end, whatever it is": "- says: support\n- hung_up",
    "a long word": "- says: {text: sales, lasts: 3s}\n- {goes_to: sales, within: 1s}",
}


@pytest.mark.parametrize("turns", PASSING.values(), ids=PASSING)
def test_what_is_expected_happens(turns: str, tmp_path: Path) -> None:
    assert failure(tmp_path, MENU, turns) == ""


FAILING = {
    "other words": (
        "- hears: Sales and support?",
        "expected to hear 'Sales and support?', it was 'Sales or support?', then 'Hello?'; the service",
    ),
    "another step": ("- says: sales\n- goes_to: support", "expected it to go to the step 'support', it was"),
    "no other prompt": (
        "- hears: Sales or support?\n- hears: Hello?",
        "the service waited for the caller: add a turn `silent`",
    ),
    "not one after the other": ("- silent\n- hears: [Hello?, Goodbye.]", "'Hello?', then 'Goodbye.'"),
    "too late": (
        "- silent: 1s\n- says: support\n- {hung_up: done, within: 500ms}",
        "ended 'done' came 1.06 s after",
    ),
    "a prompt too late": (
        "- silent: 1s\n- presses: 1\n- {hears: {contains: This is sales}, within: 1s}",
        "came 2.00 s after the turn before",
    ),
    "another reason": ("- says: support\n- hung_up: busy", "with 'busy', it ended with done"),
    "no end": ("- hung_up: done", "expected the call to end with 'done'; the service waited"),
    "another value": ("- says: sales\n- sets: {tries: 3}", "'tries' to have the value 3, it is 2"),
    "a text is no number": ("- says: sales\n- sets: {tries: '2'}", "the value '2', it is 2"),
    "no value": ("- sets: {tries: 2}", "expected 'tries' to have the value 2, it has none"),
    "nobody to interrupt": (
        "- hears: Sales or support?\n- interrupts: {after: 2s, says: sales}",
        "'Sales or support?' was over 2 s after its beginning: there is nothing to interrupt",
    ),
    "speaking to nobody": (
        "- says: support\n- says: thank you",
        "the call was over (done) before the caller's 'says'; a caller who speaks during a prompt",
    ),
    "another extension": ("- says: sales\n- transferred_to: '102'", "to '102', it was '101'"),
}


@pytest.mark.parametrize(("turns", "message"), FAILING.values(), ids=FAILING)
def test_what_is_expected_does_not_happen(turns: str, message: str, tmp_path: Path) -> None:
    assert message in failure(tmp_path, MENU, turns)


def test_a_failure_names_its_turn_and_reports_what_happened(tmp_path: Path) -> None:
    outcome = hold(dialogues(tmp_path, MENU, "- says: sales\n- goes_to: support\n- hangs_up\n"))
    assert outcome.failure is not None
    assert (outcome.failure.line, outcome.failure.column, outcome.turns) == (7, 9, 1)
    reported = [(entry.kind, entry.text) for entry in outcome.failure.happened]
    assert (
        ("caller", "sales") in reported and ("step", "sales") in reported and ("transfer", "101") in reported
    )


@pytest.mark.parametrize(
    ("transfers", "end"),
    [
        ("{'101': busy}", "- {hears: 'Sorry, that line is busy.', goes_to: bye}"),
        ("{'101': {outcome: busy, after: 5s}}", "- {hears: 'Sorry, that line is busy.'}"),
        ("{'101': {after: 40s}}", "- {goes_to: bye, hears: 'Sorry, nobody answered there.'}"),
        ("{'102': busy}", "- hung_up: transferred"),
    ],
)
def test_what_becomes_of_a_transfer(transfers: str, end: str, tmp_path: Path) -> None:
    turns = f"- says: sales\n{end}"
    assert failure(tmp_path, MENU, turns, facts=f"transfers: {transfers}") == ""


def test_the_call_and_the_clock_are_the_dialogues(tmp_path: Path) -> None:
    steps = """
    a:
      - say: "{{ call.from }} to {{ call.to }}, {{ call.headers.x_account }}, {{ now.strftime('%a %H:%M') }}"
      - pause: 1m
      - say: "{{ now.strftime('%H:%M') }}"
    """
    facts = """
    from: "4930"
    to: "100"
    headers: {X-Account: gold}
    now: 2026-03-29T01:59:30+01:00
    """
    turns = '- hears: "4930 to 100, gold, Sun 01:59"\n- hears: "02:00"\n- hung_up: end_of_step\n'
    assert failure(tmp_path, steps, turns, facts=facts) == ""


def test_sensitive_values_are_struck_out_of_what_is_reported(tmp_path: Path) -> None:
    class Secret(Set):
        """``set`` for a value that nobody may see."""

        async def run(self, run: Run) -> Next:
            run.variables.set("pin", "4711", sensitive=True)
            return None

    file = dialogues(tmp_path, "a:\n  - set: {pin: 0}\n  - say: 'It is {{ pin }}.'\n", "- hears: Nothing.\n")
    first, second = file.plan.steps["a"].verbs
    verb = dataclasses.replace(first, verb=Secret(values={"pin": Expression("0")}))
    step = dataclasses.replace(file.plan.steps["a"], verbs=(verb, second))
    reported = hold(dataclasses.replace(file, plan=dataclasses.replace(file.plan, steps={"a": step}))).failure
    assert reported is not None and "It is ***." in reported.message
    assert not any("4711" in str(entry) for entry in reported.happened)


def test_a_file_is_played_as_the_caller(tmp_path: Path) -> None:
    from ivr.audio.wav import encode_wav

    (tmp_path / "me.wav").write_bytes(encode_wav(bytes(16000), 8000))
    assert failure(tmp_path, MENU, "- plays: {file: me.wav, text: support}\n- goes_to: support") == ""
    assert failure(tmp_path, MENU, "- silent: 1s\n- plays: me.wav\n- hears: What?") == ""


def test_two_runs_are_the_same_to_the_sample() -> None:
    file = load_dialogues(DEMO)
    first, second = run_in_memory(file), run_in_memory(file)
    assert [outcome.events for outcome in first] == [outcome.events for outcome in second]


def test_an_hour_of_silence_takes_no_time(tmp_path: Path) -> None:
    file = dialogues(
        tmp_path, "a:\n  - pause: 1h\n  - say: Good morning.\n", "- {hears: Good morning., within: 5m}\n"
    )
    began = time.perf_counter()
    assert "3600.00 s after the turn before" in hold(file).failure.message
    assert time.perf_counter() - began < 2


def test_a_plan_that_loops_comes_to_its_end(tmp_path: Path) -> None:
    assert failure(tmp_path, "a:\n  - goto: b\nb:\n  - goto: a\n", "- hung_up: loop\n") == ""


def test_a_verb_that_fails_is_reported(tmp_path: Path) -> None:
    outcome = hold(dialogues(tmp_path, "a:\n  - say: '{{ nobody }}'\n", "- hung_up: hangup\n"))
    assert outcome.failure is not None
    assert any(entry.kind == "failed" and "nobody" in entry.text for entry in outcome.failure.happened)


def test_thousands_of_turns_a_second() -> None:
    # A quarter of what is to be reached: the processor's own clock does not show that a machine is shared.
    assert max(turns_a_second(1000) for _ in range(3)) > 500


TYPED = """
a:
  - gather: {prompt: Your number please., input: digits, sensitive: true, into: number, exhausted: sorry,
             min_digits: 4, max_digits: 6}
  - gather: {prompt: Which day?, input: date, into: day, exhausted: sorry, confirm: always}
  - hangup: done
sorry:
  - say: Sorry.
"""


def test_typed_questions_private_ones_too(tmp_path: Path) -> None:
    turns = """
    - hears: Your number please.
    - presses: "4711#"
    - {hears: Which day?, sets: {number: "4711"}}
    - says: tomorrow
    - hears: {contains: right}
    - says: "yes"
    - {sets: {day: "2026-03-31"}, hung_up: done}
    """
    file = dialogues(tmp_path, TYPED, turns, facts="now: 2026-03-30T09:00+00:00")
    assert hold(file).failure is None
    wrong = "- presses: '4711#'\n- {sets: {number: '4712'}, within: 1s}\n"
    reported = hold(dialogues(tmp_path, TYPED, wrong)).failure
    assert reported is not None and "it is another, which is sensitive" in reported.message
    assert "4711" not in reported.message and not any("4711" in str(entry) for entry in reported.happened)


def test_tries_run_out_over_the_route_for_that(tmp_path: Path) -> None:
    file = dialogues(tmp_path, TYPED, "- silent\n- silent\n- silent\n- silent\n- hears: Sorry.\n")
    coverage = Coverage(file.plan)
    assert hold(file, coverage).failure is None
    gone = {str(item) for item, count in coverage.items.items() if count}
    assert gone == {
        "step a", "step sorry", "event noinput of a", "event noinput exhausted of a",
        "route a -> sorry (exhausted)",
    }  # fmt: skip


def test_a_message_is_left(tmp_path: Path) -> None:
    steps = "a:\n  - record: {prompt: Please leave a message., silence_end: 2s}\n  - say: Thank you.\n"
    turns = "- hears: Please leave a message.\n- says: call me back please\n- hears: Thank you.\n"
    outcome = hold(dialogues(tmp_path, steps, turns))
    assert outcome.failure is None, outcome.failure
