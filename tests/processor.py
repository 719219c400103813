"""How slow this machine's processor is, so that limits of processor time hold on any."""

import time
from functools import cache

REFERENCE_S = 0.16
"""Processor time of the loop below on the machine on which limits are set (AMD EPYC, Python 3.11)."""


@cache
def slowness() -> float:
    """Return how many times slower than the reference this processor is, at least 1."""
    return max(1.0, min(_loop() for _ in range(5)) / REFERENCE_S)


def _loop() -> float:
    began, total = time.thread_time(), 0
    for number in range(2_000_000):
        total += number * number % 7
    return time.thread_time() - began
