"""A caller in memory: a real session with the real detector, engines that follow a script.

Time is the caller's audio: ``silence(2)`` is two seconds of the call, whatever the clock says.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import structlog

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.dialplan import CallFacts, Dial, Plan, TransferResult, World, run_plan
from ivr.grammar.recognition import Hypothesis
from ivr.session import Decision, MemoryPlayer, SessionConfig, VoiceSession
from ivr.speech.base import SpeechError, Transcript
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from tests.vad.sounds import prompt

FRAME = LINE_FRAME * 2
WORD_MS = 100
LOUD = (1000).to_bytes(2, "little")


@cache
def silero() -> VoiceActivityDetector:
    """One network for all calls, as in a service: loading it takes longer than most of these tests."""
    return create_vad("silero")


class ScriptedStt:
    """Understands, turn by turn, what the test says was spoken."""

    name = "script"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.confidence = 0.9
        self.offers: list[tuple[Hypothesis, ...]] = []
        """Turn by turn, how well the phrases of the question fit the sound; none when empty."""

    async def start(self) -> None: ...

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        offered = self.offers.pop(0) if self.offers else ()
        return Transcript(self.texts.pop(0), self.confidence, self.name, offered)

    async def aclose(self) -> None: ...


class ScriptedTts:
    """A tenth of a second of loud sound per word; ``spoken`` is every text asked for, in order."""

    name = "script"
    sample_rate = LINE_RATE

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.broken: Callable[[str], bool] = lambda text: False

    async def start(self) -> None: ...

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        self.spoken.append(text)
        if self.broken(text):
            raise SpeechError(self.name, "broken by the test")
        for _ in text.split():
            yield LOUD * (LINE_RATE * WORD_MS // 1000)

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None: ...


class Call:
    """The call's end of things: remembers that it was ended; the test decides who answers a transfer."""

    def __init__(self) -> None:
        self.facts = CallFacts(id="phone")
        self.ended: list[str] = []
        self.transfers: list[tuple[str, float]] = []
        self.reached: dict[str, TransferResult] = {}
        """The result of a transfer to that address; any other is answered."""
        self.dialled: list[Dial] = []
        self.talking: dict[str, asyncio.Event] = {}
        """Number to an event: the one who answers there talks until it is set."""
        self.digits: list[str] = []

    async def answer(self) -> None:
        return

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        self.ended.append(reason)

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        self.transfers.append((to, timeout_s))
        return self.reached.get(to, TransferResult("transferred", 200, "OK"))

    async def dial(self, dial: Dial) -> TransferResult:
        self.dialled.append(dial)
        result = TransferResult("failed")
        for to in dial.to:
            answered = TransferResult("transferred" if dial.hand_over else "completed", 200, "OK", to)
            result = self.reached.get(to, answered)
            if result.outcome in ("transferred", "completed"):
                dial.on_answer()
                if to in self.talking:
                    await self.talking[to].wait()
                break
        return result

    async def send_digits(self, digits: str) -> None:
        self.digits.append(digits)


class Phone:
    """``async with Phone(plan) as phone``: a call in which the plan runs."""

    def __init__(
        self, plan: Plan, config: SessionConfig | None = None, *, world: World | None = None
    ) -> None:
        self.plan, self.world = plan, world
        self.stt, self.tts, self.call = ScriptedStt(), ScriptedTts(), Call()
        self.player = MemoryPlayer()
        self.events: list[dict[str, Any]] = []
        self.session_events: list[dict[str, Any]] = []
        self._speech = prompt("vm-goodbye").tobytes()
        self.session = VoiceSession(
            stt=self.stt,
            tts=self.tts,
            vad=silero(),
            player=self.player,
            config=config,
            log=_logger(self.session_events),
        )
        self.decisions: list[Decision] = []
        self.session.on_decision(self.decisions.append)
        self.task: asyncio.Task[str]

    async def __aenter__(self) -> "Phone":
        await self.session.start()
        self.task = asyncio.create_task(
            run_plan(self.plan, self.session, self.call, _logger(self.events), self.world)
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.session.stop()

    # -- what the caller does

    async def silence(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / 20)):
            await self._frame(bytes(FRAME))

    async def says(self, text: str, *, pause: float = 1.4, **offered: float) -> None:
        """Recorded speech, of which the recogniser will understand ``text``, and ``pause`` seconds after it:
        by default long enough for any turn to end. ``offered``: choices of one word whose phrase fits the
        sound, with the confidence of each; ``_4719`` is a typed value.
        """
        self.stt.texts.append(text)
        found = [
            Hypothesis("", name[1:], confidence) if name[0] == "_" else Hypothesis(name, name, confidence)
            for name, confidence in offered.items()
        ]
        self.stt.offers.append(tuple(sorted(found, key=lambda each: -each.confidence)))
        for at in range(0, len(self._speech), FRAME):
            await self._frame(self._speech[at : at + FRAME])
        await self.silence(pause)

    async def presses(self, keys: str) -> None:
        for key in keys:
            await self._until_idle()
            self.session.process_dtmf(key)
        await self._until_idle()

    async def hears(self, text: str, *, within: float = 60.0) -> None:
        """Silence until ``text`` begins to be said; the texts before it are forgotten."""
        for _ in range(round(within * 1000 / 20)):
            await self._frame(bytes(FRAME))
            if text in self.tts.spoken:
                del self.tts.spoken[: self.tts.spoken.index(text) + 1]
                return
        raise AssertionError(f"{text!r} was not said within {within} s, but {self.tts.spoken}")

    async def ends(self, *, within: float = 120.0) -> str:
        """Silence until the plan is over; its reason."""
        for _ in range(round(within * 1000 / 20)):
            if self.task.done():
                return self.task.result()
            await self._frame(bytes(FRAME))
        raise AssertionError(f"the plan was not over within {within} s")

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.events if entry["event"] == event]

    @property
    def clock(self) -> float:
        """Seconds of the call so far."""
        return len(self.player.played) / 2 / LINE_RATE

    async def _frame(self, pcm: bytes) -> None:
        await self._until_idle()
        self.session.process_audio(pcm)

    async def _until_idle(self) -> None:
        """Wait until only more audio changes anything, or the plan is over."""
        settled = asyncio.ensure_future(self.session.wait_until_idle())
        await asyncio.wait({settled, self.task}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()


def _logger(events: list[dict[str, Any]]) -> Any:
    def keep(logger: object, method: str, entry: Any) -> Any:
        events.append({**entry, "level": method})
        raise structlog.DropEvent

    return structlog.wrap_logger(
        structlog.PrintLogger(), processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
