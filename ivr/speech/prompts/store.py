"""Prompts on disk and in memory: 8 kHz PCM16 under a name, checked when read."""

import contextlib
import json
import struct
import uuid
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import structlog

from ivr.audio.frames import LINE_RATE
from ivr.audio.wav import encode_wav
from ivr.speech.timed_words import Word

_log = structlog.get_logger(__name__)

_WAV_HEADER = 44
_NOTE = struct.Struct("<4sI")
_SIZE = struct.Struct("<I")
_NOTE_NAME = b"ivr "
"""A RIFF chunk of our own after the sound: JSON with its gain, checksum and words; players skip what they do
not know."""


class Prompt(NamedTuple):
    pcm: bytes
    """PCM16 mono at 8 kHz."""
    gain: float
    """Factor applied to the engine's sound."""
    words: tuple[Word, ...] = ()
    """Its words and their times, as in ``TimedAudio``; empty when the engine does not know them."""


class PromptStore:
    """Files ``ab/abcdef....wav`` in ``directory`` and a bounded memory in front of them.

    Several processes may share the directory: a file appears whole or not at all. A disk that cannot
    be written is a warning, not an error.
    """

    def __init__(self, directory: Path, memory_bytes: int) -> None:
        self._directory, self._limit = directory, memory_bytes
        self._memory: OrderedDict[str, Prompt] = OrderedDict()
        self._used = 0

    def path(self, key: str) -> Path:
        return self._directory / key[:2] / f"{key}.wav"

    def get(self, key: str) -> Prompt | None:
        """Return a prompt from memory or disk. A damaged file is removed."""
        prompt = self._memory.get(key)
        if prompt is not None:
            self._memory.move_to_end(key)
            return prompt
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("prompt_not_readable", path=str(path), error=str(error))
            return None
        prompt = unpack(data)
        if prompt is None:
            _log.warning("prompt_damaged", path=str(path), remedy="none needed; it will be synthesised again")
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        self.remember(key, prompt)
        return prompt

    def remember(self, key: str, prompt: Prompt) -> None:
        """Keep in memory only; the least recently used are dropped when there are too many."""
        if (known := self._memory.pop(key, None)) is not None:
            self._used -= len(known.pcm)
        self._memory[key] = prompt
        self._used += len(prompt.pcm)
        while self._used > self._limit and len(self._memory) > 1:
            _, oldest = self._memory.popitem(last=False)
            self._used -= len(oldest.pcm)

    def write(self, key: str, prompt: Prompt) -> None:
        """Keep on disk only. Changes nothing of this object: any thread may call it."""
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{uuid.uuid4().hex}.part")
            try:
                temporary.write_bytes(pack(prompt))
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("prompt_not_kept", path=str(path), error=str(error))


def pack(prompt: Prompt) -> bytes:
    """Return a WAV file with a chunk of our own after the sound."""
    facts = {"gain": prompt.gain, "crc": zlib.crc32(prompt.pcm), "words": prompt.words}
    note = json.dumps(facts).encode()
    note += b" " * (len(note) % 2)  # a chunk of RIFF begins at an even place
    wav = encode_wav(prompt.pcm, LINE_RATE) + _NOTE.pack(_NOTE_NAME, len(note)) + note
    return wav[:4] + struct.pack("<I", len(wav) - 8) + wav[8:]


def unpack(data: bytes) -> Prompt | None:
    """Return the prompt that ``pack`` was given; None when the file is damaged."""
    try:
        (size,) = _SIZE.unpack_from(data, _WAV_HEADER - _SIZE.size)
        pcm = data[_WAV_HEADER : _WAV_HEADER + size]
        facts = json.loads(data[_WAV_HEADER + size + _NOTE.size :])
        prompt = Prompt(pcm, facts["gain"], tuple(Word(*word) for word in facts["words"]))
        return prompt if pcm and data == pack(prompt) else None
    except (struct.error, ValueError, KeyError, TypeError):
        return None
