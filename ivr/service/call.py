"""One call: a SIP leg, a session and a plan, from the INVITE to the line in the log that records it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from ivr.dialplan.plan import Plan
from ivr.dialplan.run import run_plan
from ivr.service.engines import Engines
from ivr.service.recorder import Recorder
from ivr.service.settings import Settings
from ivr.session import SessionEnded, VoiceSession
from ivr.sip.leg import CallLeg


class ServedCall:
    """Made on the loop for each admitted leg. Its hooks come from the SIP thread and are brought here."""

    def __init__(
        self,
        leg: CallLeg,
        plan: Plan,
        engines: Engines,
        settings: Settings,
        recorder: Recorder | None = None,
    ) -> None:
        self.leg = leg
        self.plan = plan
        self.log: Any = structlog.get_logger("ivr.call").bind(call=leg.call_id)
        self._session = VoiceSession(
            stt=engines.stt,
            tts=engines.tts,
            vad=engines.vad,
            player=leg.player,
            config=settings.session,
            log=self.log,
            line=leg.line,
        )
        self.recording = None
        """What is kept of the call, when calls are recorded."""
        if recorder is not None:
            details = {"plan": plan.name, "options": settings.decisive()}
            self.recording = recorder.open(leg.line, leg.call_id, details)
        if self.recording is not None:
            self._session.on_decision(self.recording.note)
        self._began = time.monotonic()
        self._confirmed = asyncio.Event()
        self._ended: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    # -- on the loop

    def confirmed(self) -> None:
        self._confirmed.set()

    def ended(self, reason: str, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result((reason, status))

    async def serve(self, ring_s: float) -> None:
        """Until the call is over and recorded. Does not raise. Every line logged below names the call."""
        with structlog.contextvars.bound_contextvars(call=self.leg.call_id):
            await self._serve(ring_s)

    async def _serve(self, ring_s: float) -> None:
        self.log.info("call_started", caller=self.leg.caller, called=self.leg.called, plan=self.plan.name)
        conversation = asyncio.ensure_future(self._converse(ring_s))
        try:
            await asyncio.wait((conversation, self._ended), return_when=asyncio.FIRST_COMPLETED)
            if not self._ended.done():
                # The plan is over; the SIP thread answers with the end of the call.
                await self._ended
        finally:
            conversation.cancel()
            await asyncio.gather(conversation, return_exceptions=True)
            await self._session.stop()
            if self.recording is not None:
                self.recording.end()
        reason, status = self._ended.result()
        stats = self.leg.stats
        self.log.info(
            "call_ended",
            duration_s=round(time.monotonic() - self._began, 2),
            reason=reason,
            status=status,
            codec=stats.codec,
            packets_received=stats.received,
            packets_sent=stats.sent,
            packets_lost=stats.lost,
            jitter_ms=round(stats.jitter_ms, 2),
        )

    async def hangup(self, reason: str = "plan") -> None:
        """``CallControl`` of the plan."""
        self.leg.hangup(reason)

    async def _converse(self, ring_s: float) -> None:
        try:
            await self._session.start()
            if self.recording is not None:
                self.recording.begin(self._session.line_start)
            self.leg.on_dtmf = self._session.process_dtmf
            if ring_s > 0:
                await asyncio.sleep(ring_s)
                self.leg.answer()
            await self._confirmed.wait()
            reason = await run_plan(self.plan, self._session, self, self.log)
        except SessionEnded:
            reason = "ended"
        except Exception:
            # The plan's runner has its own apology; this is for what went wrong around it.
            self.log.exception("call_failed")
            reason = "failed"
        self.leg.hangup(reason, 500 if reason == "failed" else 0)


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object]) -> Callable[..., None]:
    """``function``, to be called from another thread, run on ``loop``; nothing once the loop is closed."""

    def call(*args: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *args)

    return call
