"""Sample rates and the arithmetic of time counted in samples.

Inside a session time is a number of samples at ``VAD_RATE``; on the line it is a number of samples
at ``LINE_RATE``. Nothing here reads a clock.
"""

LINE_RATE = 8_000
"""Hz. G.711 (ITU-T G.711) and the conference bridge."""

VAD_RATE = 16_000
"""Hz. What the detector and the recognisers hear; the session's time base."""

FRAME_MS = 20
"""Milliseconds of one RTP packet and of one bridge frame."""

LINE_FRAME = LINE_RATE * FRAME_MS // 1000
"""Samples in one bridge frame (160)."""

BYTES_PER_SAMPLE = 2
"""PCM16, mono, native (little-endian) byte order everywhere in this package."""


def ms_to_samples(ms: float, rate: int) -> int:
    """Milliseconds to whole samples at ``rate`` Hz, rounded to the nearest."""
    return round(ms * rate / 1000)


def samples_to_ms(samples: int, rate: int) -> float:
    """Samples at ``rate`` Hz to milliseconds."""
    return samples * 1000 / rate
