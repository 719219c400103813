"""A WAV file that arrives in pieces, from a server that may not know its length yet."""

import re
import struct

import numpy as np

from ivr.audio.wav import OPEN_ENDED, Pcm16, WavError, WavFormat, decode_samples, parse_format

MAX_HEADER = 1 << 20
"""Bytes of chunks before the sound that are skipped; more is no header."""
_CHUNK = re.compile(rb"[A-Za-z0-9 _]{4}")
_NONE = np.empty(0, np.int16)


class WavStream:
    """Decodes what ``decode_wav`` reads as it comes: int16, mono, at ``rate`` Hz.

    A length of the sound that cannot be (0, one of a stream) means all that follows. So does one after which
    neither another chunk nor another file begins; files one after the other are read as one sound.
    """

    def __init__(self) -> None:
        self.rate = 0
        """Sample rate in Hz; 0 until it is known."""
        self._buffer = b""
        self._form: WavFormat | None = None
        self._left: int | None = 0
        """Bytes of sound still to come; None: all that follows."""
        self._skip = 0
        self._padding = 0
        self._state = "file"
        self._header = 0

    def feed(self, piece: bytes) -> Pcm16:
        """Return the samples that ``piece`` completes. Raises WavError."""
        self._buffer += piece
        made: list[Pcm16] = []
        while self._step(made):
            pass
        return np.concatenate(made) if made else _NONE

    def end(self) -> Pcm16:
        """Return the last samples: nothing more comes. Raises WavError when there was no sound at all."""
        if self._form is None or (self._state in ("file", "chunk") and not self.rate):
            raise WavError("it ends before its sound begins")
        rest, self._buffer = self._buffer, b""
        if self._state != "after":
            return _NONE
        # Fewer bytes than a chunk's header: they go on with the sound.
        return decode_samples(rest, self._form)

    def _step(self, made: list[Pcm16]) -> bool:
        """Take what can be taken of the buffer; False when more is needed first."""
        if self._skip:
            skipped = min(self._skip, len(self._buffer))
            self._buffer, self._skip = self._buffer[skipped:], self._skip - skipped
            return not self._skip and bool(self._buffer)
        match self._state:
            case "file":
                return self._begin_file()
            case "chunk":
                return self._begin_chunk()
            case "sound":
                return self._take_sound(made)
        return self._after_sound()

    def _begin_file(self) -> bool:
        if len(self._buffer) < 12:
            return False
        if self._buffer[:4] != b"RIFF" or self._buffer[8:12] != b"WAVE":
            raise WavError("not a WAV file: it does not begin with RIFF....WAVE")
        self._buffer, self._state = self._buffer[12:], "chunk"
        return True

    def _begin_chunk(self) -> bool:
        if len(self._buffer) < 8:
            return False
        name, (size,) = self._buffer[:4], struct.unpack_from("<I", self._buffer, 4)
        if name == b"data":
            if self._form is None:
                raise WavError("the data chunk comes before the fmt chunk")
            self._buffer, self._state, self._padding = self._buffer[8:], "sound", size % 2
            self._left = None if size == 0 or size >= OPEN_ENDED else size
            return True
        self._header += size
        if self._header > MAX_HEADER:
            raise WavError("its header has no end")
        if name != b"fmt ":
            self._buffer, self._skip = self._buffer[8:], size + size % 2
            return True
        if len(self._buffer) < 8 + size:
            return False
        form = parse_format(self._buffer[8 : 8 + size])
        if self.rate not in (0, form.rate):
            raise WavError(f"its sample rate changes from {self.rate} to {form.rate} Hz")
        self._form, self.rate = form, form.rate
        self._buffer = self._buffer[8 + size + size % 2 :]
        return True

    def _take_sound(self, made: list[Pcm16]) -> bool:
        assert self._form is not None
        here = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        over = self._left is not None and here == self._left
        whole = here - here % self._form.block
        if whole:
            made.append(decode_samples(self._buffer[:whole], self._form))
        self._buffer = self._buffer[here if over else whole :]
        if over:
            self._state, self._header = "after", 0
            return True
        if self._left is not None:
            self._left -= whole
        return False

    def _after_sound(self) -> bool:
        head = self._buffer[self._padding :]
        if len(head) < 8:
            return False
        if head[:4] == b"RIFF":
            self._buffer, self._state = head, "file"
        elif _CHUNK.fullmatch(head[:4]) and struct.unpack_from("<I", head, 4)[0] < MAX_HEADER:
            self._buffer, self._state = head, "chunk"
        else:
            self._left, self._state = None, "sound"
        return True
