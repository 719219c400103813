"""Debug recording: keeps what is said on every call, and what was decided, in files.

One thread, "recorder", writes for all calls: every half second it takes what is new out of each call's
line. Neither a call nor the loop ever waits for the disk. What crosses threads: a call's queue of decisions
(``MAX_WAITING``), the end of its sound (``LineTap``, under its lock), flags.
"""

import os
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from ivr.audio.frames import LINE_RATE, samples_to_ms
from ivr.audio.line import Line
from ivr.audio.wav import Pcm16
from ivr.service.config.sources import SettingsError
from ivr.service.recording.files import RecordingFiles
from ivr.service.recording.line_tap import LineTap
from ivr.service.recording.recording import UP, RecordingOptions, recording_name
from ivr.session.decisions import Decision

log: Any = structlog.get_logger("ivr.recorder")

PERIOD_S = 0.5
"""Seconds between two looks at the lines; a line remembers three."""
MAX_WAITING = 10_000
"""Decisions of one call that may wait for the disk; more are dropped, and that is said."""
MAX_BYTES = 2**32 - 1024
"""Bytes of sound at most (a WAV size field is 32 bits): 37 hours."""
CLOSE_LIMIT_S = 5.0


class Recorder:
    """The recorder of one process. ``open`` and ``close`` belong to the loop."""

    def __init__(self, options: RecordingOptions) -> None:
        """Make the folder. Raises SettingsError when nothing can be written there."""
        self.folder = options.folder
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(0, "no write permission")
        except OSError as error:
            raise SettingsError(
                f"recording.folder: {self.folder}: {error.strerror}; name a folder that can be written, or "
                "set recording.debug = false"
            ) from error
        self._live: tuple[CallRecording, ...] = ()  # replaced, never changed
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._main, name="recorder", daemon=True)
        self._thread.start()

    def open(self, line: Line, call_id: str, details: Mapping[str, Any]) -> "CallRecording | None":
        """A recording of the call whose sound is in ``line``; it begins with ``begin``. ``details`` are
        for its header. None when the call is already over.
        """
        if not line.bank.add_reader(line):
            return None
        call = CallRecording(self, line, call_id, details)
        with self._lock:
            self._live += (call,)
        self._wake.set()
        return call

    def wake(self) -> None:
        self._wake.set()

    def close(self) -> None:
        """Write what is left. Waits for the disk for at most 5 s; do not call on the loop."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_LIMIT_S)
        if self._thread.is_alive():
            log.error(
                "recorder_unresponsive",
                folder=str(self.folder),
                remedy="check the disk that holds recording.folder",
            )

    def _main(self) -> None:
        while True:
            self._wake.wait(PERIOD_S if self._live else None)
            self._wake.clear()
            closing = self._closing  # before the lines are looked at: what came before it is written
            for call in self._live:
                if call.write(last=closing):
                    with self._lock:
                        self._live = tuple(each for each in self._live if each is not call)
            if closing:
                return


class CallRecording:
    """The recording of one call.

    ``note`` belongs to any thread, ``write`` to the recorder's, the rest to the loop.
    """

    def __init__(self, recorder: Recorder, line: Line, call_id: str, details: Mapping[str, Any]) -> None:
        self._recorder = recorder
        self._tap = LineTap(line)
        self._call_id = call_id
        self._details = {"call": call_id, **details}
        self._began = datetime.now(UTC)
        self._waiting: deque[Decision] = deque()
        self._dropped = 0
        self._file: RecordingFiles | None = None
        self._failed = False

    def begin(self, start: int) -> None:
        """The session's clock began with the line's sample ``start``; nothing before it is kept."""
        self._tap.begin(start)

    def note(self, decision: Decision) -> None:
        """A subscriber to the session's decisions."""
        if len(self._waiting) >= MAX_WAITING:
            self._dropped += 1
        else:
            self._waiting.append(decision.without_texts() if self._tap.hides(decision) else decision)

    def pause(self) -> None:
        """Nothing that is said from now on is kept: both sides are written as silence, and decisions without
        texts and keys. For what a recording must not hold (a card's number).
        """
        self._pause(True)

    def resume(self) -> None:
        """Record again what is said from now on."""
        self._pause(False)

    def end(self) -> None:
        """The call is over; its line is free for others when this returns. Idempotent."""
        self._tap.end()
        self._recorder.wake()

    def _pause(self, paused: bool) -> None:
        at = self._tap.pause(paused)
        if at is not None:
            self.note(Decision(at * UP, "recording", details={"paused": paused}))

    # -- the recorder's thread

    def write(self, *, last: bool) -> bool:
        """Write what is new. Returns True when the recording is complete."""
        over = self._tap.ended or last
        sound, lost = self._tap.take()
        if not self._tap.begun:
            return over
        decisions = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if lost:
            log.warning(
                "recording_gap",
                call=self._call_id,
                ms=round(samples_to_ms(lost, LINE_RATE)),
                remedy="silence takes its place; is the disk of recording.folder too slow?",
            )
        if self._dropped:
            log.warning("recording_decisions_dropped", call=self._call_id, count=self._dropped)
            self._dropped = 0
        if not self._failed:
            try:
                self._append(sound, decisions, over)
            except OSError as error:
                self._fail(error)
        return over

    def _append(self, sound: Pcm16, decisions: list[Decision], over: bool) -> None:
        if self._file is None:
            self._file = RecordingFiles(self._recorder.folder, recording_name(self._began, self._call_id))
            began = self._began.isoformat(timespec="milliseconds")
            header = Decision(0, "session", details={"rate": LINE_RATE * UP, "began": began, **self._details})
            decisions = [header, *decisions]
        self._file.append(sound, decisions)
        if over:
            path = self._file.finish()
            log.info("call_recorded", call=self._call_id, file=str(path))
        elif self._file.sound_bytes > MAX_BYTES:
            raise OSError(0, "the file is as long as a WAV can be")

    def _fail(self, error: OSError) -> None:
        # This call is not recorded any further, and goes on.
        self._failed = True
        log.error(
            "recording_failed",
            call=self._call_id,
            folder=str(self._recorder.folder),
            error=error.strerror or str(error),
            remedy="the call goes on; make room in recording.folder, or set recording.debug = false",
        )
        if self._file is not None:
            self._file.abandon()
