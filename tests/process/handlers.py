"""Engines small enough to test the process they run in. They are loaded in a real child process."""

import ctypes
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

TOY = "tests.process.handlers:Toy"
BROKEN = "tests.process.handlers:Broken"
FLAKY = "tests.process.handlers:Flaky"


class Toy:
    def __init__(self, *, greeting: str = "hello") -> None:
        print("an engine that prints while it loads")
        self.greeting = greeting
        self.done: list[str] = []

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        do = request["do"]
        self.done.append(f"{do} {request.get('name', '')}".strip())
        if do == "crash":
            os._exit(3)
        if do == "raise":
            raise ValueError("not this one")
        if do == "allocate":
            raise RuntimeError("mkl_malloc: failed to allocate memory")
        if do == "hang":
            # A C call that keeps the GIL: no other thread of the process runs, as in a real deadlock.
            ctypes.PyDLL(None).usleep(60_000_000)
        if do == "count":
            for number in range(request["to"]):
                yield number.to_bytes(2, "little") * request.get("width", 1)
                time.sleep(request.get("pause", 0.0))
        if do == "work":
            time.sleep(request["seconds"])
        return {
            "greeting": self.greeting,
            "size": len(payload),
            "sum": sum(payload),
            "done": self.done,
            "pid": os.getpid(),
            "nice": os.nice(0),
            "omp": os.environ.get("OMP_NUM_THREADS"),
            "keys": [name for name in os.environ if "API_KEY" in name],
            "torch": "torch" in sys.modules,
        }
        yield b""


class Broken:
    def __init__(self) -> None:
        raise RuntimeError("the model is a potato")


class Flaky(Toy):
    """Loads only while ``path`` exists."""

    def __init__(self, *, path: str) -> None:
        if not Path(path).exists():
            raise RuntimeError("the model is gone")
        super().__init__()
