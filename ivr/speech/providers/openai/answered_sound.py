"""The sound that a speech server answered with: PCM16 as it was asked for, a WAV file, or neither.

What it is, is decided by its first bytes; servers name their formats wrongly. What is no sound that can be
decoded here is refused, so that the next engine speaks: it would be noise in the caller's ear.
"""

import re
from collections.abc import Callable

import numpy as np

from ivr.audio.resample import Resampler
from ivr.audio.wav import WavError
from ivr.audio.wav_stream import WavStream
from ivr.text import clean_text

HEAD = 64
"""Bytes by which the format is recognised."""
MP3_HEAD = 3000
"""Bytes that are waited for when the first ones may be a frame of MP3 or AAC: two frames."""
_MAGIC: dict[bytes, str] = {
    b"ID3": "MP3",
    b"OggS": "Ogg",
    b"fLaC": "FLAC",
    b"FORM": "AIFF",
    b"RIFX": "big-endian WAV",
    b"RF64": "RF64",
    b".snd": "AU",
    b"caff": "CAF",
    b"#!AMR": "AMR",
    b"\x1aE\xdf\xa3": "WebM",
    b"\x1f\x8b\x08": "gzip",
    b"<!": "HTML",
    b"<?xml": "XML",
}
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e]+")
_OTHER_KINDS = frozenset(
    (
        "audio/mpeg", "audio/mp3", "audio/ogg", "audio/opus", "audio/flac", "audio/x-flac", "audio/aac",
        "audio/aacp", "audio/mp4", "audio/m4a", "audio/webm", "audio/aiff", "audio/x-aiff", "audio/amr",
    )
)  # fmt: skip
"""Content types that are refused unless the first bytes are those of a WAV file."""
_BITRATES = {True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
             False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)}  # fmt: skip
"""Kilobits per second of MPEG-1 layer III, and of MPEG-2 (ISO 11172-3, 2.4.2.3; 13818-3)."""
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class NotSound(Exception):
    """The answer cannot be played. The message says what it is."""


def format_of(head: bytes) -> str:
    """Return the name of the format that begins with ``head``: "WAV", another, or "" for raw PCM."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "WAV"
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "MP4"
    if _frames(head, _mp3_frame):
        return "MP3"
    if _frames(head, _adts_frame):
        return "AAC"
    text = head[:HEAD]
    if len(text) >= 2 and (_TEXT.fullmatch(text) or text.lstrip()[:2] in (b'{"', b"[{", b'["')):
        return "JSON" if text.lstrip()[:1] in (b"{", b"[") else "HTML" if text[:1] == b"<" else "text"
    return ""


def _frames(head: bytes, length_of: Callable[[bytes], int]) -> bool:
    """Return whether two frames follow one another, or one, where no more than that is there."""
    length = length_of(head[:6])
    if not length:
        return False
    return len(head) >= length + 6 and length_of(head[length : length + 6]) > 0


def may_be_frames(head: bytes) -> bool:
    """Return whether ``head`` begins as a frame of MP3 or AAC does; a few samples of PCM do so too."""
    return _mp3_frame(head[:6]) > 0 or _adts_frame(head[:6]) > 0


def _mp3_frame(head: bytes) -> int:
    """Return the length of a frame of layer III in bytes; 0 when it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return 0
    factor = 144_000 if version == 3 else 72_000
    return factor * _BITRATES[version == 3][bitrate - 1] // _RATES[version][rate] + (head[2] >> 1 & 1)


def _adts_frame(head: bytes) -> int:
    """Return the length of an ADTS frame (ISO 13818-7, 6.2) in bytes; 0 when it is none."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


class AnsweredSound:
    """Takes an answer piece by piece, and gives PCM16 mono at ``rate`` Hz."""

    def __init__(self, rate: int, content_type: str = "") -> None:
        """``content_type`` is the header's; its ``rate`` parameter is that of raw PCM."""
        self._rate = rate
        self._kind = content_type.partition(";")[0].strip().lower()
        named = re.search(r";\s*rate\s*=\s*(\d{4,6})", content_type)
        self._head: bytes | None = b""
        self._rest = b""
        self._wav: WavStream | None = None
        self._resampler: Resampler | None = None
        self._source_rate = int(named[1]) if named else rate
        self._empty = True

    def take(self, piece: bytes) -> bytes:
        """Return the samples that are complete. Raises NotSound."""
        if self._head is None:
            return self._decoded(piece)
        self._head += piece
        wanted = MP3_HEAD if may_be_frames(self._head) else HEAD
        if len(self._head) < wanted and not self._head.startswith(b"RIFF"):
            return b""
        if self._head.startswith(b"RIFF") and len(self._head) < 12:
            return b""
        return self._begun()

    def end(self) -> bytes:
        """Return the last samples. Raises NotSound, also when there were none at all."""
        made = self._begun() if self._head else b""
        try:
            last = self._wav.end() if self._wav is not None else np.empty(0, np.int16)
        except WavError as error:
            raise NotSound(f"a broken WAV file: {error}") from None
        made += self._resampled(last)
        if self._resampler is not None:
            made += self._resampler.flush().tobytes()
        self._empty = self._empty and not made
        if self._empty:
            raise NotSound("no sound")
        return made

    def _begun(self) -> bytes:
        head, self._head = self._head or b"", None
        name = format_of(head)
        if name == "WAV":
            self._wav = WavStream()
        elif name:
            shown = f": {clean_text(head[:80].decode('latin-1'))}" if name in ("JSON", "HTML", "text") else ""
            raise NotSound(f"{name} where PCM was asked for{shown}")
        elif self._kind in _OTHER_KINDS:
            raise NotSound(f"{self._kind} where PCM was asked for")
        return self._decoded(head)

    def _decoded(self, piece: bytes) -> bytes:
        if self._wav is not None:
            try:
                samples = self._wav.feed(piece)
            except WavError as error:
                raise NotSound(f"a WAV file that cannot be read: {error}") from None
            self._source_rate = self._wav.rate or self._source_rate
        else:
            data = self._rest + piece
            whole = len(data) - len(data) % 2
            samples, self._rest = np.frombuffer(data[:whole], "<i2").astype(np.int16), data[whole:]
        return self._resampled(samples)

    def _resampled(self, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> bytes:
        if not samples.size:
            return b""
        self._empty = False
        if self._source_rate == self._rate:
            return samples.tobytes()
        if self._resampler is None:
            self._resampler = Resampler(self._source_rate, self._rate)
        return self._resampler.process(samples).tobytes()
