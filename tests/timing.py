"""Tests of the marker ``timing``: they measure latency at the wire, so the machine takes part in the result.

They run one at a time (``make test`` runs them after the rest), are given the delay that the machine itself
had meanwhile, and fail only when they fail three times.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from _pytest.runner import runtestprotocol

ATTEMPTS = 3
_TICK_S = 0.005


class MachineDelay:
    """How late a thread of this machine wakes up, in seconds: added to what a latency may be."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._stop = threading.Event()

    def measure(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            time.sleep(_TICK_S)
            self.worst = max(self.worst, time.monotonic() - began - _TICK_S)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def machine_delay() -> Iterator[MachineDelay]:
    """Measured for as long as the context lasts."""
    delay = MachineDelay()
    thread = threading.Thread(target=delay.measure, daemon=True)
    thread.start()
    try:
        yield delay
    finally:
        delay.stop()
        thread.join()


def run_repeatedly(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a timing test until it passes, at most ``ATTEMPTS`` times; the last attempt is reported. False: the
    test is not one of these.
    """
    if item.get_closest_marker("timing") is None:
        return False
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(1, ATTEMPTS + 1):
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = [report for report in reports if report.failed]
        if not failed or attempt == ATTEMPTS:
            break
        print(f"\n{item.nodeid} failed and is repeated:\n{failed[0].longreprtext[-600:]}")
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
