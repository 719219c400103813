"""Calls whose audio is connected in pjsua's conference bridge: in C, with no Python per frame.

Only keys of calls are kept here, so that nothing of pjsua2 is held by two. SIP thread only.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

import pjsua2 as pj
import structlog

log: Any = structlog.get_logger("ivr.sip")


class Bridged(Protocol):
    """The part of a call that is needed here."""

    call_id: str

    @property
    def stream(self) -> Any:
        """Its stream's port (``pj.AudioMedia``), None while it has none."""


class Bridges:
    """Which calls receive the audio of which others."""

    def __init__(self, calls: Mapping[int, Bridged]) -> None:
        self._calls = calls
        self._connections: set[tuple[int, int]] = set()
        """(source, sink), connected whenever both have a stream."""

    def connect(self, source: int, sink: int) -> None:
        """Send ``sink`` the audio of ``source``, beside what we play. Also while neither has a
        stream yet, and again after a re-INVITE."""
        self._connections.add((source, sink))
        self._start(source, sink)

    def disconnect(self, key: int) -> None:
        """Disconnect a call from all others, in both directions."""
        for pair in self._pairs(key):
            self._connections.discard(pair)
            source, sink = (self._stream(each) for each in pair)
            if source is not None and sink is not None:
                with contextlib.suppress(pj.Error):  # the stream was gone already
                    source.stopTransmit(sink)

    def stream_changed(self, key: int | None) -> None:
        """The call has a new stream, to which nothing is connected."""
        for pair in self._pairs(key):
            self._start(*pair)

    def ended(self, key: int | None) -> None:
        """The call has ended; its stream took its connections with it."""
        self._connections.difference_update(self._pairs(key))

    def _pairs(self, key: int | None) -> list[tuple[int, int]]:
        return [pair for pair in self._connections if key in pair]

    def _start(self, source_key: int, sink_key: int) -> None:
        source, sink = self._stream(source_key), self._stream(sink_key)
        if source is None or sink is None:
            return
        try:
            source.startTransmit(sink)
        except pj.Error as error:
            log.error("bridge_failed", call=self._calls[sink_key].call_id, error=error.reason)

    def _stream(self, key: int) -> Any:
        call = self._calls.get(key)
        return call.stream if call is not None else None
