"""SIGHUP, and with ``--watch`` a file that changes: the plans are read again. One event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.dialplan.engine.loader import load_plans
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.source.errors import PlanError
from ivr.service.config.sources import SettingsError
from ivr.tasks import background_tasks

log: Any = structlog.get_logger("ivr.plans")

Change = Callable[[list[Plan]], Awaitable[list[str]]]
"""Make the prompts of these plans, then switch to them; the prompts that could not be made."""


Load = Callable[[Sequence[Path]], list[Plan]]
"""Read and check plans. Raises PlanError."""

WATCH_S = 1.0
"""Seconds between two checks of the files."""


@contextlib.asynccontextmanager
async def keeping_plans(
    wanted: asyncio.Event,
    paths: Sequence[Path],
    current: Callable[[], Sequence[Plan]],
    change: Change,
    *,
    load: Load = load_plans,
    watch: bool,
) -> AsyncIterator[None]:
    """Run ``keep_plans`` while the block lasts and, with ``watch``, ``watch_files`` of the ``current``
    plans."""
    work = [keep_plans(wanted, paths, change, load)]
    if watch:
        work.append(watch_files(wanted, lambda: files_of(current())))
    async with background_tasks(*work):
        yield


def files_of(plans: Iterable[Plan]) -> list[Path]:
    """Everything that was read for them: plans, what they include, sounds."""
    found: list[Path] = []
    for plan in plans:
        found.extend((*plan.files, *(plan.path.parent / name for name in plan.sounds)))
    return found


async def watch_files(
    wanted: asyncio.Event, files: Callable[[], Iterable[Path]], every_s: float = WATCH_S
) -> None:
    """Set ``wanted`` when one of ``files()`` has changed and then kept still for ``every_s`` seconds, since
    an editor may write in pieces. Until cancelled.
    """
    served = before = await asyncio.to_thread(_stamps, list(files()))
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(_stamps, list(files()))
        if now == before and now != served:
            served = now
            log.info("plan_files_changed", files=len(now))
            wanted.set()
        elif now.keys() != before.keys():  # other plans, other files: what they say now is what is served
            served = now
        before = now


def _stamps(files: Iterable[Path]) -> dict[Path, tuple[int, int] | None]:
    def stamp(path: Path) -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    return {path: stamp(path) for path in files}


async def keep_plans(
    wanted: asyncio.Event, paths: Sequence[Path], change: Change, load: Load = load_plans
) -> None:
    """Each time that ``wanted`` is set: ``load`` and ``change``. A plan with a mistake changes nothing.

    Until cancelled; does not raise.
    """
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            plans = await asyncio.to_thread(load, paths)
            missing = await change(plans)
        except SettingsError as error:
            log.error(
                "settings_refused", error=str(error), remedy="the old settings stay: correct them, reload"
            )
        except PlanError as error:
            log.error(
                "plans_refused",
                error=str(error),
                remedy="the previous plans stay in use; fix the file and reload",
            )
        except Exception:
            log.exception("plans_refused", remedy="the previous plans stay in use")
        else:
            log.info("plans_reloaded", plans=[plan.name for plan in plans], prompts_missing=len(missing))
