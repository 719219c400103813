"""Commands of other threads for the SIP thread: a bounded queue."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog

log: Any = structlog.get_logger("ivr.sip")

COMMANDS = 10_000
"""Commands that may wait for the SIP thread."""


class Commands:
    """A queue from any thread to the SIP thread. It is full only if the SIP thread was blocked for
    seconds."""

    def __init__(self, thread: threading.Thread) -> None:
        """``thread`` is the one that calls ``run``."""
        self._thread = thread
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(COMMANDS)
        self._postponing = False

    def put(self, command: Callable[[], None]) -> bool:
        """Queue a command without waiting; on the SIP thread run it at once, but within ``postponed``.
        Returns False when the queue is full.
        """
        if threading.current_thread() is self._thread and not self._postponing:
            command()
            return True
        try:
            self._waiting.put_nowait(command)
        except queue.Full:
            log.error(
                "sip_queue_full", limit=COMMANDS, remedy="the SIP thread is blocked: restart the service"
            )
            return False
        return True

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Within this, commands of the SIP thread wait for ``run``, as others do. SIP thread only."""
        self._postponing = True
        try:
            yield
        finally:
            self._postponing = False

    def run(self) -> None:
        """Run all queued commands. An exception is logged and does not stop the others."""
        while True:
            try:
                command = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                command()
            except Exception:
                log.exception("sip_command_failed")
