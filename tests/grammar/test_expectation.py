"""What a gather asks the session to expect, and what comes of it in a call."""

import pickle
from pathlib import Path

import pytest

from ivr.grammar.answers import Choices, expected_answers
from ivr.grammar.expectation import ExpectedKind
from ivr.session import SessionConfig, TurnOptions
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan


def choices(*answers: tuple[str, str]) -> Choices:
    """Each is phrases and keys, separated by commas."""
    return {str(number): (_split(say), _split(press)) for number, (say, press) in enumerate(answers)}


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([("yes", "1"), ("no", "2")], "yes_no"),
        ([("yes please, that's right, yeah", ""), ("No., nope", "")], "yes_no"),
        ([("oui", ""), ("non", "")], "yes_no"),
        ([("yes", ""), ("no", ""), ("operator", "")], "menu"),
        ([("", "1"), ("", "12")], "digits"),
        ([("one", "1"), ("twenty-one, forty two", "")], "digits"),
        ([("one", "1"), ("sales", "2")], "menu"),
        ([("sales", "1"), ("billing", "2")], "menu"),
        ([("", "*"), ("", "#")], "menu"),
    ],
)
def test_kinds(answers: list[tuple[str, str]], kind: ExpectedKind) -> None:
    assert expected_answers(choices(*answers)).kind == kind


@pytest.mark.parametrize(
    ("text", "fits", "may_continue"),
    [
        ("sales please", True, False),
        ("sails", True, False),
        ("I would like the bill", True, True),
        ("the bill payment", True, False),
        ("I want to place", False, True),
        ("one", True, True),
        ("one two", True, False),
        ("twelve", True, False),
        ("something else", False, False),
        ("okay", True, False),
        ("", False, False),
    ],
)
def test_answers_whole_and_begun(text: str, fits: bool, may_continue: bool) -> None:
    expected = expected_answers(
        choices(("sales, place an order", "1"), ("bill", ""), ("bill payment", ""), ("", "12"), ("okay", ""))
    )
    assert expected.fits is not None and expected.may_continue is not None
    assert (expected.fits(text), expected.may_continue(text)) == (fits, may_continue)
    again = pickle.loads(pickle.dumps(expected))  # plans are handed to the workers so
    assert again.fits(text) is fits


QUESTION = """
a:
  - say: Hello there, this is the first of them.
  - gather:
      prompt: One two three four five six seven eight nine ten eleven twelve thirteen fourteen, or so?
      choices: {choices}
  - say: And on it goes.
"""


async def test_it_is_reported_before_the_question_and_taken_back_after_the_answer(tmp_path: Path) -> None:
    steps = QUESTION.format(choices="{yes: {say: [yes, sure], press: 1}, no: {say: no}}")
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(4)
        await phone.says("yes")
        await phone.ends()
    order = [
        each.details.get("kind") or each.details["text"].partition(" ")[0]
        for each in phone.decisions
        if each.stage in ("expect", "say_started")
    ]
    assert order == ["Hello", "yes_no", "One", "free", "And"]
    expected = next(each for each in phone.decisions if each.stage == "expect")
    assert expected.details["choices"] == {"yes": [["yes", "sure"], ["1"]], "no": [["no"], []]}


async def test_it_is_taken_back_when_the_caller_is_given_up(tmp_path: Path) -> None:
    gather = "gather: {timeout: 1s, noinput: {tries: 0, goto: b}, choices: {x: {press: 1}}}"
    steps = f"a:\n  - {gather}\nb:\n  - say: Bye.\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.ends()
    assert [each.details["kind"] for each in phone.decisions if each.stage == "expect"] == ["digits", "free"]


@pytest.mark.parametrize(
    ("listed", "answer"), [("{ok: {say: okay}, no: {say: no}}", True), ("{x: {say: sales}}", False)]
)
async def test_a_backchannel_is_an_answer_where_it_is_a_choice(
    listed: str, answer: bool, tmp_path: Path
) -> None:
    async with Phone(plan(tmp_path, QUESTION.format(choices=listed))) as phone:
        await phone.hears(
            "One two three four five six seven eight nine ten eleven twelve thirteen fourteen, or so?"
        )
        await phone.silence(0.2)
        await phone.says("okay")
        assert bool(phone.logged("choice_matched")) is answer
        assert ("And on it goes." in phone.tts.spoken) is answer


@pytest.mark.parametrize(
    ("listed", "said", "silence_ms"),
    [
        ("{a: {say: sales}, b: {say: billing}}", "sales", 160),
        ("{a: {say: sales}, b: {say: sales figures}}", "sales", 400),
        ("{a: {say: sales}, b: {say: billing}}", "my cat is ill", 1200),
        ("{a: {say: yes}, b: {say: yes sure}}", "yes", 320),
        ("{a: {press: 1}, b: {press: 12}}", "one", 1000),
        ("{a: {press: 1}, b: {press: 12}}", "twelve", 160),
    ],
)
async def test_how_long_a_pause_is_waited_for(
    listed: str, said: str, silence_ms: float, tmp_path: Path
) -> None:
    """Less than a window of the detector's more than the option says."""
    async with Phone(
        plan(tmp_path, QUESTION.format(choices=listed)), SessionConfig(turn=TurnOptions())
    ) as phone:
        await phone.silence(5)
        await phone.says(said)
        end = [each for each in phone.decisions if each.stage == "turn_ended"][-1]
        waited = (end.at - end.details["offset"]) / 16
        assert silence_ms <= waited + 1 and waited < silence_ms + 33
