"""``ivr serve``: ties the user agent to sessions and plans, and owns signals and the way down."""

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routes import Routing
from ivr.service.banner import banner
from ivr.service.calls.call import CallEnd, ServedCall, facts_of
from ivr.service.config.settings import Settings
from ivr.service.engines import Engines, make_engines
from ivr.service.on_loop import on_loop
from ivr.service.plans.checked import load_checked
from ivr.service.plans.reload import keeping_plans
from ivr.service.ports import check_listeners
from ivr.service.recording.recorder import Recorder
from ivr.service.world.real import RealWorld
from ivr.sip.leg import CallLeg
from ivr.sip.pjsip.tls import build_security
from ivr.sip.security.check import check_security
from ivr.sip.user_agent import AgentInfo, UserAgent

log: Any = structlog.get_logger("ivr.server")

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the GIL while pjmedia's clock waits for it. Python's own is ten times that."""

_BRIDGE_SETTLE_S = 0.5
"""How long the ports of calls that have just ended may stay in the bridge before a stop reports them."""


class Above(Protocol):
    """Who is told what a worker does: the supervisor. Called on the loop."""

    def ready(self, info: AgentInfo) -> None: ...

    def call_began(self, leg: CallLeg, plan: Plan) -> None: ...

    def call_ended(self, leg: CallLeg) -> None: ...


Errand = Callable[["Server"], Awaitable[None]]
"""What a server does that is not there to be called."""


class Server:
    """One worker: one process, one SIP endpoint."""

    def __init__(
        self,
        settings: Settings,
        plans: Sequence[Plan],
        above: Above | None = None,
        *,
        paths: Sequence[Path] = (),
        errand: Errand | None = None,
    ) -> None:
        """``above`` is the supervisor; without one the process catches signals and prints the banner, and
        reads the plans anew from ``paths`` at SIGHUP.

        With ``errand`` the server does that instead of waiting for calls, and ends: it takes none, registers
        nowhere and prints nothing.
        """
        self._settings = settings
        self._above = above
        self._errand = errand
        self._plans = list(plans)
        self._routing = Routing(self._plans)
        """Replaced as a whole when plans change; read by the SIP thread."""
        self._paths = tuple(paths)
        self._reload = asyncio.Event()
        self._engines: Engines
        self._recorder: Recorder | None = None
        self._world = RealWorld(settings)
        self._calls: dict[CallLeg, ServedCall] = {}
        self._tasks: set[asyncio.Task[CallEnd]] = set()
        self._signals = 0
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._failed = False
        taken = self._incoming if errand is None else None
        self._agent = UserAgent(settings.sip, taken, self._agent_failed)

    async def run(self) -> int:
        """Serve until a signal; the exit code: 0 unless the SIP thread was lost.

        Raises SpeechError, ModelMissing, SipError and ValueError on a bad start.
        """
        self._loop = asyncio.get_running_loop()
        if self._above is None:
            self._catch_signals()
        check_security(self._settings.sip, build_security())
        check_listeners(self._settings.sip)
        if self._settings.recording.debug:
            self._recorder = Recorder(self._settings.recording)
        self._engines = make_engines(self._settings, self._agent.bank)
        try:
            prompts = list(dict.fromkeys(text for plan in self._plans for text in plan.prompts()))
            log.info("starting", prompts=len(prompts))
            starting = asyncio.ensure_future(self._engines.start(prompts))
            stopped = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return 0
            starting.result()
            info = await asyncio.to_thread(self._agent.start)
            try:
                if not self._stopping.is_set():
                    self._ready(info)
                if self._errand is not None:
                    running = asyncio.ensure_future(self._errand(self))
                    running.add_done_callback(lambda _: self.stop())
                async with keeping_plans(
                    self._reload,
                    self._paths,
                    lambda: self._plans,
                    self.change_plans,
                    load=lambda paths: load_checked(self._settings, paths, refuse=True),
                    watch=self._settings.watch and self._above is None,
                ):
                    await self._stopping.wait()
                await self._drain()
                if self._errand is not None:
                    await asyncio.wait((running,), timeout=2)
                    running.cancel()  # it may wait for a SIP thread that is lost
                    await running
            finally:
                await self._stop_agent()
        finally:
            await self._world.aclose()
            await self._engines.close()
            if self._recorder is not None:
                await asyncio.to_thread(self._recorder.close)
        return 1 if self._failed else 0

    # -- calls

    def _incoming(self, leg: CallLeg) -> None:
        """SIP thread: an admitted call. Answered here, while the loop makes its session ready."""
        self._hook(leg)
        plan, start = self._routing.find(facts_of(leg), self._world.world.now())
        on_loop(self._loop, lambda: self._take(leg, plan, start))()
        if self._settings.sip.ring_s > 0:
            leg.ring()
        elif not plan.answers_late:
            leg.answer()

    async def dial(self, to: str, *, account: str | None = None, caller: str | None = None) -> CallEnd:
        """Place a call, run the first plan once it is answered, and wait for the end. On the loop. Raises
        what ``UserAgent.dial`` raises.
        """
        taken: asyncio.Future[asyncio.Task[CallEnd]] = self._loop.create_future()

        def hook(leg: CallLeg) -> None:
            self._hook(leg)
            leg.on_dialled = on_loop(self._loop, lambda: taken.set_result(self._take(leg, self._plans[0])))

        self._agent.dial(to, hook, account=account, caller=caller)
        return await asyncio.shield(await taken)

    def _hook(self, leg: CallLeg) -> None:
        """What happens to ``leg`` is told to its call. The loop runs these in the order they are posted:
        first the call is taken, then it changes.
        """

        def to_call(method: Callable[..., None]) -> Callable[..., None]:
            def tell(*arguments: object) -> None:
                if leg in self._calls:
                    method(self._calls[leg], *arguments)

            return on_loop(self._loop, tell)

        leg.on_confirmed = to_call(ServedCall.confirmed)
        leg.on_ended = to_call(ServedCall.ended)
        leg.on_progress = to_call(ServedCall.progress)
        leg.on_transferred = to_call(ServedCall.transferred)

    def _take(self, leg: CallLeg, plan: Plan, start: str | None = None) -> asyncio.Task[CallEnd]:
        if self._above is not None:
            self._above.call_began(leg, plan)
        call = self._make_call(leg, plan, start)
        self._calls[leg] = call
        task = asyncio.ensure_future(call.serve(self._settings.sip.ring_s))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(done, leg))
        return task

    def _make_call(self, leg: CallLeg, plan: Plan, start: str | None) -> ServedCall:
        return ServedCall(
            leg,
            plan,
            self._engines,
            self._settings,
            self._recorder,
            self._world.world,
            place=self._agent.dial,
            start=start,
        )

    def _done(self, task: asyncio.Task[CallEnd], leg: CallLeg) -> None:
        self._tasks.discard(task)
        self._calls.pop(leg, None)
        if self._above is not None:
            self._above.call_ended(leg)
        if not task.cancelled() and task.exception() is not None:
            log.error("call_task_failed", call=leg.call_id, exc_info=task.exception())
            leg.hangup("failed")

    async def change_plans(self, plans: Sequence[Plan]) -> list[str]:
        """New calls follow these plans; running ones finish on theirs. Prompts are made first; those that
        could not be are returned.
        """
        missing = await self._engines.tts.prepare(
            dict.fromkeys(text for plan in plans for text in plan.prompts())
        )
        self._plans = list(plans)
        self._routing = Routing(self._plans)
        log.info("plans_changed", plans=[plan.name for plan in plans])
        return missing

    # -- up and down

    def _ready(self, info: AgentInfo) -> None:
        # What was made so far stays; the collector need not look at it again in mid-call.
        gc.collect()
        gc.freeze()
        if self._errand is not None:
            return
        if self._above is None:
            print(banner(self._settings, self._plans, info), flush=True)
        else:
            self._above.ready(info)
        if self._recorder is not None:
            log.warning(
                "calls_are_recorded",
                folder=str(self._recorder.folder.absolute()),
                remedy="callers must be told where the law says so; recording.debug = false ends it",
            )
        log.info(
            "ready" if self._above is None else "worker_ready",
            address=info.address,
            max_calls=info.max_calls,
            build=info.build,
            build_max_calls=info.build_max_calls,
        )

    def _catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self.stop)
        # Who has one call placed and closes the terminal ends the call.
        hang_up = self._reload.set if self._errand is None else self.stop
        self._loop.add_signal_handler(signal.SIGHUP, hang_up)

    def _agent_failed(self) -> None:
        """SIP thread: it is lost, and its calls with it. A supervisor can start another process."""

        def end() -> None:
            self._failed = True
            self.stop()
            self._at_once.set()

        on_loop(self._loop, end)()

    def stop(self) -> None:
        """Take no new calls and let the running ones end; the second time, end them. On the loop."""
        self._signals += 1
        self._agent.drain()
        self._stopping.set()
        if self._signals > 1 or self._errand is not None:
            self._at_once.set()

    async def _drain(self) -> None:
        limit = self._settings.sip.drain_s
        log.info("draining", calls=len(self._tasks), limit_s=limit)
        at_once = asyncio.ensure_future(self._at_once.wait())
        try:
            async with asyncio.timeout(limit):
                while self._tasks and not at_once.done():
                    await asyncio.wait((at_once, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            log.warning("drain_limit_reached", calls=len(self._tasks))
        finally:
            at_once.cancel()
        for leg in tuple(self._calls):
            leg.hangup("shutdown", 503)
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=2)

    async def _stop_agent(self) -> None:
        times = self._agent.times
        if self._failed:
            return
        # On the carrier build no Python runs per frame, and there is nothing to tell of it.
        timed = {
            "callbacks": times.count,
            "callback_us_p50": times.percentile_us(50),
            "callback_us_p99": times.percentile_us(99),
            "callback_us_max": round(times.max_ns / 1000),
        }
        settled_at = self._loop.time() + (0 if self._at_once.is_set() else _BRIDGE_SETTLE_S)
        while (bridge_ports := await asyncio.to_thread(self._agent.bridge_ports)) > 0:
            if self._loop.time() > settled_at:
                break
            await asyncio.sleep(0.02)
        log.info("media_stats", bridge_ports=bridge_ports, **(timed if times.count else {}))
        await asyncio.to_thread(self._agent.stop)
        log.info("stopped")


def serve(settings: Settings, plans: Sequence[Path], errand: Errand | None = None) -> int:
    """Run until a signal; the exit code. Raises what ``Server.run`` raises, and PlanError."""
    loaded = load_checked(settings, plans)
    prepare_process()

    async def main() -> int:
        return await Server(settings, loaded, paths=plans, errand=errand).run()

    return asyncio.run(main())


def prepare_process() -> None:
    """Of one that handles calls: it may open as many files as the system allows, for a call holds two sockets
    and the soft limit is often 1024.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
