"""One call: a SIP leg, a session and a plan, from the INVITE to the line in the log that records it."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from ivr.dialplan.engine.runner import AFTER_HANGUP_S, Runner
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallFacts, Dial, TransferResult
from ivr.dialplan.runtime.world import World
from ivr.service.calls.call_record import ended_fields, started_fields
from ivr.service.calls.dialing import Dialing, PartyObserver, PlaceCall
from ivr.service.config.capabilities import settings_for_plan
from ivr.service.config.settings import Settings
from ivr.service.engines import Engines
from ivr.service.recording.recorder import Recorder
from ivr.session import SessionEnded, SessionState, VoiceSession
from ivr.sip.leg import CallLeg
from ivr.sip.transfer import TransferEnd
from ivr.tasks import background_tasks

KEY_S = 0.28
"""Seconds that pjmedia needs for one key: its tone and the silence after it."""
KEYS_AT_ONCE = 16
"""pjmedia keeps 32 that wait."""
_PAUSES = {"w": 0.5, "W": 1.0}
PRIVATE_TAIL_S = 0.5
"""Seconds after something private in which nothing is recorded: the tone of the last key is still in the air
when its message has come.
"""
MAX_PRIVATE_DELAYS = 20
"""Times that recording is delayed because the caller is still speaking, or the turn is still processed."""
TRANSFER_GRACE_S = 10.0
"""Seconds that the SIP thread has, beyond a transfer's own time limit, to report its result."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The result of a call."""

    answered: bool
    reason: str
    """See ``LegListener.ended``."""
    status: int
    phrase: str


def answer_when_due(leg: CallLeg, plan: Plan, ring_s: float, now: Literal["invite", "rung", "plan"]) -> None:
    """Answer an incoming call if this is the moment: at its INVITE, after it has rung for ``ring_s`` seconds,
    or when a plan that answers late says so. The only place where one is answered. Any thread.
    """
    due = "plan" if plan.answers_late else "rung" if ring_s > 0 else "invite"
    if now == due:
        leg.answer()
    elif now == "invite" and ring_s > 0:
        leg.ring()


class ServedCall:
    """Runs a plan on a leg, incoming or dialed. The registry brings the leg's events here."""

    def __init__(
        self,
        leg: CallLeg,
        plan: Plan,
        engines: Engines,
        settings: Settings,
        recorder: Recorder | None = None,
        world: World | None = None,
        *,
        place_call: tuple[PlaceCall, PartyObserver] | None = None,
        start: str | None = None,
    ) -> None:
        """``place_call`` places further calls, which the observer keeps; without it callers are put through
        by REFER alone.
        ``start``: the plan's step to begin with, when it is not its own."""
        self.leg = leg
        self.plan = plan
        self.facts = facts_of(leg)
        self.record = started_fields(leg, plan)
        """The fields of ``call_started``."""
        settings = settings_for_plan(settings, plan)
        self.log: Any = structlog.get_logger("ivr.call").bind(call=leg.call_id)
        speech = engines.engines_for_call()
        self._session = self._make_session(
            stt=speech.stt,
            tts=speech.tts,
            vad=engines.vad,
            player=leg.player,
            config=settings.session,
            log=self.log,
            line=leg.line,
            turn_detector=engines.turn,
        )
        self.recording = None
        """The recording of the call; None when calls are not recorded."""
        self._record_timer: asyncio.TimerHandle | None = None
        if recorder is not None:
            details = {"plan": plan.name, "options": settings.decisive()}
            self.recording = recorder.open(leg.line, leg.call_id, details)
        if self.recording is not None:
            self._session.on_decision(self.recording.note)
            self._session.privacy.subscribe(self._keep_private)
        self._runner = Runner(plan, self._session, self, self.log, world, start=start)
        self._began = time.monotonic()
        self._ring_s = settings.sip.ring_s
        self._confirmed = asyncio.Event()
        self._ended: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

        self._transfer: asyncio.Future[TransferResult] | None = None
        self._dialing: Dialing | None = None
        if place_call is not None:
            self._dialing = Dialing(leg, self._session, engines.tts, *place_call, self.log)
        self._takes_keys = False

    def _make_session(self, **parts: Any) -> VoiceSession:
        return VoiceSession(**parts)

    # -- events of the leg, on the loop unless they say otherwise

    def key_pressed(self, key: str) -> None:
        """Any thread. A key goes to the other party while the caller is connected to one, else to the
        session."""
        other = self._dialing.connected if self._dialing is not None else None
        if other is not None:
            other.send_dtmf(key)
        elif self._takes_keys:
            self._session.process_dtmf(key)

    def confirmed(self) -> None:
        self._confirmed.set()

    def progress(self, status: int, phrase: str) -> None:
        self.log.info("call_progress", status=status, reason=phrase)

    def ended(self, reason: str, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result((reason, status))

    def transferred(self, end: TransferEnd) -> None:
        if self._transfer is not None and not self._transfer.done():
            self._transfer.set_result(_as_result(end))

    async def serve(self, ring_s: float) -> CallEnd:
        """Serve the call to its end and record it. Does not raise. Every line logged below names the call."""
        with structlog.contextvars.bound_contextvars(call=self.leg.call_id):
            return await self._serve(ring_s)

    async def _serve(self, ring_s: float) -> CallEnd:
        self.log.info("call_started", **self.record)
        try:
            async with background_tasks(self._converse(ring_s)) as (conversation,):
                await asyncio.wait((conversation, self._ended), return_when=asyncio.FIRST_COMPLETED)
                if not self._ended.done():
                    # The plan is over; the SIP thread answers with the end of the call.
                    await self._ended
                # Nothing is played or heard any more, but the plan may have something to do.
                await self._session.stop()
                self._runner.caller_left()
                if not self._runner.begun:
                    conversation.cancel()  # it was never answered
                await asyncio.wait((conversation,), timeout=AFTER_HANGUP_S + 1)
        finally:
            await self._session.stop()
            if self.recording is not None:
                self.recording.end()
        reason, status = self._ended.result()
        duration_s = time.monotonic() - self._began
        tags = self._runner.run.tags
        self.log.info(
            "call_ended", **ended_fields(self.record, duration_s, reason, status, self.leg.stats, tags)
        )
        return CallEnd(self._confirmed.is_set(), reason, status, self.leg.phrase)

    def _keep_private(self, active: bool) -> None:
        assert self.recording is not None
        if self._record_timer is not None:
            self._record_timer.cancel()
        if active:
            self.recording.pause()
        else:
            self._record_later()

    def _record_later(self, delays: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._record_timer = loop.call_later(PRIVATE_TAIL_S, self._record_again, delays)

    def _record_again(self, delays: int) -> None:
        assert self.recording is not None
        still_active = self._session.caller_active and self._session.state is not SessionState.ENDED
        if still_active and delays < MAX_PRIVATE_DELAYS:
            self._record_later(delays + 1)
        else:
            self.recording.resume()

    # -- ``CallControl`` of the plan

    async def answer(self) -> None:
        if not self._confirmed.is_set():
            answer_when_due(self.leg, self.plan, self._ring_s, "plan")
            await self._confirmed.wait()

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        self.leg.hangup(reason, status)

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        try:
            return await self._referred(lambda: self.leg.transfer(to, timeout_s), timeout_s)
        except ValueError as error:
            self.log.error("transfer_address_invalid", to=to, error=str(error))
            return TransferResult("failed", 0, str(error))

    async def dial(self, dial: Dial) -> TransferResult:
        if self._dialing is None:
            return TransferResult("failed", 0, "no calls are placed here")

        async def hand_over(other: CallLeg, timeout_s: float) -> TransferResult:
            return await self._referred(lambda: self.leg.transfer_to_call(other, timeout_s), timeout_s)

        return await self._dialing.dial(dial, hand_over)

    async def _referred(self, ask: Callable[[], None], timeout_s: float) -> TransferResult:
        """Send a REFER by ``ask`` and wait for its result."""
        self._transfer = asyncio.get_running_loop().create_future()
        try:
            ask()
            async with asyncio.timeout(timeout_s + TRANSFER_GRACE_S):
                return await self._transfer
        except TimeoutError:
            return TransferResult("failed", 0, "the SIP thread reported nothing in time")
        finally:
            self._transfer = None

    async def send_digits(self, digits: str) -> None:
        for piece in re.findall(f"[wW]|[^wW]{{1,{KEYS_AT_ONCE}}}", digits):
            if piece not in _PAUSES:
                self.leg.send_dtmf(piece)
            await asyncio.sleep(_PAUSES.get(piece, KEY_S * len(piece)))

    async def _converse(self, ring_s: float) -> None:
        try:
            if self.leg.outgoing:
                # What is heard before the answer (ringing tones, announcements) is not the callee.
                await self._confirmed.wait()
            await self._session.start()
            if self.recording is not None:
                self.recording.begin(self._session.line_start)
            self._takes_keys = True
            if ring_s > 0 and not self.leg.outgoing:
                await asyncio.sleep(ring_s)
                answer_when_due(self.leg, self.plan, ring_s, "rung")
            if not self.plan.answers_late:
                await self._confirmed.wait()
            reason = await self._runner()
        except SessionEnded:
            reason = "ended"
        except Exception:
            # The plan's runner has its own apology; this is for what went wrong around it.
            self.log.exception("call_failed")
            reason = "failed"
        self.leg.hangup(reason, 500 if reason == "failed" else 0)


def facts_of(leg: CallLeg) -> CallFacts:
    """Return what a plan may know of a call."""
    caller, diverted = leg.caller_identity, leg.diverted_from
    return CallFacts(
        id=leg.call_id,
        caller=caller.number or caller.user,
        caller_name=caller.display_name,
        called=leg.called_user,
        diverted_from=diverted.number or diverted.user,
        request_uri=leg.request_uri,
        verified=leg.verified,
        headers=leg.headers,
        all_headers={name: leg.headers.all(name) for name in leg.headers},
        trunk=leg.account or leg.domain,
        direction="out" if leg.outgoing else "in",
    )


def _as_result(end: TransferEnd) -> TransferResult:
    if end.outcome in ("answered", "left"):
        return TransferResult("transferred", end.status, end.reason)
    if end.outcome in ("busy", "noanswer"):
        return TransferResult(end.outcome, end.status, end.reason)
    return TransferResult("failed", end.status, end.reason)
