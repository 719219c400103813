"""What a process holds: memory, descriptors, threads, sockets; and what its allocator says of itself."""

import contextlib
import csv
import re
import time
from pathlib import Path

from tests.bench.processor import children, memory_mb

PROBE = '''
"""Writes what the allocator holds, every five seconds, to the folder in SOAK_PROBE."""
import ctypes, gc, os, pathlib, sys, threading, time

class _Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
        "keepcost")]

def _watch(folder):
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Info
    while True:
        time.sleep(5)
        if (folder / "trim").exists():
            libc.malloc_trim(0)
        info = libc.mallinfo2()
        used, free = (info.uordblks + info.hblkhd) / 1e6, info.fordblks / 1e6
        text = f"{used:.2f} {free:.2f} {sys.getallocatedblocks()}"
        (folder / f"{os.getpid()}.part").write_text(text)
        os.replace(folder / f"{os.getpid()}.part", folder / f"{os.getpid()}")

_folder = os.environ.get("SOAK_PROBE")
if _folder:
    threading.Thread(target=_watch, args=(pathlib.Path(_folder),), daemon=True, name="probe").start()
'''

FIELDS = (
    "minute", "rss_mb", "malloc_used_mb", "malloc_free_mb", "python_blocks", "descriptors", "udp_sockets",
    "threads", "calls", "engines_rss_mb",
)  # fmt: skip


class Samples:
    """Rows of ``FIELDS``, kept and written to a CSV file as they are taken."""

    def __init__(self, pid: int, probe: Path, file: Path) -> None:
        self._pid, self._probe = pid, probe
        self._began = time.monotonic()
        self.rows: list[dict[str, float]] = []
        self._out = file.open("w", newline="", encoding="ascii", buffering=1)
        self._writer = csv.DictWriter(self._out, FIELDS)
        self._writer.writeheader()

    def take(self, calls: int) -> dict[str, float]:
        """Look at the process now."""
        proc = Path(f"/proc/{self._pid}")
        written = self._probe / str(self._pid)
        while not written.exists() and proc.exists():
            time.sleep(0.5)
        used, free, blocks = written.read_text().split()
        links = self._links(proc)
        ours = {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
        udp = [line.split()[9] for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        row = {
            "minute": round((time.monotonic() - self._began) / 60, 2),
            "rss_mb": round(memory_mb(self._pid), 2),
            "malloc_used_mb": float(used),
            "malloc_free_mb": float(free),
            "python_blocks": float(blocks),
            "descriptors": len(links),
            "udp_sockets": sum(inode in ours for inode in udp),
            "threads": len(list((proc / "task").iterdir())),
            "calls": calls,
            "engines_rss_mb": round(sum(memory_mb(pid) for pid in children(self._pid)), 1),
        }
        self.rows.append(row)
        self._writer.writerow(row)
        return row

    @staticmethod
    def _links(proc: Path) -> list[str]:
        found = []
        for link in (proc / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                found.append(str(link.readlink()))
        return found
