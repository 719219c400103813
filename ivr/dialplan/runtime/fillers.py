"""Fillers: what the caller hears while an answer takes long."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Spoken
from ivr.session import SessionState
from ivr.tasks import child_task

_Result = TypeVar("_Result")


async def with_fillers(
    run: Run,
    work: Coroutine[Any, Any, _Result],
    fillers: tuple[Spoken, ...],
    after_s: float,
    options: PromptOptions,
) -> _Result:
    """Return the result of ``work``. After ``after_s`` seconds without a result the first of ``fillers`` is
    said, after as long again the next; none is repeated.

    A filler that has begun is said to its end even when the result is there: half a sentence is worse than
    another second. The caller may interrupt it like any prompt. Raises what ``work`` raises, and cancels it
    when cancelled.
    """
    async with child_task(work, "work behind fillers") as task:
        for filler in fillers:
            done, _ = await asyncio.wait({task}, timeout=after_s)
            if done or run.session.state is SessionState.ENDED:
                break
            await run.prompt(filler, options)
        return await task
