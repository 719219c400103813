"""What a caller hears while something takes its time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Spoken
from ivr.session import SessionState

_Result = TypeVar("_Result")


async def with_fillers(
    run: Run, work: Awaitable[_Result], fillers: tuple[Spoken, ...], after_s: float, yields: PromptOptions
) -> _Result:
    """The result of ``work``. When it takes longer than ``after_s`` seconds the first of ``fillers`` is said,
    and each further one when nothing came for as long again; none is repeated.

    A filler that has begun is said to its end, though the result may be there before: half a sentence is
    worse than another second. The caller may interrupt it as any prompt. Raises what ``work`` raises; ends it
    when cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        for filler in fillers:
            done, _ = await asyncio.wait({task}, timeout=after_s)
            if done or run.session.state is SessionState.ENDED:
                break
            await run.prompt(filler, yields)
        return await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
