"""The media ports of a call in the bridge: this file alone decides which kind the build can use.

With a build that has ``LinePort`` (the carrier build, docker/pjsua2) no Python runs per frame: one port in C
writes the call's line and reads its playback. Any other build has two ports in Python (``ports.py``), which
do the same by way of ``buffers.py``. Everything here belongs to the SIP thread.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import pjsua2 as pj
import structlog

from ivr.audio.line import Line, LineBank
from ivr.audio.playback import Playback, PlaybackBuffer
from ivr.audio.wake import LockWake, PipeWake
from ivr.sip.pjsip.line_port import LinePlayback, PlaybackReports
from ivr.sip.player import PlaybackSlot
from ivr.sip.stats import CallbackTimes

log = structlog.get_logger("ivr.sip")

NATIVE = hasattr(pj, "LinePort")
"""This build has ports in C."""


FLOWING = (
    pj.PJSUA_CALL_MEDIA_ACTIVE,
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD,
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD,
)
"""The states of a media line that has a stream."""


def audio_line(media: Any) -> tuple[int, Any]:
    """Return the audio line of a call's ``media`` that carries the sound, and its place in the list.

    An offer may have audio lines that were refused before the one that is used (RFC 3264, 6). When none has a
    stream it is the first; (0, None) when there is no audio line.
    """
    audio = [(place, line) for place, line in enumerate(media) if line.type == pj.PJMEDIA_TYPE_AUDIO]
    return next((found for found in audio if found[1].status in FLOWING), (audio or [(0, None)])[0])


def make_bank(calls: int) -> LineBank:
    """Lines for ``calls`` calls at once and for those just ended, whose ports are freed a moment later: room
    for 250 that end in the same second and more. What is never used costs nothing.
    """
    return LineBank(2 * calls + 64, PipeWake() if NATIVE else LockWake())


class CallMedia(Protocol):
    """A call's ports. ``source`` is what its stream transmits to, ``player`` what transmits to its stream."""

    tap: Any
    player: Any

    def play(self, playback: Playback | None) -> None:
        """Play this from the next frame on; None is silence."""

    def free(self) -> None:
        """Free on the C++ side first, which waits for a callback in progress, while the Python objects are
        still whole: one that is being deallocated has lost its attributes but can be called back, and an
        exception that leaves a port's callback ends the process.
        """


class NativeMedia:
    """One port in C."""

    def __init__(self, key: int, line: Line) -> None:
        wake = line.bank.wake
        assert isinstance(wake, PipeWake)
        at = line.addresses()
        self._port: Any = pj.LinePort(
            at["received"], at["sent"], at["ring"], at["written"], wake.armed.ctypes.data, wake.write_fd
        )
        self._port.createPort(f"line-{key}")
        self.tap = self.player = self._port

    def play(self, playback: Playback | None) -> None:
        if isinstance(playback, LinePlayback):
            playback.attach(self._port)
        else:
            self._port.rest()

    def free(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            self.tap = self.player = None
            pj.LinePort.__swig_destroy__(port)


class PythonMedia:
    """Two ports in Python."""

    def __init__(self, key: int, line: Line, call_id: str, slot: PlaybackSlot, times: CallbackTimes) -> None:
        # Here, and not above: it tries out the build's frames, which no other build needs.
        from ivr.sip.pjsip.python_ports import CallPort, PlayerPort

        # Not a bound method: a cycle would let the garbage collector free a port on any thread.
        failed = functools.partial(_port_failed, call_id)
        self.tap: Any = CallPort(line, times, failed)
        self.tap.createPort(f"tap-{key}")
        self.player: Any = PlayerPort(slot, line, times, failed)
        self.player.createPort(f"player-{key}")

    def play(self, playback: Playback | None) -> None:
        """The player port looks into the slot by itself."""

    def free(self) -> None:
        ports, self.tap, self.player = [self.player, self.tap], None, None
        while ports:
            port = ports.pop()
            if port is not None:
                pj.AudioMediaPort.__swig_destroy__(port)


def make_media(
    key: int, line: Line, call_id: str, slot: PlaybackSlot, times: CallbackTimes
) -> "NativeMedia | PythonMedia":
    """The ports of one call, in the bridge and not yet wired. Raises pj.Error."""
    return NativeMedia(key, line) if NATIVE else PythonMedia(key, line, call_id, slot, times)


def playback_maker(reports: PlaybackReports | None) -> Callable[[], Playback]:
    """Make what a prompt is played from, of the kind that this build's ports read."""
    return reports.new if reports is not None else PlaybackBuffer


def make_reports() -> PlaybackReports | None:
    """Return the queue in which playbacks in C report their end; None when the build has none."""
    return PlaybackReports() if NATIVE else None


def _port_failed(call_id: str) -> None:
    log.exception("media_callback_failed", call=call_id)
