"""The files of a call that is being recorded."""

import contextlib
import os
from pathlib import Path

from ivr.audio.frames import LINE_RATE
from ivr.audio.wav import Pcm16, wav_header
from ivr.service.recording.recording import PART
from ivr.session.decisions import Decision


class RecordingFiles:
    """The two files of a call, under names that end in ``.part`` until it is over. The WAV's header is right
    after every ``append``: what a crash leaves behind can be read (and renamed). Every method but ``abandon``
    raises OSError.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._sound, self._path = _create(folder, name)
        self.sound_bytes = 0
        self._decided_bytes = 0
        try:
            self._decisions = _exclusive(self._path.with_suffix(".jsonl" + PART))
            _write(self._sound, wav_header(0, LINE_RATE, 2))
        except OSError:
            os.close(self._sound)
            raise

    def append(self, sound: Pcm16, decisions: list[Decision]) -> None:
        text = "".join(decision.to_json() + "\n" for decision in decisions)
        lines = text.encode()
        _write(self._decisions, lines)
        self._decided_bytes += len(lines)
        if sound.size:
            _write(self._sound, sound.astype("<i2").tobytes())
            os.pwrite(self._sound, wav_header(self.sound_bytes + sound.nbytes, LINE_RATE, 2), 0)
            self.sound_bytes += sound.nbytes

    def finish(self) -> Path:
        """The WAV's last name. The decisions come first: who sees the WAV finds them."""
        os.close(self._decisions)
        os.close(self._sound)
        decided = self._path.with_suffix(".jsonl")
        decided.with_name(decided.name + PART).rename(decided)
        self._path.with_name(self._path.name + PART).rename(self._path)
        return self._path

    def abandon(self) -> None:
        """Keep what was written whole."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._decisions, self._decided_bytes)
            os.ftruncate(self._sound, len(wav_header(0, LINE_RATE, 2)) + self.sound_bytes)
            os.pwrite(self._sound, wav_header(self.sound_bytes, LINE_RATE, 2), 0)
        with contextlib.suppress(OSError):
            self.finish()


def _create(folder: Path, name: str) -> tuple[int, Path]:
    """A WAV of that name, or with a number after it when a call of that name was recorded before."""
    for number in range(1, 1000):
        path = folder / (f"{name}.wav" if number == 1 else f"{name}-{number}.wav")
        if path.exists():
            continue
        with contextlib.suppress(FileExistsError):
            return _exclusive(path.with_name(path.name + PART)), path
    raise FileExistsError(0, f"there are too many recordings called {name}")


def _exclusive(path: Path) -> int:
    # For its owner's eyes: it is a conversation.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
