"""``ivr serve``: ties the user agent to calls, engines and plans; signals, draining, stopping."""

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
from ivr.dialplan.plan.routing import Routing
from ivr.service.banner import banner, show
from ivr.service.calls.call import CallEnd, ServedCall, answer_when_due, facts_of
from ivr.service.calls.registry import CallObserver, CallRegistry
from ivr.service.config.reload import ReadSettings, SettingsChange, compare_settings, with_new_calls
from ivr.service.config.settings import Settings
from ivr.service.engines import Engines, make_engines
from ivr.service.logs import update_logging
from ivr.service.plans.checked import load_checked, prompts_of
from ivr.service.plans.reload import keeping_plans
from ivr.service.ports import check_listeners
from ivr.service.recording.recorder import Recorder
from ivr.service.start_progress import StartProgress
from ivr.service.world.real import RealWorld
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.pjsip.tls import build_security
from ivr.sip.security.check import check_bind, check_security
from ivr.sip.user_agent import AgentInfo, UserAgent
from ivr.tasks import TaskSupervisor, first_completed, on_loop

log: Any = structlog.get_logger("ivr.server")

SWITCH_INTERVAL_S = 0.0005
"""Seconds a thread may keep the GIL while pjmedia's clock waits for it. Python's default: 0.005."""

_BRIDGE_SETTLE_S = 0.5
"""Seconds that ports of calls that have just ended may stay in the bridge before a stop reports them."""


class ServerObserver(CallObserver, Protocol):
    """Receives what a worker does: the supervisor's end in it. Called on the loop."""

    def ready(self, info: AgentInfo) -> None: ...


OutboundTask = Callable[["Server"], Awaitable[None]]
"""The work of a server that takes no calls."""


class Server:
    """One worker: one process, one SIP endpoint."""

    def __init__(
        self,
        settings: Settings,
        plans: Sequence[Plan],
        observer: ServerObserver | None = None,
        *,
        paths: Sequence[Path] = (),
        read_settings: ReadSettings | None = None,
        outbound: OutboundTask | None = None,
    ) -> None:
        """``observer`` is the supervisor's; without one the process catches signals, prints the banner, and
        reads the plans again from ``paths`` at SIGHUP, and the settings with ``read_settings``.

        With ``outbound`` the server runs that instead of waiting for calls, and ends: it takes no calls,
        registers nowhere and prints nothing.
        """
        self._settings = settings
        self._observer = observer
        self._outbound = outbound
        self._plans = list(plans)
        self._routing = Routing(self._plans)
        """Replaced as a whole when plans change; read by the SIP thread."""
        self._paths = tuple(paths)
        self._read_settings = read_settings
        self._settings_change: SettingsChange | None = None
        """Read by the last reload, and in force once its plans are."""
        self._reload = asyncio.Event()
        self._engines: Engines
        self._recorder: Recorder | None = None
        self._world = RealWorld(settings)
        self._old_worlds: list[RealWorld] = []
        """Worlds (HTTP, mail, model) of replaced settings, for the calls that began with them."""
        self.calls = CallRegistry()
        self._tasks = TaskSupervisor(log)
        """The open calls."""
        if observer is not None:
            self.calls.subscribe(observer)
        self._signals = 0
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._failed = False
        taken = self._incoming if outbound is None else None
        self._agent = UserAgent(settings.sip, taken, self._agent_failed)

    async def run(self) -> int:
        """Serve until a signal; the exit code: 0 unless the SIP thread was lost.

        Raises SpeechError, ModelMissing, SipError and ValueError on a bad start.
        """
        self._loop = asyncio.get_running_loop()
        if self._observer is None:
            self._catch_signals()
        check_security(self._settings.sip, build_security())
        check_bind(self._settings.sip, build_security())
        check_listeners(self._settings.sip)
        if self._settings.recording.debug:
            self._recorder = Recorder(self._settings.recording)
        self._engines = make_engines(self._settings, self._agent.bank)
        try:
            prompts = prompts_of(self._plans, self._settings)
            log.info("starting", prompts=len(prompts))
            if await first_completed(self._start_engines(prompts), self._stopping.wait()) != 0:
                return 0
            info = await asyncio.to_thread(self._agent.start)
            try:
                if not self._stopping.is_set():
                    self._ready(info)
                if self._outbound is not None:
                    running = self._tasks.start(self._run_outbound(self._outbound), "outbound", awaited=True)
                async with keeping_plans(
                    self._reload,
                    self._paths,
                    lambda: self._plans,
                    self._reloaded,
                    load=self._load_again,
                    watch=self._settings.watch and self._observer is None,
                ):
                    await self._stopping.wait()
                await self._drain()
                if self._outbound is not None:
                    await asyncio.wait((running,), timeout=2)
                    running.cancel()  # it may wait for a SIP thread that is lost
                    await running
            finally:
                await self._stop_agent()
        finally:
            await self._tasks.aclose()
            await self.calls.aclose()
            for world in (*self._old_worlds, self._world):
                await world.aclose()
            await self._engines.aclose()
            if self._recorder is not None:
                await asyncio.to_thread(self._recorder.close)
        return 1 if self._failed else 0

    async def _run_outbound(self, outbound: OutboundTask) -> None:
        try:
            await outbound(self)
        finally:
            self.stop()

    # -- calls

    def _incoming(self, leg: CallLeg) -> LegListener:
        """SIP thread: route an admitted call; ``answer_when_due`` answers it."""
        plan, start = self._routing.find(facts_of(leg), self._world.world.now())
        on_loop(self._loop, lambda: self._serve(leg, plan, start))()
        ring_s = self._settings.sip.ring_s
        return self.calls.listener(
            leg, self._loop, on_offered=lambda: answer_when_due(leg, plan, ring_s, "invite")
        )

    async def dial(self, to: str, *, account: str | None = None, caller: str | None = None) -> CallEnd:
        """Place a call, run the first plan once it is answered, and wait for the end. On the loop. Raises
        what ``UserAgent.dial`` raises.
        """
        served: asyncio.Future[asyncio.Task[CallEnd]] = self._loop.create_future()

        def on_call(leg: CallLeg) -> LegListener:
            def serve() -> None:
                served.set_result(self._serve(leg, self._plans[0]))

            return self.calls.listener(leg, self._loop, on_dialed=serve)

        self._agent.dial(to, on_call, account=account, caller=caller)
        return await asyncio.shield(await served)

    def _serve(self, leg: CallLeg, plan: Plan, start: str | None = None) -> asyncio.Task[CallEnd]:
        return self.calls.serve(self._make_call(leg, plan, start), self._settings.sip.ring_s)

    def _make_call(self, leg: CallLeg, plan: Plan, start: str | None) -> ServedCall:
        return ServedCall(
            leg,
            plan,
            self._engines,
            self._settings,
            self._recorder,
            self._world.world,
            place_call=(self._agent.dial, self.calls),
            start=start,
        )

    def _load_again(self, paths: Sequence[Path]) -> list[Plan]:
        """Read settings and plans again. Raises SettingsError and PlanError; then nothing has changed."""
        self._settings_change = None
        if self._read_settings is None:
            return load_checked(self._settings, paths, refuse=True)
        change = compare_settings(self._settings, self._read_settings())
        plans = load_checked(change.settings, change.settings.plans or paths, refuse=True)
        self._settings_change = change
        return plans

    async def _reloaded(self, plans: Sequence[Plan]) -> list[str]:
        change = self._settings_change
        missing = await self.change_plans(plans, change.settings if change is not None else None)
        if change is not None:
            change.report()
        return missing

    async def change_plans(self, plans: Sequence[Plan], settings: Settings | None = None) -> list[str]:
        """Make the prompts of these plans, then let new calls follow them; open ones finish on theirs.
        ``settings`` are in force for new calls too, as far as they need no restart. Returns the prompts that
        could not be made.
        """
        missing = await self._engines.tts.prepare(prompts_of(plans, settings or self._settings))
        if settings is not None:
            self._change_settings(with_new_calls(self._settings, settings))
        self._plans = list(plans)
        self._routing = Routing(self._plans)
        log.info("plans_changed", plans=[plan.name for plan in plans])
        return missing

    def _change_settings(self, settings: Settings) -> None:
        self._settings, old = settings, self._settings
        if any(
            getattr(old, table) != getattr(settings, table) for table in ("http", "mail", "agent", "files")
        ):
            self._old_worlds.append(self._world)
            self._world = RealWorld(settings)
        update_logging(settings.log.level, settings.secrets())

    # -- start and stop

    async def _start_engines(self, prompts: Sequence[str]) -> None:
        if self._observer is not None:  # the supervisor shows the progress
            await self._engines.start(prompts)
            return
        async with StartProgress() as progress:
            await self._engines.start(prompts, progress)

    def _ready(self, info: AgentInfo) -> None:
        # Objects made so far stay: the garbage collector need not visit them during calls.
        gc.collect()
        gc.freeze()
        if self._outbound is not None:
            return
        if self._observer is None:
            show(banner(self._settings, self._plans, info))
        else:
            self._observer.ready(info)
        if self._recorder is not None:
            log.warning(
                "recording_enabled",
                folder=str(self._recorder.folder.absolute()),
                remedy="inform callers where the law requires it; recording.debug = false ends it",
            )
        log.info(
            "ready" if self._observer is None else "worker_ready",
            address=info.address,
            max_calls=info.max_calls,
            build=info.build,
            build_max_calls=info.build_max_calls,
        )

    def _catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self.stop)
        # Closing the terminal of `ivr call` ends its call.
        at_hangup = self._reload.set if self._outbound is None else self.stop
        self._loop.add_signal_handler(signal.SIGHUP, at_hangup)

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
        if self._signals > 1 or self._outbound is not None:
            self._at_once.set()

    async def _drain(self) -> None:
        limit = self._settings.sip.drain_s
        log.info("draining", calls=len(self.calls), limit_s=limit)
        drained = await first_completed(self.calls.wait_until_empty(), self._at_once.wait(), timeout_s=limit)
        if drained is None:
            log.warning("drain_limit_reached", calls=len(self.calls))
        await self.calls.end_all("shutdown", 503, timeout_s=2)

    async def _stop_agent(self) -> None:
        times = self._agent.times
        if self._failed:
            return
        # On the carrier build no Python runs per frame, and there are no times.
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


def serve(
    settings: Settings,
    plans: Sequence[Path],
    outbound: OutboundTask | None = None,
    read_settings: ReadSettings | None = None,
) -> int:
    """Run until a signal; the exit code. Raises what ``Server.run`` raises, and PlanError."""
    loaded = load_checked(settings, plans)
    prepare_process()

    async def main() -> int:
        server = Server(settings, loaded, paths=plans, read_settings=read_settings, outbound=outbound)
        return await server.run()

    return asyncio.run(main())


def prepare_process() -> None:
    """Set up a process that handles calls: a short switch interval, and as many open files as the system
    allows, since a call holds two sockets and the soft limit is often 1024.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
