"""Calls that hear each other: connected in pjsua's conference bridge, in C, with no Python per frame.

Only keys of calls are kept here, so that nothing of pjsua2 is held by two. SIP thread only.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

import pjsua2 as pj
import structlog

log: Any = structlog.get_logger("ivr.sip")


class Bridged(Protocol):
    """What is asked of a call."""

    call_id: str

    @property
    def stream(self) -> Any:
        """Its stream's port (``pj.AudioMedia``), None while it has none."""


class Bridges:
    """Who is heard by whom."""

    def __init__(self, calls: Mapping[int, Bridged]) -> None:
        self._calls = calls
        self._heard_by: set[tuple[int, int]] = set()
        """(who speaks, who hears), as it is to be whenever both have sound."""

    def join(self, speaker: int, hearer: int) -> None:
        """From now on ``hearer`` is sent what ``speaker`` says, beside what we say. Also while neither has
        sound yet, and again after a re-INVITE."""
        self._heard_by.add((speaker, hearer))
        self._connect(speaker, hearer)

    def part(self, key: int) -> None:
        """Nobody hears it, and it hears nobody any more."""
        for pair in self._pairs(key):
            self._heard_by.discard(pair)
            speaker, hearer = (self._stream(each) for each in pair)
            if speaker is not None and hearer is not None:
                with contextlib.suppress(pj.Error):  # the stream was gone already
                    speaker.stopTransmit(hearer)

    def changed(self, key: int | None) -> None:
        """It has a new stream, from which nothing is connected."""
        for pair in self._pairs(key):
            self._connect(*pair)

    def ended(self, key: int | None) -> None:
        """Its stream has taken its connections with it."""
        self._heard_by.difference_update(self._pairs(key))

    def _pairs(self, key: int | None) -> list[tuple[int, int]]:
        return [pair for pair in self._heard_by if key in pair]

    def _connect(self, speaker: int, hearer: int) -> None:
        source, sink = self._stream(speaker), self._stream(hearer)
        if source is None or sink is None:
            return
        try:
            source.startTransmit(sink)
        except pj.Error as error:
            log.error("bridge_failed", call=self._calls[hearer].call_id, error=error.reason)

    def _stream(self, key: int) -> Any:
        call = self._calls.get(key)
        return call.stream if call is not None else None
