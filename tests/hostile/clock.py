"""A clock that a test sets forward for one process, so that a timer of minutes ends at once.

A small library is loaded before all others (``LD_PRELOAD``) and adds to the monotonic clock what a file says.
"""

import os
import struct
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile long long *ahead;
static int (*real)(clockid_t, struct timespec *);
int clock_gettime(clockid_t id, struct timespec *now)
{
    if (!real) {
        const char *name = getenv("TEST_CLOCK");
        int file = name ? open(name, O_RDONLY) : -1;
        void *map = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
        if (map != MAP_FAILED)
            ahead = map;
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    int status = real(id, now);
    if (status == 0 && ahead && id == CLOCK_MONOTONIC)
        now->tv_sec += *ahead;
    return status;
}
"""


class Clock:
    """The monotonic clock of a process that is started with ``environment``."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is for the library and its file."""
        library, self._file = folder / "clock.so", folder / "clock"
        compile_ = ["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library), "-ldl"]
        subprocess.run(compile_, input=_SOURCE, text=True, check=True)
        self._seconds = 0
        self.advance(0)
        self.environment = os.environ | {"LD_PRELOAD": str(library), "TEST_CLOCK": str(self._file)}

    def advance(self, seconds: int) -> None:
        """Set it forward."""
        self._seconds += seconds
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", self._seconds))
