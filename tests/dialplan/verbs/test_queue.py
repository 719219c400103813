"""queue: callers in order, music, announcements, ways out; agents one caller each."""

import asyncio
import contextlib
import itertools
from pathlib import Path
from typing import SupportsIndex

import pytest

from ivr.dialplan import PlanError, TransferResult, World
from ivr.dialplan.runtime.queues import Queues
from tests.caller import sounds as recorded
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan

QUEUE = """
a:
  - queue:
      agents: [201]
      announce: "Number {{ position }}, {{ wait_minutes }} minutes."
      every: 20s
      max_wait: 50s
      leave: {press: 1, say: call me back, goto: back}
      after: thanks
      too_long: sorry
      full: full
      max_callers: 2
back:
  - say: We will call you.
thanks:
  - say: Thank you.
sorry:
  - say: It takes too long.
full:
  - say: Too many.
"""
FIRST, SECOND = "Number 1, 3 minutes.", "Number 2, 6 minutes."


class LastSaid(list[str]):
    """Texts said last; what is looked at while it is being said counts too."""

    def pop(self, index: SupportsIndex = -1) -> str:
        return self[-1]


def busy(phone: Phone) -> Phone:
    phone.call.reached["201"] = TransferResult("busy", 486)
    return phone


async def test_who_is_free_talks_at_once(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, QUEUE)) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken[-1] == "Thank you."
        assert phone.call.dialled[0].to == ("201",) and phone.call.dialled[0].ringback is None
        assert phone.logged("queue_served")[0]["to"] == "201"


async def test_after_so_long_there_is_another_way(tmp_path: Path) -> None:
    async with busy(Phone(plan(tmp_path, QUEUE))) as phone:
        assert await phone.ends() == "end_of_step"
        # At once, after 20 s and after 40 s.
        assert phone.tts.spoken == [FIRST, FIRST, FIRST, "It takes too long."]
        assert phone.logged("queue_left")[0]["reason"] == "too_long"
        assert 50 <= phone.logged("queue_left")[0]["waited_s"] < 51
        assert phone.logged("queue_agent_not_reached")[0]["outcome"] == "busy"


async def test_a_key_leads_out(tmp_path: Path) -> None:
    async with busy(Phone(plan(tmp_path, QUEUE))) as phone:
        await phone.silence(8)
        await phone.presses("5")  # means nothing
        await phone.silence(1)
        assert not phone.task.done()
        await phone.presses("1")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == [FIRST, "We will call you."]
        assert phone.logged("queue_left")[0]["reason"] == "left"


async def test_a_key_leads_out_of_an_announcement_too(tmp_path: Path) -> None:
    async with busy(Phone(plan(tmp_path, QUEUE))) as phone:
        await phone.hears(FIRST)
        await phone.presses("1")
        assert await phone.ends() == "end_of_step" and phone.tts.spoken == ["We will call you."]


async def test_saying_so_leads_out_and_other_talk_does_not(tmp_path: Path) -> None:
    async with busy(Phone(plan(tmp_path, QUEUE))) as phone:
        phone.stt.texts = LastSaid()
        await phone.silence(4)
        await phone.says("what a lovely tune")
        assert not phone.task.done()
        await phone.says("please call me back")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == [FIRST, "We will call you."]


async def test_music_plays_in_a_loop_and_goes_on_after_an_announcement(tmp_path: Path) -> None:
    tone = b"".join(bytes([n, 1]) * 160 for n in range(200))  # 4 s, each frame another value
    recorded.write_wav(tmp_path / "hold.wav", tone)
    steps = QUEUE.replace("every: 20s", "every: 6s\n      music: hold.wav")
    async with busy(Phone(plan(tmp_path, steps))) as phone:
        await phone.silence(14)
        heard = [phone.player.played[at : at + 320] for at in range(0, len(phone.player.played), 320)]
        frames = [frame[0] for frame in heard if len(set(frame[::2])) == 1 and frame[1] == 1]
        assert len(frames) > 500
        # Once round and on, the announcement in between notwithstanding.
        steps_on = [(b - a) % 200 for a, b in itertools.pairwise(frames)]
        assert steps_on.count(1) > 0.98 * len(steps_on) and max(steps_on) <= 3


async def test_callers_are_served_in_order_one_for_each_agent(tmp_path: Path) -> None:
    world = World(queues=Queues(retry_agent_s=0))
    loaded = plan(tmp_path, QUEUE.replace("[201]", "[201, 202]"))
    async with contextlib.AsyncExitStack() as all_of_them:
        phones = []
        for _ in range(4):
            phone = Phone(loaded, world=world)
            phone.call.talking = {"201": asyncio.Event(), "202": asyncio.Event()}
            await all_of_them.enter_async_context(phone)
            await settle()
            phones.append(phone)
        one, two, three, four = phones
        assert [phone.call.dialled[0].to for phone in (one, two)] == [("201",), ("202",)]
        assert not three.call.dialled and not four.call.dialled
        await three.silence(1)
        assert three.tts.spoken == ["Number 1, 3 minutes."]
        await four.silence(1)
        assert four.tts.spoken == ["Number 2, 3 minutes."]
        two.call.talking["202"].set()  # 202 is free: the next in the queue, and nobody else
        await settle()
        assert three.call.dialled[0].to == ("202",) and not four.call.dialled
        await four.silence(20)
        assert four.tts.spoken[-1].startswith("Number 1, ")
        one.call.talking["201"].set()
        await settle()
        assert four.call.dialled[0].to == ("201",)


async def test_who_leaves_makes_room_and_frees_the_agent(tmp_path: Path) -> None:
    world = World(queues=Queues(retry_agent_s=0))
    loaded = plan(tmp_path, QUEUE)
    async with Phone(loaded, world=world) as one, Phone(loaded, world=world) as two:
        one.call.talking["201"] = asyncio.Event()
        await settle()
        assert one.call.dialled and not two.call.dialled
        one.task.cancel()  # the caller has hung up in mid-talk
        await settle()
        assert two.call.dialled[0].to == ("201",)
    assert world.queues.length("main") == 0


async def test_a_full_queue_is_another_way(tmp_path: Path) -> None:
    world = World(queues=Queues())
    loaded = plan(tmp_path, QUEUE)
    async with busy(Phone(loaded, world=world)), busy(Phone(loaded, world=world)):
        await settle()
        async with Phone(loaded, world=world) as third:
            assert await third.ends() == "end_of_step" and third.tts.spoken == ["Too many."]


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


def test_what_can_lead_where_is_known(tmp_path: Path) -> None:
    verb = plan(tmp_path, QUEUE).steps["a"].verbs[0].verb
    assert dict(verb.may_go_to()) == {
        "call me back or 1": "back",
        "after": "thanks",
        "too_long": "sorry",
        "full": "full",
    }
    assert verb.always_leaves() and verb.listens and not list(verb.reads())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("agents: []", "at least one"),
        ("agents: 201, leave: {goto: a}", "a way out needs a 'say' or a 'press'"),
        ("agents: 201, leave: {press: 1}", "goto"),
        ("name: x", "agents"),
    ],
)
def test_what_does_not_go_together_is_refused(fields: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=message):
        plan(tmp_path, f"a:\n  - queue: {{{fields}}}\n")
