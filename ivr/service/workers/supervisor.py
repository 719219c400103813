"""``ivr serve --workers N``: start the workers and the engine host, and restart those that die.

The supervisor loads and checks the plans and makes the prompts, once for all workers, and handles no call
itself. Each worker reports its calls, so that those of one that died can be logged.
"""

import asyncio
import dataclasses
import gc
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.dialplan.plan.plan import Plan
from ivr.process.child_process import ChildProcess
from ivr.process.framing import Frame
from ivr.process.restarts import RestartLimit
from ivr.process.supervised import SupervisedProcess
from ivr.service.banner import banner, show
from ivr.service.config.reload import ReadSettings, SettingsChange, compare_settings, with_new_calls
from ivr.service.config.settings import Settings, SettingsError
from ivr.service.engines import StartableEngines, make_speech, needs_host, on_host
from ivr.service.logs import update_logging
from ivr.service.plans.checked import load_checked, prompts_of
from ivr.service.plans.reload import keeping_plans
from ivr.service.ports import check_listeners
from ivr.service.start_progress import StartProgress
from ivr.service.workers.child_setup import pack
from ivr.service.workers.options import WorkerOptions, worker_sip_options
from ivr.service.workers.reports import OpenCalls
from ivr.sip.errors import SipError
from ivr.sip.pjsip.tls import build_security
from ivr.sip.security.check import check_bind, check_security
from ivr.sip.user_agent import AgentInfo
from ivr.tasks import TaskSupervisor, first_completed

log: Any = structlog.get_logger("ivr.supervisor")

_HOST_STOP_S = 3.0
_HANG_UP_S = 5.0
"""Seconds a worker has to end its calls after the second stop signal."""


def restart_limit(options: WorkerOptions) -> RestartLimit:
    """Return the policy by which one process is restarted."""
    return RestartLimit(
        first_s=options.restart_backoff_s,
        max_s=options.restart_backoff_max_s,
        limit=options.restart_limit,
        window_s=options.restart_window_s,
    )


class WorkerHandle:
    """One worker, through all its restarts."""

    def __init__(self, supervisor: "Supervisor", index: int) -> None:
        self._supervisor, self.index = supervisor, index
        self.calls = OpenCalls()
        self.info: AgentInfo | None = None
        self.process = SupervisedProcess(
            f"worker {index}",
            self._make_child,
            restart_limit(supervisor.settings.workers),
            on_frame=self._on_frame,
            on_ready=self._on_ready,
            on_gone=self._on_gone,
        )

    def _make_child(self) -> ChildProcess:
        return ChildProcess(
            {"op": "serve", "index": self.index},
            pack((self._supervisor.settings_of(self.index), self._supervisor.plans)),
            title=f"ivr worker {self.index}",
            main="ivr.service.workers.worker",
        )

    def _on_ready(self, frame: Frame) -> None:
        self.info = AgentInfo(**frame.head["info"])
        starts = self.process.starts
        log.info(
            "worker_started", worker=self.index, pid=self.process.pid, address=self.info.address, start=starts
        )

    def _on_frame(self, frame: Frame) -> None:
        try:
            self.calls.take(frame.head, asyncio.get_running_loop().time())
        except (KeyError, TypeError, ValueError):
            log.exception("report_not_understood", worker=self.index)

    def _on_gone(self) -> None:
        for line in self.calls.lost(asyncio.get_running_loop().time()):
            log.warning("call_ended", worker=self.index, **line)
        for party in self.calls.lost_parties():
            log.warning("party_lost", worker=self.index, **party)


class Supervisor:
    """Runs ``settings.workers.count`` workers that serve ``paths``, loaded as ``plans``."""

    def __init__(
        self,
        settings: Settings,
        paths: Sequence[Path],
        plans: Sequence[Plan],
        read_settings: ReadSettings | None = None,
    ) -> None:
        self.settings = settings
        self.plans = list(plans)
        self._paths = tuple(paths)
        self._shared = settings
        self._read_settings = read_settings
        self._settings_change: SettingsChange | None = None
        """Read by the last reload, and in force once its plans are."""
        self._folder: Path | None = None
        self._host: SupervisedProcess | None = None
        self._speech: StartableEngines | None = None
        self._workers: list[WorkerHandle] = []
        self._worker_tasks = TaskSupervisor(log)
        self._running: list[asyncio.Task[None]] = []
        """The workers' tasks, in the workers' order."""
        self._host_tasks = TaskSupervisor(log)
        self._signals = 0
        self._stopping = asyncio.Event()
        self._hang_up = asyncio.Event()
        self._reload = asyncio.Event()

    def settings_of(self, index: int) -> Settings:
        """Return the settings of worker ``index``: its ports, the shared engines."""
        sip = worker_sip_options(self.settings.sip, index, self.settings.workers.count)
        return dataclasses.replace(self._shared, sip=sip)

    async def run(self) -> int:
        """Run until a signal, and until all workers have ended. Returns the exit code: 1 when every
        worker was given up.

        Raises StartFailed, SpeechError, ModelMissing and ValueError on a bad start.
        """
        self._catch_signals()
        try:
            if await first_completed(self._start(), self._stopping.wait()) != 0:
                return 0
            self._announce()
            async with keeping_plans(
                self._reload,
                self._paths,
                lambda: self.plans,
                self._change_plans,
                load=self._load_again,
                watch=self.settings.watch,
            ):
                failed = await self._until_stopped()
            await self._drain()
            log.info("stopped")
            return 1 if failed else 0
        finally:
            await self._clean_up()

    async def _until_stopped(self) -> bool:
        """Return True when every worker was given up."""
        await first_completed(self._stopping.wait(), self._workers_ended())
        return not self._stopping.is_set()

    async def _workers_ended(self) -> None:
        await asyncio.wait(self._running)

    # -- up

    async def _start(self) -> None:
        prompts = self._prompts(self.plans)
        count = self.settings.workers.count
        log.info("starting", workers=count, prompts=len(prompts))
        if needs_host(self.settings):
            self._folder = Path(tempfile.mkdtemp(prefix="ivr-"))  # closed to other users
            socket = self._folder / "engines"
            self._shared = on_host(self.settings, socket)
            self._host = SupervisedProcess(
                "engine host", lambda: self._make_host(socket), restart_limit(self.settings.workers)
            )
            self._host_task = self._host_tasks.start(self._host.run(), "engine host")
            await self._host.wait_ready()
        self._speech = make_speech(self._shared)
        async with StartProgress() as progress:
            await self._speech.start(prompts, progress)
        self._workers = [WorkerHandle(self, index) for index in range(count)]
        self._running = [
            self._worker_tasks.start(worker.process.run(), worker.process.name) for worker in self._workers
        ]
        outcomes = await asyncio.gather(
            *(w.process.wait_ready() for w in self._workers), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _make_host(self, socket: Path) -> ChildProcess:
        first = {"op": "host", "socket": str(socket)}
        return ChildProcess(
            first, pack(self.settings), title="ivr engine host", main="ivr.service.workers.engine_host"
        )

    def _announce(self) -> None:
        gc.collect()
        gc.freeze()
        infos = [worker.info for worker in self._workers if worker.info is not None]
        show(banner(self.settings, self.plans, infos[0], len(infos)))
        log.info(
            "ready",
            workers=len(infos),
            addresses=[info.address for info in infos],
            max_calls=sum(info.max_calls for info in infos),
            build=infos[0].build,
            build_max_calls=infos[0].build_max_calls,
        )

    # -- plans

    def _load_again(self, paths: Sequence[Path]) -> list[Plan]:
        """Read settings and plans again. Raises SettingsError and PlanError; then nothing has changed."""
        self._settings_change = None
        if self._read_settings is None:
            return load_checked(self.settings, paths, refuse=True)
        change = compare_settings(self.settings, self._read_settings())
        plans = load_checked(change.settings, change.settings.plans or paths, refuse=True)
        self._settings_change = change
        return plans

    async def _change_plans(self, plans: list[Plan]) -> list[str]:
        """Make the prompts, then send the plans to the workers, which use them from their next calls on."""
        assert self._speech is not None
        missing = await self._speech.tts.prepare(self._prompts(plans))
        self.plans = plans  # for a worker that is started from now on
        if (change := self._settings_change) is not None:
            self.settings = change.settings
            self._shared = with_new_calls(self._shared, change.settings)
            update_logging(self.settings.log.level, self.settings.secrets())
            change.report()
        packed = pack((self._shared, plans))
        for worker in self._workers:
            worker.process.send({"op": "plans"}, packed)
        return missing

    def _prompts(self, plans: Sequence[Plan]) -> list[str]:
        return prompts_of(plans, self.settings)

    # -- down

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _on_signal(self) -> None:
        self._signals += 1
        self._stopping.set()
        if self._signals > 1:
            self._hang_up.set()

    async def _drain(self) -> None:
        limit_s = self.settings.sip.drain_s + self.settings.workers.kill_after_s
        log.info("draining", calls=sum(len(worker.calls) for worker in self._workers))
        for worker in self._workers:
            worker.process.stop_restarting()
            worker.process.send({"op": "drain"})
        await first_completed(self._workers_ended(), self._hang_up.wait(), timeout_s=limit_s)
        if not all(task.done() for task in self._running):
            for worker in self._workers:
                worker.process.send({"op": "stop"})
            await asyncio.wait(self._running, timeout=_HANG_UP_S)
        if not all(task.done() for task in self._running):
            log.error("workers_killed", workers=[w.index for w in self._workers if w.process.pid is not None])

    async def _clean_up(self) -> None:
        """End everything that was started."""
        await self._worker_tasks.aclose()
        if self._speech is not None:
            await self._speech.aclose()
        if self._host is not None:
            # Requested, not killed, so that it waits for its engines' end.
            self._host.stop_restarting()
            self._host.send({"op": "stop"})
            await asyncio.wait((self._host_task,), timeout=_HOST_STOP_S)
            await self._host_tasks.aclose()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def serve_workers(
    settings: Settings, paths: Sequence[Path], read_settings: ReadSettings | None = None
) -> int:
    """Run until a signal; returns the exit code. Raises what ``Supervisor.run`` raises, SettingsError,
    SipError, PlanError.
    """
    count = settings.workers.count
    try:
        shares = [worker_sip_options(settings.sip, index, count) for index in range(count)]
    except ValueError as error:
        raise SettingsError(str(error)) from None
    check_security(settings.sip, build_security())
    check_bind(settings.sip, build_security())
    for index, sip in enumerate(shares):
        try:
            check_listeners(sip)
        except SipError as error:
            raise SipError(f"worker {index}: {error}") from None
    plans = load_checked(settings, paths)

    async def main() -> int:
        return await Supervisor(settings, paths, plans, read_settings).run()

    return asyncio.run(main())
