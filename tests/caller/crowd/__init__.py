"""Hundreds of callers in one process: ``Crowd``. What it records is in ``record.py``."""

import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tests.caller.crowd.loop import main
from tests.caller.crowd.record import CrowdCall, Record

__all__ = ["Crowd", "CrowdCall", "Record"]


class Crowd:
    """Callers in a process of their own. Use as a context manager; each method waits until it is carried out.

    A call says one of the ``sounds`` over and over, from the moment it is answered, each beginning at a
    place of its own; G.711 mu-law, a packet each 20 ms, the packets of the calls spread over these 20 ms.
    """

    def __init__(self, sounds: Mapping[str, bytes], host: str = "127.0.0.1", core: int | None = None) -> None:
        """``sounds``: PCM16 at 8 kHz by name. ``core``: the one it is to run on."""
        context = get_context("spawn")
        self._link: Connection
        self._link, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, dict(sounds), host, core), daemon=True)
        self._theirs = theirs

    def __enter__(self) -> "Crowd":
        self._process.start()
        self._theirs.close()
        if not self._link.poll(30) or self._link.recv() != "ready":
            raise TimeoutError("the crowd did not come up within 30 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def dial(
        self,
        target: tuple[str, int],
        calls: int,
        rate: float,
        sound: str | Sequence[str],
        *,
        user: str = "ivr",
        stay: float | None = None,
    ) -> list[CrowdCall]:
        """So many calls, ``rate`` of them a second, until all are answered or have failed.

        With ``stay`` each is hung up so many seconds after its 200, and all that is waited for as well.
        ``sound``: what they say; of several each call says one.
        """
        seconds = calls / rate + (stay or 0) + 30
        answer: list[CrowdCall] = self._order(seconds, "dial", target, user, calls, rate, _names(sound), stay)
        return answer

    def say(self, sound: str | Sequence[str]) -> None:
        """What all calls say from now on."""
        self._order(5, "say", _names(sound))

    def hearing(self, calls: Sequence[CrowdCall]) -> list[float]:
        """Return for how long each has been sent loud packets without a pause, seconds; at most since its
        callee's port was first heard."""
        answer: list[float] = self._order(5, "hearing", [call.number for call in calls])
        return answer

    def interrupt(self, call: CrowdCall, sound: str) -> None:
        """That call says this once, from its next packet on. ``Record.shots`` knows when."""
        self._order(5, "interrupt", call.number, sound)

    def hang_up(self, calls: Sequence[CrowdCall] | None = None, rate: float = 100.0) -> list[CrowdCall]:
        """These, or all, ``rate`` a second."""
        numbers = None if calls is None else [call.number for call in calls]
        answer: list[CrowdCall] = self._order(60, "hang_up", numbers, rate)
        return answer

    def report(self) -> Record:
        """Everything recorded so far. To be asked for when no call is up: it takes long enough to be late."""
        with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
            answer = self._order(60, "report", Path(folder))
            packets, ticks = (np.load(Path(folder) / f"{name}.npy") for name in ("packets", "ticks"))
        return Record(packets=packets, ticks=ticks, **answer)

    def _order(self, timeout: float, name: str, *arguments: object) -> Any:
        self._link.send((name, arguments))
        if not self._link.poll(timeout):
            raise TimeoutError(f"the crowd did not carry out {name!r} within {timeout:g} s")
        try:
            return self._link.recv()
        except EOFError:
            raise RuntimeError("the crowd's process has ended; its error is on standard error") from None


def _names(sound: str | Sequence[str]) -> tuple[str, ...]:
    return (sound,) if isinstance(sound, str) else tuple(sound)
