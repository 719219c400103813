"""Background tasks with an owner."""

import ast
import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.tasks import TaskSupervisor, background_tasks, child_task, first_completed, run_to_end

STARTING_FUNCTIONS = {"create_task", "ensure_future"}


async def wait_for_ever(cleaned: asyncio.Event) -> None:
    """Work that ends when it is cancelled, and then takes a turn of the loop to clean up."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        cleaned.set()


async def test_tasks_that_remain_are_cancelled_and_awaited_at_the_end() -> None:
    cleaned = asyncio.Event()
    tasks = TaskSupervisor()
    task = tasks.start(wait_for_ever(cleaned), "work")
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
    with pytest.raises(ValueError, match="of the block"):
        async with child_task(wait_for_ever(cleaned), "work") as task:
            await asyncio.sleep(0)
            raise ValueError("of the block")
    assert cleaned.is_set() and task.cancelled()


async def test_the_block_sees_what_a_child_task_raises() -> None:
    async def work() -> int:
        raise ValueError("of the task")

    with pytest.raises(ValueError, match="of the task"):
        async with child_task(work(), "work") as task:
            await task


def test_tasks_are_started_by_their_owners_alone() -> None:
    """Everywhere else ``TaskSupervisor``, ``child_task`` or ``background_tasks`` name, log and end them."""
    allowed = {
        "ivr/tasks.py",
        "ivr/service/start_progress.py",  # by a TaskGroup, which owns them
    }
    root = Path(__file__).parents[1]
    found = {
        str(path.relative_to(root))
        for path in (root / "ivr").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in STARTING_FUNCTIONS)
        or (isinstance(node, ast.ImportFrom) and any(each.name in STARTING_FUNCTIONS for each in node.names))
    }
    assert found == allowed


async def test_one_of_the_background_that_raises_is_logged_and_the_block_continues() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with capture_logs() as logged:
        async with background_tasks(fail(), asyncio.Event().wait()) as (failed, waiting):
            await asyncio.wait({failed})
            assert not waiting.done()
    assert waiting.cancelled()
    assert [line["event"] for line in logged] == ["background_task_failed"]
    assert logged[0]["task"].endswith("fail")


async def test_the_first_to_complete_ends_the_others() -> None:
    cleaned = asyncio.Event()
    assert await first_completed(wait_for_ever(cleaned), asyncio.sleep(0.001)) == 1
    assert cleaned.is_set()
    assert await first_completed(wait_for_ever(cleaned), timeout_s=0.001) is None


async def test_work_that_is_run_to_its_end_is_not_cancelled_with_its_caller() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    async with child_task(run_to_end(work(), "work"), "caller") as calling:
        await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
    assert done.is_set()
