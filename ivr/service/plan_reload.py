"""SIGHUP: the plans are read again. One event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.dialplan.errors import PlanError
from ivr.dialplan.loader import load_plans
from ivr.dialplan.plan import Plan

log: Any = structlog.get_logger("ivr.plans")

Change = Callable[[list[Plan]], Awaitable[list[str]]]
"""Make the prompts of these plans, then switch to them; the prompts that could not be made."""


async def keep_plans(wanted: asyncio.Event, paths: Sequence[Path], change: Change) -> None:
    """Each time that ``wanted`` is set: load, check and ``change``. A plan with a mistake changes nothing.

    Until cancelled; does not raise.
    """
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            plans = await asyncio.to_thread(load_plans, paths)
            missing = await change(plans)
        except PlanError as error:
            log.error("plans_refused", error=str(error), remedy="the plans before go on; mend and try again")
        except Exception:
            log.exception("plans_refused", remedy="the plans before go on")
        else:
            log.info("plans_reloaded", plans=[plan.name for plan in plans], prompts_missing=len(missing))
