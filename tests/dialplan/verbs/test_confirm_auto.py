"""A choice that fits the sound, but not surely, is confirmed by itself."""

from pathlib import Path

import pytest

from ivr.session import Turn
from tests.dialplan.phone import Phone
from tests.dialplan.verbs.test_gather import plan

MENU = """
a:
  - gather:
      prompt: Which?
      choices:
        billing: {{say: billing, goto: b}}
        sales: {{say: sales, goto: s}}
        parts: {{say: parts, goto: p}}
      nomatch: {{say: Sorry., tries: 3}}
      {confirm}
b:
  - say: The bills.
s:
  - say: The shop.
p:
  - say: The parts.
"""
RIGHT = "You said billing. Is that right?"


def menu(tmp_path: Path, confirm: str = "timeout: 5s") -> Phone:
    return Phone(plan(tmp_path, MENU.format(confirm=confirm)))


async def test_a_choice_that_fits_the_sound_surely_is_taken(tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.96, sales=0.1)
        await phone.hears("The bills.", within=1)
        (matched,) = phone.logged("choice_matched")
        assert (matched["choice"], matched["confidence"], matched["runner_up"]) == ("billing", 0.96, "sales")


async def test_an_unsure_choice_is_confirmed(tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.6, sales=0.05)
        await phone.hears(RIGHT, within=1)
        await phone.silence(2)
        await phone.says("yes")
        await phone.hears("The bills.", within=1)


async def test_after_a_no_the_second_best_is_offered_and_the_first_never_again(tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.6, sales=0.4)
        await phone.hears(RIGHT, within=1)
        await phone.silence(2)
        await phone.says("no")
        await phone.hears("You said sales. Is that right?", within=1)
        await phone.silence(2)
        await phone.says("no")
        await phone.hears("Which?", within=2)
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.97, parts=0.5)
        await phone.hears("You said parts. Is that right?", within=1)


async def test_what_is_improbable_is_no_match(tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("the weather", billing=0.1)
        await phone.hears("Sorry.", within=1)


async def test_without_confirmation_an_unsure_choice_is_no_match(tmp_path: Path) -> None:
    async with menu(tmp_path, "confirm: never") as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.6)
        await phone.hears("Sorry.", within=1)


async def test_what_one_caller_denies_is_offered_to_the_next(tmp_path: Path) -> None:
    shared = plan(tmp_path, MENU.format(confirm="timeout: 5s"))
    for answer, heard in (("no", "Which?"), ("yes", "The bills.")):
        async with Phone(shared) as phone:
            await phone.silence(1)
            await phone.says("Thank you.", billing=0.6)
            await phone.hears(RIGHT, within=1)
            await phone.silence(2)
            await phone.says(answer)
            await phone.hears(heard, within=2)


@pytest.mark.parametrize("text", ["billing", "Billing, please."])
async def test_a_recogniser_without_grammar_is_understood_by_its_text(text: str, tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says(text)
        await phone.hears("The bills.", within=1)


async def test_the_ranking_is_in_the_decisions_and_the_turn(tmp_path: Path) -> None:
    async with menu(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.96, sales=0.1)
        (transcript,) = [
            each for each in phone.decisions if each.stage == "transcript" and not each.details["interim"]
        ]
        assert transcript.details["hypotheses"] == [["billing", "billing", 0.96], ["sales", "sales", 0.1]]
    assert Turn("x", 1.0, 0.0, False, "speech").hypotheses == ()


NUMBER = """
a:
  - gather: {{prompt: Number?, input: digits, min_digits: 4, max_digits: 4, into: n, {confirm}}}
  - say: "It is {{{{ n }}}}."
"""


def number(tmp_path: Path, confirm: str = "timeout: 5s") -> Phone:
    return Phone(plan(tmp_path, NUMBER.format(confirm=confirm)))


async def test_a_value_that_was_decoded_surely_is_taken_whatever_was_transcribed(tmp_path: Path) -> None:
    async with number(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("For seven, one, nice.", _4719=0.95)
        await phone.hears("It is 4719.", within=1)


@pytest.mark.parametrize("text", ["4719", "Have a good week."])
async def test_an_unsure_value_is_confirmed(tmp_path: Path, text: str) -> None:
    async with number(tmp_path) as phone:
        await phone.silence(1)
        await phone.says(text, _4719=0.6, _4715=0.2)
        await phone.hears("You said four seven one nine. Is that right?", within=1)
        await phone.silence(3)
        await phone.says("yes")
        await phone.hears("It is 4719.", within=1)


async def test_after_a_no_the_next_value_is_offered(tmp_path: Path) -> None:
    async with number(tmp_path) as phone:
        await phone.silence(1)
        await phone.says("Have a good week.", _4719=0.6, _4715=0.4)
        await phone.hears("You said four seven one nine. Is that right?", within=1)
        await phone.silence(3)
        await phone.says("no")
        await phone.hears("You said four seven one five. Is that right?", within=1)


async def test_an_unsure_value_is_taken_where_the_plan_never_confirms(tmp_path: Path) -> None:
    async with number(tmp_path, "confirm: never") as phone:
        await phone.silence(1)
        await phone.says("4719", _4719=0.6)
        await phone.hears("It is 4719.", within=1)


@pytest.mark.parametrize(
    ("where", "sure", "heard"),
    [
        ("plan", "strict", RIGHT),
        ("plan", "lenient", "The bills."),
        ("gather", "strict", RIGHT),
        ("gather", "lenient", "The bills."),
    ],
)
async def test_how_sure_an_answer_must_be_is_set_for_a_plan_or_a_gather(
    tmp_path: Path, where: str, sure: str, heard: str
) -> None:
    option = f"understanding: {sure}"
    top = option if where == "plan" else "understanding: balanced"
    made = plan(tmp_path, MENU.format(confirm=option if where == "gather" else "timeout: 5s"), top=top)
    async with Phone(made) as phone:
        await phone.silence(1)
        await phone.says("Thank you.", billing=0.9 if sure == "strict" else 0.75, sales=0.05)
        await phone.hears(heard, within=1)
