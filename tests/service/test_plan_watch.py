"""``--watch``: a file that changes is noticed, once it keeps still."""

import asyncio
import contextlib
import os
from pathlib import Path

from ivr.dialplan.engine.loader import load_plan
from ivr.service.plans.reload import files_of, watch_files


async def test_a_change_is_reported_once_and_only_when_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("a")
    wanted = asyncio.Event()
    watching = asyncio.create_task(watch_files(wanted, lambda: [file], every_s=0.02))
    try:
        await asyncio.sleep(0.1)
        assert not wanted.is_set()
        file.write_text("ab")
        await asyncio.wait_for(wanted.wait(), 5)
        wanted.clear()
        await asyncio.sleep(0.1)
        assert not wanted.is_set()
        file.unlink()
        await asyncio.wait_for(wanted.wait(), 5)
        wanted.clear()
        file.write_text("abc")
        os.utime(file, ns=(1, 1))
        await asyncio.wait_for(wanted.wait(), 5)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def test_what_is_watched_is_all_that_was_read(tmp_path: Path) -> None:
    (tmp_path / "lib.yaml").write_text("library: 1\nsteps:\n  b:\n    - hangup:\n")
    plan = tmp_path / "plan.yaml"
    plan.write_text("dialplan: 1\nstart: a\ninclude: lib.yaml\nsteps:\n  a:\n    - goto: b\n")
    assert files_of([load_plan(plan)]) == [plan, tmp_path / "lib.yaml"]
