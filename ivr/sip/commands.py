"""What other threads ask of the SIP thread: a bounded queue, run there."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import structlog

log: Any = structlog.get_logger("ivr.sip")

COMMANDS = 10_000
"""Commands that may wait for the SIP thread."""


class Commands:
    """Any thread → SIP thread. When it is full the SIP thread has stood still for seconds."""

    def __init__(self, thread: threading.Thread) -> None:
        """``thread`` is the one that calls ``run``."""
        self._thread = thread
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(COMMANDS)

    def put(self, command: Callable[[], None]) -> bool:
        """Does not wait; on the SIP thread itself it is run at once. False when it was refused."""
        if threading.current_thread() is self._thread:
            command()
            return True
        try:
            self._waiting.put_nowait(command)
        except queue.Full:
            log.error("sip_queue_full", limit=COMMANDS, remedy="the SIP thread is blocked: restart")
            return False
        return True

    def run(self) -> None:
        """All that wait. One that raises is logged and harms no other."""
        while True:
            try:
                command = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                command()
            except Exception:
                log.exception("sip_command_failed")
