"""Calls that we place to connect a caller with another party: ring, whisper, connect or hand over.

On the event loop, which also receives what the SIP thread reports of such a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import numpy as np

from ivr.audio.resample import Resampler, resample
from ivr.dialplan.runtime.control import Dial, TransferResult
from ivr.service.calls.early_media import wait_for_sound
from ivr.session import AudioClip, SessionEnded, VoiceSession
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.synthesis import PreparedPrompts
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.routing import dial_uri
from ivr.speech.base import TextToSpeech
from ivr.tasks import background_tasks, first_completed, on_loop

RING_GRACE_S = 5.0
"""Seconds after our own time limit at which the user agent cancels a call by itself."""
EARLY_MEDIA_S = 0.6
"""Seconds after a 183 in which its sound may begin before the caller hears our ringing."""
WHISPER_S = 30.0
"""Seconds after which a whisper is cut."""
_RINGBACKS_PER_PROMPT = 3
"""Times that the ringback tone is repeated in one prompt; then a new prompt starts."""


class PlaceCall(Protocol):
    """``UserAgent.dial``."""

    def __call__(
        self,
        to: str,
        on_call: Callable[[CallLeg], LegListener],
        *,
        caller: str | None = None,
        headers: Any = None,
        ring_s: float | None = None,
    ) -> CallLeg: ...


class PartyObserver(Protocol):
    """Receives the beginning and the end of each call to a party: the registry of open calls. On the loop."""

    def party_called(self, party: "CalledParty") -> None: ...

    def party_ended(self, party: "CalledParty") -> None: ...


class CalledParty(LegListener):
    """A party that we call, and the state of that call. Events come on the SIP thread."""

    def __init__(self, to: str, caller: CallLeg, observer: PartyObserver) -> None:
        """``caller`` is to be connected with it."""
        self._loop = asyncio.get_running_loop()
        self._observer = observer
        self.to = to
        self.caller = caller
        self.leg: CallLeg | None = None
        self.connected: CallLeg | None = None
        """The caller's leg while the two talk; keys of the party go there. Read by the SIP thread."""
        self.ringing = asyncio.Event()
        self.has_early_media = asyncio.Event()
        """The party has agreed to send sound before it answers; whether it does is another matter."""
        self.answer: asyncio.Future[None] = self._loop.create_future()
        self.end: asyncio.Future[TransferResult] = self._loop.create_future()

    def not_placed(self, reason: str) -> None:
        self.end.set_result(TransferResult("failed", 0, reason))

    def hangup(self, reason: str) -> None:
        if self.leg is not None and not self.end.done():
            self.leg.hangup(reason)

    @property
    def record(self) -> dict[str, Any]:
        """The fields of ``call_record.PARTY_FIELDS``."""
        assert self.leg is not None
        return {"call": self.caller.call_id, "other_call": self.leg.call_id, "to": self.to}

    # -- SIP thread

    def dialed(self) -> None:
        on_loop(self._loop, self._observer.party_called)(self)

    def key_pressed(self, key: str) -> None:
        if self.connected is not None:
            self.connected.send_dtmf(key)

    def progress(self, status: int, phrase: str) -> None:
        if status >= 180:
            # What a 183 promises may come in a moment; if not, the caller hears ours.
            delay_s = 0.0 if status == 180 else EARLY_MEDIA_S
            on_loop(self._loop, self._loop.call_later)(delay_s, self.ringing.set)

    def early_media(self) -> None:
        on_loop(self._loop, self.has_early_media.set)()

    def confirmed(self) -> None:
        on_loop(self._loop, self._answered)()

    def ended(self, reason: str, status: int) -> None:
        on_loop(self._loop, self._ended)(reason, status)

    # -- event loop

    def _answered(self) -> None:
        if not self.answer.done():
            self.answer.set_result(None)

    def _ended(self, reason: str, status: int) -> None:
        self._observer.party_ended(self)
        if self.end.done():
            return
        phrase = (self.leg.phrase if self.leg is not None else "") or reason
        if reason in ("busy", "noanswer"):
            self.end.set_result(TransferResult(reason, status, phrase))  # type: ignore[arg-type]
        else:
            self.end.set_result(TransferResult("failed", status, phrase))


class Dialing:
    """Connects a caller with parties that are called for that purpose."""

    def __init__(
        self,
        leg: CallLeg,
        session: VoiceSession,
        tts: TextToSpeech,
        place_call: PlaceCall,
        observer: PartyObserver,
        log: Any,
    ) -> None:
        self._observer = observer
        self._leg, self._session, self._tts, self._log = leg, session, tts, log
        self._place_call = place_call
        self.connected: CallLeg | None = None
        """The leg of the party that the caller talks to; keys of the caller go there. Read by the SIP
        thread."""

    async def dial(
        self, dial: Dial, hand_over: Callable[[CallLeg, float], Awaitable[TransferResult]]
    ) -> TransferResult:
        """See ``CallControl.dial``. ``hand_over`` asks the caller's side to take over a call."""
        result = TransferResult("failed", 0, "no party was called")
        async with background_tasks(*([self._speech(dial.whisper)] if dial.whisper else [])) as whisper:
            for together in [dial.to] if dial.at_once else [(to,) for to in dial.to]:
                found = await self._reach(together, dial)
                if isinstance(found, TransferResult):
                    result = _better_result(result, found)
                    continue
                try:
                    if whisper and not await self._whispered(found, await whisper[0]):
                        result = _better_result(result, found.end.result())
                        continue
                    return await self._put_through(found, dial, hand_over)
                finally:
                    found.hangup("released")
            return result

    # -- ringing

    async def _reach(self, together: tuple[str, ...], dial: Dial) -> CalledParty | TransferResult:
        """Call them together. Returns the party that answers first, or the result when none does."""
        parties = [self._call(to, dial) for to in together]
        chosen: CalledParty | None = None
        try:
            async with background_tasks(*self._ringback(parties, dial)):
                chosen = await self._first_answer(parties, dial.timeout_s)
        finally:
            for party in parties:
                if party is not chosen:
                    party.hangup("noanswer")
            if chosen is None or dial.whisper:
                self._leg.disconnect_audio()  # from the early media
        if chosen is not None:
            self._log.info(
                "party_answered", to=chosen.to, other_call=chosen.leg.call_id if chosen.leg else ""
            )
            return chosen
        result = TransferResult("failed", 0, "no party was called")
        for party in parties:
            ended = party.end.result() if party.end.done() else TransferResult("noanswer", 408)
            self._log.info(
                "party_not_reached",
                to=party.to,
                outcome=ended.outcome,
                status=ended.status,
                reason=ended.reason,
            )
            result = _better_result(result, ended)
        return result

    def _call(self, to: str, dial: Dial) -> CalledParty:
        party = CalledParty(to, self._leg, self._observer)
        try:
            caller = dial_uri(dial.caller_id, self._leg.domain) if dial.caller_id else None
            self._place_call(
                dial_uri(to, self._leg.domain),
                lambda leg: self._listen_to(party, leg),
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
    def _listen_to(party: CalledParty, leg: CallLeg) -> LegListener:
        party.leg = leg  # before its first event
        return party

    @staticmethod
    async def _first_answer(parties: list[CalledParty], timeout_s: float) -> CalledParty | None:
        deadline = time.monotonic() + timeout_s
        while True:
            open_ = [party for party in parties if not party.end.done()]
            answered = next((party for party in open_ if party.answer.done()), None)
            if answered is not None or not open_:
                return answered
            waits = {future for party in open_ for future in (party.answer, party.end)}
            left = deadline - time.monotonic()
            done, _ = await asyncio.wait(waits, timeout=max(0, left), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return None

    def _ringback(self, parties: list[CalledParty], dial: Dial) -> list[Coroutine[Any, Any, None]]:
        return [] if dial.ringback is None else [self._ring_back(parties, dial.ringback)]

    async def _ring_back(self, parties: list[CalledParty], ringback: AudioClip) -> None:
        """Play ringback to the caller once it rings, until the only party called sends sound of its own."""
        alone = parties[0] if len(parties) == 1 else None
        handle: SayHandle | None = None
        try:
            async with background_tasks(self._early_sound(alone)) as (sound,):
                await first_completed(*(party.ringing.wait() for party in parties), asyncio.wait({sound}))
                while not sound.done():
                    handle = await self._session.say([ringback] * _RINGBACKS_PER_PROMPT, barge_in="none")
                    await first_completed(handle.wait_for_playout(), asyncio.wait({sound}))
                    handle.cancel()
        except SessionEnded:
            return
        finally:
            if handle is not None:
                handle.cancel()

    async def _early_sound(self, alone: CalledParty | None) -> None:
        """Connect the early media of the only party called, and wait for its sound; for ever when there are
        several.
        """
        if alone is None:
            await asyncio.Event().wait()
        else:
            await alone.has_early_media.wait()
            assert alone.leg is not None
            self._leg.receive_audio_from(alone.leg)
            await wait_for_sound(alone.leg.line)

    # -- after an answer

    async def _put_through(
        self, party: CalledParty, dial: Dial, hand_over: Callable[[CallLeg, float], Awaitable[TransferResult]]
    ) -> TransferResult:
        leg = party.leg
        assert leg is not None
        dial.on_answer()
        if dial.hand_over:
            result = await hand_over(leg, dial.timeout_s)
            self._leg.disconnect_audio()
            return TransferResult(result.outcome, result.status, result.reason, party.to)
        began = time.monotonic()
        self.connected, party.connected = leg, self._leg
        self._leg.receive_audio_from(leg)
        leg.receive_audio_from(self._leg)
        try:
            with self._session.ignore_speech(discard_turns=True):
                await asyncio.wait({party.end})
        finally:
            self._leg.disconnect_audio()
            self.connected = party.connected = None
        ended = party.end.result()
        return TransferResult("completed", ended.status, ended.reason, party.to, time.monotonic() - began)

    async def _whispered(self, party: CalledParty, pcm16: bytes) -> bool:
        """Play it to the party that answered, which the caller does not hear yet. Returns whether they are
        still there."""
        leg = party.leg
        assert leg is not None
        loop = asyncio.get_running_loop()
        played = asyncio.Event()
        playback = leg.player.playback()
        playback.on_end = on_loop(loop, played.set)
        playback.write(pcm16)
        playback.finish()
        leg.player.play(playback)
        try:
            await first_completed(played.wait(), asyncio.wait({party.end}), timeout_s=WHISPER_S)
        finally:
            playback.stop()
            leg.player.release(playback)
        return not party.end.done()

    async def _speech(self, text: str) -> bytes:
        """Return PCM16 at the line's rate; nothing when no engine can say it: the parties are connected all
        the same."""
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
            self._log.error("whisper_failed", error=str(error))
            return b""


_OUTCOME_RANK = ("failed", "busy", "noanswer")


def _better_result(one: TransferResult, other: TransferResult) -> TransferResult:
    """Return the outcome to report of two: nobody answered, else busy, else failed; of two alike the
    later."""
    return other if _OUTCOME_RANK.index(other.outcome) >= _OUTCOME_RANK.index(one.outcome) else one
