"""Background tasks with an owner."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ivr.tasks import TaskSupervisor, child_task


async def test_tasks_that_remain_are_cancelled_and_awaited_at_the_end() -> None:
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    tasks = TaskSupervisor()
    task = tasks.start(work(), "work")
    await asyncio.sleep(0)
    assert tasks.running == 1
    await tasks.aclose()
    assert task.cancelled() and cleaned.is_set() and tasks.running == 0


async def test_a_task_that_raises_is_logged_by_its_name_and_the_others_continue() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def answer() -> int:
        await asyncio.sleep(0.01)
        return 42

    tasks = TaskSupervisor()
    with capture_logs() as logged:
        tasks.start(fail(), "fail")
        assert await tasks.start(answer(), "answer") == 42
    assert [(line["event"], line["task"]) for line in logged] == [("background_task_failed", "fail")]
    assert tasks.running == 0


async def test_an_exception_that_another_task_awaits_is_not_logged() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    tasks = TaskSupervisor()
    with capture_logs() as logged, pytest.raises(ValueError, match="broken"):
        await tasks.start(fail(), "fail", awaited=True)
    assert not logged


async def test_a_child_task_ends_with_its_block() -> None:
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    with pytest.raises(ValueError, match="of the block"):
        async with child_task(work(), "work") as task:
            await asyncio.sleep(0)
            raise ValueError("of the block")
    assert cleaned.is_set() and task.cancelled()


async def test_the_block_sees_what_a_child_task_raises() -> None:
    async def work() -> int:
        raise ValueError("of the task")

    with pytest.raises(ValueError, match="of the task"):
        async with child_task(work(), "work") as task:
            await task
