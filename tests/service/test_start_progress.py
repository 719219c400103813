"""Progress of a start: a line on a terminal, lines of the log without one; engines load at once."""

import asyncio
import io
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from ivr.service import start_progress
from ivr.service.start_progress import StartProgress, start_together


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_a_terminal_shows_what_is_loading_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_progress, "MIN_S", 0.0)
    monkeypatch.setattr(start_progress, "UPDATE_EVERY_S", 0.01)
    terminal = Terminal()
    async with StartProgress(terminal) as progress:
        progress.engine_starting("whisper")
        progress.engine_starting("piper")
        await asyncio.sleep(0.05)
        assert "loading whisper, piper" in terminal.getvalue()
        progress.engine_ready("whisper")
        progress.engine_ready("piper")
        progress.prompts(3, 11)
        await asyncio.sleep(0.05)
        assert terminal.getvalue().endswith("starting (0 s): prompts 3 of 11\r")
    assert terminal.getvalue().endswith("\r\x1b[K"), "the line is removed"


async def test_a_quick_start_shows_no_line() -> None:
    terminal = Terminal()
    async with StartProgress(terminal) as progress:
        progress.engine_starting("whisper")
        progress.engine_ready("whisper")
    assert terminal.getvalue() == ""


async def test_without_a_terminal_every_step_is_a_line_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0
    monkeypatch.setattr(start_progress, "time", SimpleNamespace(monotonic=lambda: seconds))
    output = io.StringIO()
    with capture_logs() as lines:
        async with StartProgress(output) as progress:
            progress.engine_starting("piper")
            for done in range(4):
                progress.prompts(done, 3)
                seconds += 0.75 * start_progress.PROMPTS_EVERY_S
    assert output.getvalue() == ""
    assert [line["event"] for line in lines] == ["engine_starting", "prompts_preparing"]
    assert lines[1]["done"] == 2 and lines[1]["total"] == 3


async def test_engines_load_at_once_and_one_that_fails_ends_the_start() -> None:
    running = 0

    async def load() -> None:
        nonlocal running
        running += 1
        await asyncio.sleep(0)
        assert running == 2, "both are loading"

    await start_together(load(), load())
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async def broken() -> None:
        await asyncio.sleep(0)
        raise ValueError("the model is a potato")

    with pytest.raises(ValueError, match="potato"):
        await start_together(slow(), broken())
    assert cancelled.is_set()
