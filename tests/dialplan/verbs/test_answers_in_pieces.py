"""A value that is said and pressed in pieces has them in the order in which each was said or pressed."""

import asyncio
from pathlib import Path

import pytest

from ivr.session.turn import turn_queue
from ivr.speech.base import Transcript
from tests.dialplan.phone import FRAME, Phone, ScriptedStt
from tests.dialplan.plans import plan

FOUR = "min_digits: 4, max_digits: 4"


class LateStt(ScriptedStt):
    """Its words come when the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.known = asyncio.Event()
        self.known.set()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        text = self.texts.pop(0)
        await self.known.wait()
        return Transcript(text, self.confidence, self.name)


class Caller(Phone):
    """A phone whose recogniser may be late."""

    def __init__(self, folder: Path, options: str, asks: str = "input: digits, into: n") -> None:
        steps = f"""
        a:
          - gather: {{prompt: Number?, {asks}, {options}}}
          - say: "It is {{{{ n }}}}."
        """
        super().__init__(plan(folder, steps))
        self.late = LateStt()
        self.stt = self.session._stt = self.late

    async def says_unheard(self, text: str, *, pause: float) -> None:
        """Say it, and ``pause`` seconds of silence, while the recogniser has no words yet."""
        self.late.known.clear()
        self.stt.texts.append(text)
        sound = self._speech + bytes(round(pause * 50) * FRAME)
        for at in range(0, len(sound), FRAME):
            self.session.process_audio(sound[at : at + FRAME])
            await asyncio.sleep(0)

    async def presses_at_once(self, keys: str) -> None:
        """Press keys 0.2 s of sound apart, and wait for nothing."""
        for key in keys:
            self.session.process_dtmf(key)
            for _ in range(10):
                self.session.process_audio(bytes(FRAME))
                await asyncio.sleep(0)


@pytest.mark.parametrize("pause", [0.3, 0.5, 1.0, 1.6])
async def test_words_then_keys(pause: float, tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        await caller.says("four seven", pause=pause)
        await caller.presses("19")
        await caller.hears("It is 4719.", within=3)


@pytest.mark.parametrize("pause", [0.3, 1.6])
async def test_words_that_are_recognised_after_the_keys_were_pressed(pause: float, tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        await caller.says_unheard("four seven", pause=pause)
        await caller.presses_at_once("19")
        caller.late.known.set()
        await caller.hears("It is 4719.", within=3)


async def test_words_that_are_recognised_later_than_keys_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_queue, "KEY_WAIT_S", 0.01)
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        await caller.says_unheard("four seven", pause=1.6)
        await caller.presses_at_once("19")
        await asyncio.sleep(0.05)
        caller.late.known.set()
        await caller.hears("It is 4719.", within=3)


async def test_keys_then_words(tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        await caller.presses("19")
        await caller.says("four seven")
        await caller.hears("It is 1947.", within=3)


@pytest.mark.parametrize("late", [False, True])
async def test_three_pieces(late: bool, tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        if late:
            await caller.says_unheard("four", pause=1.6)
            await caller.presses_at_once("7")
            await caller.says_unheard("one nine", pause=1.6)
            caller.late.known.set()
        else:
            await caller.says("four")
            await caller.presses("7")
            await caller.says("one nine")
        await caller.hears("It is 4719.", within=3)


async def test_keys_before_between_and_after(tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR) as caller:
        await caller.silence(1)
        await caller.presses("4")
        await caller.says_unheard("seven one", pause=0.6)
        await caller.presses_at_once("9")
        caller.late.known.set()
        await caller.hears("It is 4719.", within=3)


async def test_a_value_of_any_length_goes_on_with_the_keys_that_were_pressed_meanwhile(
    tmp_path: Path,
) -> None:
    async with Caller(tmp_path, "min_digits: 2") as caller:
        await caller.silence(1)
        await caller.says_unheard("four seven", pause=1.6)
        await caller.presses_at_once("19#")
        caller.late.known.set()
        await caller.hears("It is 4719.", within=3)


async def test_words_that_are_no_digits_do_not_keep_the_keys_back(tmp_path: Path) -> None:
    async with Caller(tmp_path, FOUR + ", nomatch: {tries: 3, say: No.}") as caller:
        await caller.silence(1)
        await caller.says_unheard("well", pause=1.6)
        await caller.presses_at_once("4719")
        caller.late.known.set()
        await caller.hears("It is 4719.", within=20)


async def test_a_key_of_a_menu_does_not_wait_for_words(tmp_path: Path) -> None:
    menu = "choices: {sales: {say: sales, press: 1}}, into: n"
    async with Caller(tmp_path, "timeout: 5s", menu) as caller:
        await caller.silence(1)
        await caller.says_unheard("um", pause=1.6)
        caller.session.process_dtmf("1")
        for _ in range(200):
            await asyncio.sleep(0)
        assert "It is sales." in caller.tts.spoken
        caller.late.known.set()
