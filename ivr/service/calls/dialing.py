"""Calls that we place so that a caller talks to somebody: rung, answered, whispered to, connected or handed
over.

On the loop. What the SIP thread tells of such a call is brought here.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import numpy as np

from ivr.audio.resample import Resampler, resample
from ivr.dialplan.runtime.control import Dial, TransferResult
from ivr.service.on_loop import on_loop
from ivr.session import AudioClip, SessionEnded, VoiceSession
from ivr.session.prompt.handle import PreparedPrompts, SayHandle
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg
from ivr.sip.routing import dialled
from ivr.speech.base import TextToSpeech

RING_GRACE_S = 5.0
"""The user agent gives up by itself so much later than we do."""
WHISPER_S = 30.0
"""A whisper that takes longer is cut."""
_RINGS_AHEAD = 3
"""Times that the ringing is played as one prompt, before it is played again."""


class Place(Protocol):
    """``UserAgent.dial``."""

    def __call__(
        self,
        to: str,
        on_call: Callable[[CallLeg], None],
        *,
        caller: str | None = None,
        headers: Any = None,
        ring_s: float | None = None,
    ) -> CallLeg: ...


class Party:
    """Whom we call, and how that goes."""

    def __init__(self, to: str) -> None:
        loop = asyncio.get_running_loop()
        self.to = to
        self.leg: CallLeg | None = None
        self.rings = asyncio.Event()
        self.speaks_early = asyncio.Event()
        """Sound comes from there before the answer."""
        self.answered: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[TransferResult] = loop.create_future()

    def hook(self, leg: CallLeg) -> None:
        """Any thread."""
        loop = self.answered.get_loop()
        leg.on_progress = on_loop(loop, self._progress)
        leg.on_early_media = on_loop(loop, self.speaks_early.set)
        leg.on_confirmed = on_loop(loop, self._confirmed)
        leg.on_ended = on_loop(loop, lambda reason, status: self._over(leg, reason, status))

    def not_placed(self, why: str) -> None:
        self.ended.set_result(TransferResult("failed", 0, why))

    def hangup(self, reason: str) -> None:
        if self.leg is not None and not self.ended.done():
            self.leg.hangup(reason)

    def _progress(self, status: int, phrase: str) -> None:
        if status == 180:
            self.rings.set()

    def _confirmed(self) -> None:
        if not self.answered.done():
            self.answered.set_result(None)

    def _over(self, leg: CallLeg, reason: str, status: int) -> None:
        if self.ended.done():
            return
        told = leg.phrase or reason
        if reason in ("busy", "noanswer"):
            outcome = TransferResult(reason, status, told)  # type: ignore[arg-type]
        else:
            outcome = TransferResult("failed", status, told)
        self.ended.set_result(outcome)


class Dialling:
    """What a caller's call needs to be put through by calls of ours."""

    def __init__(
        self, leg: CallLeg, session: VoiceSession, tts: TextToSpeech, place: Place, log: Any
    ) -> None:
        self._leg, self._session, self._tts, self._place, self._log = leg, session, tts, place, log

    async def dial(
        self, dial: Dial, hand_over: Callable[[CallLeg, float], Awaitable[TransferResult]]
    ) -> TransferResult:
        """See ``CallControl.dial``. ``hand_over`` asks the caller's side to take over a call."""
        whisper = asyncio.ensure_future(self._speech(dial.whisper)) if dial.whisper else None
        result = TransferResult("failed", 0, "nobody was called")
        try:
            for together in [dial.to] if dial.at_once else [(to,) for to in dial.to]:
                found = await self._reach(together, dial)
                if isinstance(found, TransferResult):
                    result = _kinder(result, found)
                    continue
                try:
                    if whisper is not None and not await self._whispered(found, await whisper):
                        result = _kinder(result, found.ended.result())
                        continue
                    return await self._put_through(found, dial, hand_over)
                finally:
                    found.hangup("released")
            return result
        finally:
            if whisper is not None:
                whisper.cancel()

    # -- ringing

    async def _reach(self, together: tuple[str, ...], dial: Dial) -> Party | TransferResult:
        """Who answers first, or how it went."""
        parties = [self._call(to, dial) for to in together]
        chosen: Party | None = None
        try:
            with self._ringing(parties, dial):
                chosen = await self._first_answer(parties, dial.timeout_s)
        finally:
            for party in parties:
                if party is not chosen:
                    party.hangup("noanswer")
            if chosen is None or dial.whisper:
                self._leg.part()  # from what they said before the answer
        if chosen is not None:
            self._log.info("party_answered", to=chosen.to, other=chosen.leg.call_id if chosen.leg else "")
            return chosen
        result = TransferResult("failed", 0, "nobody was called")
        for party in parties:
            ended = party.ended.result() if party.ended.done() else TransferResult("noanswer", 408)
            self._log.info(
                "party_not_reached", to=party.to, outcome=ended.outcome, status=ended.status, why=ended.reason
            )
            result = _kinder(result, ended)
        return result

    def _call(self, to: str, dial: Dial) -> Party:
        party = Party(to)
        try:
            caller = dialled(dial.caller_id, self._leg.domain) if dial.caller_id else None
            party.leg = self._place(
                dialled(to, self._leg.domain),
                party.hook,
                caller=caller,
                headers=dial.headers,
                ring_s=dial.timeout_s + RING_GRACE_S,
            )
        except (ValueError, SipError) as error:
            party.not_placed(str(error))
        else:
            self._log.info("party_called", to=to)
        return party

    @staticmethod
    async def _first_answer(parties: list[Party], timeout_s: float) -> Party | None:
        deadline = time.monotonic() + timeout_s
        while True:
            open_ = [party for party in parties if not party.ended.done()]
            answered = next((party for party in open_ if party.answered.done()), None)
            if answered is not None or not open_:
                return answered
            waits = {future for party in open_ for future in (party.answered, party.ended)}
            left = deadline - time.monotonic()
            done, _ = await asyncio.wait(waits, timeout=max(0, left), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return None

    @contextlib.contextmanager
    def _ringing(self, parties: list[Party], dial: Dial) -> Iterator[None]:
        """Meanwhile the caller hears that it rings, or what the only party called has to say already."""
        if dial.ringback is None:
            yield
            return
        task = asyncio.ensure_future(self._let_ring(parties, dial.ringback))
        try:
            yield
        finally:
            task.cancel()

    async def _let_ring(self, parties: list[Party], ringback: AudioClip) -> None:
        events = [party.rings for party in parties]
        alone = parties[0] if len(parties) == 1 else None
        if alone is not None:
            events.append(alone.speaks_early)
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        handle: SayHandle | None = None
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            while not (alone is not None and alone.speaks_early.is_set()):
                handle = await self._session.say([ringback] * _RINGS_AHEAD, barge_in="none")
                over = asyncio.ensure_future(handle.wait_for_playout())
                await asyncio.wait({over, *waits[len(parties) :]}, return_when=asyncio.FIRST_COMPLETED)
                handle.cancel()
            if alone is not None and alone.leg is not None:
                self._leg.hear(alone.leg)
        except SessionEnded:
            return
        finally:
            if handle is not None:
                handle.cancel()
            for wait in waits:
                wait.cancel()

    # -- once somebody has answered

    async def _put_through(
        self, party: Party, dial: Dial, hand_over: Callable[[CallLeg, float], Awaitable[TransferResult]]
    ) -> TransferResult:
        leg = party.leg
        assert leg is not None
        dial.on_answer()
        if dial.hand_over:
            result = await hand_over(leg, dial.timeout_s)
            self._leg.part()
            return TransferResult(result.outcome, result.status, result.reason, party.to)
        began = time.monotonic()
        own_keys, self._leg.on_dtmf = self._leg.on_dtmf, leg.send_dtmf
        leg.on_dtmf = self._leg.send_dtmf
        self._leg.hear(leg)
        leg.hear(self._leg)
        try:
            with self._session.aside.unheeded(forget=True):
                await asyncio.wait({party.ended})
        finally:
            self._leg.part()
            self._leg.on_dtmf = own_keys
        ended = party.ended.result()
        return TransferResult("completed", ended.status, ended.reason, party.to, time.monotonic() - began)

    async def _whispered(self, party: Party, pcm16: bytes) -> bool:
        """Say it to who answered, whom the caller does not hear yet; whether they are still there."""
        leg = party.leg
        assert leg is not None
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        playback = leg.player.playback()
        playback.on_end = on_loop(loop, heard.set)
        playback.write(pcm16)
        playback.finish()
        leg.player.play(playback)
        try:
            over = asyncio.ensure_future(heard.wait())
            waits: set[asyncio.Future[Any]] = {over, party.ended}
            await asyncio.wait(waits, timeout=WHISPER_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            playback.stop()
            leg.player.release(playback)
        return not party.ended.done()

    async def _speech(self, text: str) -> bytes:
        """PCM16 at the line's rate; nothing when no engine can say it: they are connected all the same."""
        tts, rate = self._tts, self._leg.player.sample_rate
        try:
            prompt = tts.lookup(text) if isinstance(tts, PreparedPrompts) else None
            if prompt is not None:
                sound = np.frombuffer(prompt.pcm, np.int16)
                return resample(sound, tts.sample_rate, rate).tobytes()
            resampler, made = Resampler(tts.sample_rate, rate), b""
            async for chunk in tts.synthesize(text):
                made += resampler.process(np.frombuffer(chunk, np.int16)).tobytes()
            return made + resampler.flush().tobytes()
        except Exception as error:  # whatever an engine raises
            self._log.error("whisper_not_said", error=str(error))
            return b""


_HOPE = ("failed", "busy", "noanswer")


def _kinder(one: TransferResult, other: TransferResult) -> TransferResult:
    """Of several who were not reached, what is told: that nobody answered, else that all are busy, else that
    it failed; of two alike the later."""
    return other if _HOPE.index(other.outcome) >= _HOPE.index(one.outcome) else one
