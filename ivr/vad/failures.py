"""Failures of the detector's network, logged once in a while: a network that fails fails at every window."""

import time
from typing import Any

import structlog

log: Any = structlog.get_logger(__name__)

LOG_EVERY_S = 30.0
"""Seconds between two lines."""


class InferenceFailures:
    """Belongs to one thread."""

    def __init__(self) -> None:
        self._count = 0
        self._logged_at = float("-inf")

    def report(self, streams: int) -> None:
        """Log, inside an ``except``, that windows of so many streams count as silence."""
        self._count += 1
        now = time.monotonic()
        if now - self._logged_at < LOG_EVERY_S:
            return
        self._logged_at = now
        remedy = "callers are not heard, their keys are: restart the service; ivr doctor tries the network"
        log.exception("vad_inference_failed", streams=streams, failures=self._count, remedy=remedy)
