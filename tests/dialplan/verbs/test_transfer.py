"""transfer: the plan is over, or the caller hears why not and goes on."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest
import structlog

from ivr.dialplan import PlanError, TransferResult
from ivr.dialplan.engine.runner import Runner
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.expressions import Template
from ivr.dialplan.verbs.transfer import (
    BUSY_TEXT,
    FAILED_TEXT,
    NO_ANSWER_TEXT,
    RINGING,
    Route,
    Transfer,
    plainly,
)
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan
from tests.vad.sounds import prompt

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


async def test_a_caller_who_interrupted_before_hears_it_too(tmp_path: Path) -> None:
    """The same with a gather after it: nobody may get there."""
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
    assert ([to.source for to in verb.to], verb.failed) == (["*97#"], Route(goto="a"))


BRIDGED = """
a:
  - set: {desk: "'201'"}
  - transfer:
      to: ["{{ desk }}", 202]
      type: bridged
      hunt: all
      timeout: 9s
      caller_id: "{{ call.id }}"
      headers: {X-Step: "from a"}
      whisper: "A call<break time='1s'/> about {{ desk }}."
      busy: b
  - say: Welcome back.
b:
  - say: Busy.
"""


async def test_the_caller_comes_back_from_who_was_called_by_us(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, BRIDGED)) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["Welcome back."]
        (dial,) = phone.call.dialled
        assert (dial.to, dial.at_once, dial.hand_over, dial.timeout_s) == (("201", "202"), True, False, 9.0)
        assert (dial.caller_id, dict(dial.headers)) == ("phone", {"X-Step": "from a"})
        assert dial.whisper == "A call about 201." and dial.ringback is RINGING
        assert phone.logged("transfer_completed")[0]["to"] == "201" and not phone.call.transfers


async def test_after_the_talk_there_is_a_step_for_it(tmp_path: Path) -> None:
    steps = "a:\n  - transfer: {to: 201, type: bridged, after: b}\n  - say: No.\nb:\n  - say: After.\n"
    loaded = plan(tmp_path, steps)
    verb = loaded.steps["a"].verbs[0].verb
    assert list(verb.may_go_to()) == [("after", "b")] and not verb.may_end() and not verb.always_leaves()
    async with Phone(loaded) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["After."]


@pytest.mark.parametrize("kind", ["attended", "bridged"])
@pytest.mark.parametrize(("outcome", "said"), [("busy", "Busy."), ("failed", FAILED_TEXT)])
async def test_calls_of_ours_have_their_failure_routes(
    kind: str, outcome: Literal["busy", "failed"], said: str, tmp_path: Path
) -> None:
    steps = f"a:\n  - transfer: {{to: [1, 2], type: {kind}, busy: b}}\nb:\n  - say: Busy.\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        phone.call.reached = dict.fromkeys("12", TransferResult(outcome))
        assert await phone.ends() == "end_of_step"
        assert said in phone.tts.spoken and phone.call.dialled[0].hand_over == (kind == "attended")


async def test_an_attended_transfer_is_the_end_of_the_plan(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "a:\n  - transfer: {to: 201, type: attended}\n")) as phone:
        assert await phone.ends() == "transferred"
        assert phone.call.ended == ["transferred"] and phone.call.dialled[0].hand_over


async def test_blind_transfers_are_tried_in_their_order(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "a:\n  - transfer: [1, 2, 3]\n")) as phone:
        phone.call.reached = {"1": BUSY, "2": TransferResult("transferred", 200)}
        assert await phone.ends() == "transferred"
        assert [to for to, _ in phone.call.transfers] == ["1", "2"]


async def test_what_is_said_during_the_talk_is_not_heeded(tmp_path: Path) -> None:
    steps = (
        "a:\n  - transfer: {to: 201, type: bridged}\n"
        "  - gather: {prompt: Now?, choices: {x: {say: help}}, noinput: {tries: 0}}\n"
    )
    async with Phone(plan(tmp_path, steps)) as phone:
        speech = prompt("vm-goodbye").tobytes()
        phone.stt.texts = ["help"] * 3
        over = phone.call.talking["201"] = asyncio.Event()
        for _ in range(3):  # there is nothing to wait for but their sound
            for _ in range(50):
                phone.session.process_audio(bytes(320))
                await asyncio.sleep(0)
            phone.session.process_audio(speech)
            await asyncio.sleep(0)
        assert phone.stt.texts == ["help"] * 3
        over.set()
        await phone.hears("Now?")
        await phone.silence(2)
        assert not phone.logged("nomatch") and not phone.logged("choice_matched")


def test_nothing_sensitive_is_dialled(tmp_path: Path) -> None:
    phone = Phone(plan(tmp_path, LONE))
    run = Runner(phone.plan, phone.session, phone.call, structlog.get_logger()).run
    run.variables.set("pin", "4711", sensitive=True)
    run.variables.set("desk", "201")
    assert plainly(run, Template("{{ desk }}@pbx")) == "201@pbx"
    with pytest.raises(VerbFailed, match="a sensitive value cannot be sent in SIP"):
        plainly(run, Template("{{ desk }}{{ pin }}"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("to: 1, whisper: Hello", "'whisper' needs a call of ours"),
        ("to: 1, hunt: all", "a blind transfer can only try one after the other"),
        ("to: 1, type: attended, after: a", "nobody comes back from a transfer that is attended"),
        ("to: 1, type: bridged, headers: {Via: x}", "'Via' is the service's own"),
        ("to: 1, type: bridged, headers: {'X Y': x}", "expected the name of a SIP header"),
        ('to: "no such thing"', "expected an extension"),
        ("to: []", "at least one"),
        ("to: 1, type: warm", "blind"),
    ],
)
def test_what_does_not_go_together_is_refused(fields: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=message):
        plan(tmp_path, f"a:\n  - transfer: {{{fields}}}\n")
