"""Processor time, memory and cores of a running process, from /proc."""

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time."""

    whole: float
    """utime + stime of the process, its threads that have ended included; not its children."""
    threads: dict[int, tuple[str, float]]
    """Thread id to name and seconds."""

    def since(self, before: "Spent") -> "Spent":
        threads = {
            tid: (name, seconds - before.threads.get(tid, ("", 0.0))[1])
            for tid, (name, seconds) in self.threads.items()
        }
        return Spent(self.whole - before.whole, threads)


def spent(pid: int) -> Spent:
    threads = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            name, seconds = _times(stat)
            threads[int(stat.parent.name)] = (name, seconds)
    return Spent(_times(Path(f"/proc/{pid}/stat"))[1], threads)


def _times(stat: Path) -> tuple[str, float]:
    before, _, after = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
    fields = after.split()
    return before.partition("(")[2], (int(fields[11]) + int(fields[12])) * _TICK_S


def memory_mb(pid: int) -> float:
    """Resident memory of the process, MB of 10^6 bytes."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(x for x in text.splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def children(pid: int) -> list[int]:
    """All processes below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text(encoding="ascii").split():
                found += [int(child), *children(int(child))]
    return found


def pin(pid: int, core: int) -> None:
    """Every thread of the process to one core; those it starts later follow."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), {core})


@contextlib.contextmanager
def born_on(core: int, back_to: int) -> Iterator[None]:
    """Processes that this thread starts meanwhile begin on ``core``; ours is on ``back_to`` afterwards."""
    os.sched_setaffinity(threading.get_native_id(), {core})
    try:
        yield
    finally:
        pin(os.getpid(), back_to)


def busy_s(core: int) -> float:
    """Seconds the core has been at work for anybody, or taken from this machine by its host."""
    line = next(x for x in Path("/proc/stat").read_text().splitlines() if x.startswith(f"cpu{core} "))
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = (int(x) for x in line.split()[1:])
    return (user + nice + system + irq + soft + steal) * _TICK_S
