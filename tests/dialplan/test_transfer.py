"""transfer: the plan is over, or the caller is told and goes on."""

from pathlib import Path
from typing import Literal

import pytest

from ivr.dialplan import TransferResult
from ivr.dialplan.verbs.transfer import BUSY_TEXT, FAILED_TEXT, NO_ANSWER_TEXT, Route, Transfer

from .phone import Phone
from .plans import plan

BUSY = TransferResult("busy", 486, "Busy Here")
LONE = "a:\n  - say: One moment.\n  - transfer: 101\n"


async def test_answered(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, LONE)) as phone:
        assert await phone.ends() == "transferred"
        assert phone.tts.spoken == ["One moment."]
        assert phone.call.transfers == [("101", 30.0)] and phone.call.ended == ["transferred"]


@pytest.mark.parametrize(
    ("outcome", "text"), [("busy", BUSY_TEXT), ("noanswer", NO_ANSWER_TEXT), ("failed", FAILED_TEXT)]
)
async def test_not_answered_and_nothing_written(
    outcome: Literal["busy", "noanswer", "failed"], text: str, tmp_path: Path
) -> None:
    async with Phone(plan(tmp_path, LONE)) as phone:
        phone.call.reached["101"] = TransferResult(outcome, 404, "Not Found")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["One moment.", text]
        (entry,) = phone.logged("transfer_failed")
        assert (entry["to"], entry["outcome"], entry["status"]) == ("101", outcome, 404)


ROUTES = """
a:
  - transfer:
      to: sip:101@pbx
      timeout: 5s
      busy: {say: They are talking., goto: b}
      noanswer: b
      failed: {say: Out of order.}
  - say: Next verb.
b:
  - transfer: {to: "102", failed: c}
c:
  - say: The end.
"""


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("busy", ["They are talking."]),
        ("noanswer", [NO_ANSWER_TEXT]),
        ("failed", ["Out of order.", "Next verb."]),
    ],
)
async def test_each_failure_has_its_route(
    outcome: Literal["busy", "noanswer", "failed"], said: list[str], tmp_path: Path
) -> None:
    async with Phone(plan(tmp_path, ROUTES)) as phone:
        phone.call.reached["sip:101@pbx"] = TransferResult(outcome)
        reason = await phone.ends()
        assert phone.tts.spoken == said
        assert phone.call.transfers[0] == ("sip:101@pbx", 5.0)
        # What leads to b is answered there.
        assert reason == ("end_of_step" if outcome == "failed" else "transferred")


async def test_from_one_to_the_next(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ROUTES)) as phone:
        phone.call.reached = {"sip:101@pbx": BUSY, "102": BUSY}
        assert await phone.ends() == "end_of_step"
        # Busy is a failure where it has no route of its own.
        assert phone.tts.spoken == ["They are talking.", BUSY_TEXT, "The end."]


async def test_the_caller_is_told_even_who_interrupted_before(tmp_path: Path) -> None:
    """Also with a gather behind it: nobody may get there."""
    steps = "a:\n  - say: One moment.\n  - transfer: 101\n  - gather: {choices: {x: {press: 1}}}\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        phone.call.reached["101"] = BUSY
        await phone.hears("One moment.")
        await phone.presses("1")
        await phone.silence(2)
        assert phone.tts.spoken == [BUSY_TEXT]
        assert phone.logged("choice_matched")[0]["choice"] == "x"
        assert await phone.ends() == "end_of_step"


def test_the_texts_are_made_beforehand(tmp_path: Path) -> None:
    loaded = plan(tmp_path, ROUTES)
    assert {"They are talking.", NO_ANSWER_TEXT, "Out of order.", FAILED_TEXT} <= set(loaded.prompts())


def test_short_forms(tmp_path: Path) -> None:
    verb = plan(tmp_path, 'a:\n  - transfer: {to: "*97#", failed: a}\n').steps["a"].verbs[0].verb
    assert isinstance(verb, Transfer)
    assert (verb.to, verb.failed) == ("*97#", Route(goto="a"))
