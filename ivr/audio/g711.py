"""G.711 in both laws (ITU-T G.711), as bytes of PCM16 on one side and one byte a sample on the other.

The work is done by C code: ``audioop`` of the standard library up to Python 3.12, the
``audioop-lts`` package from 3.13 on.
"""

import audioop

from ivr.audio.frames import BYTES_PER_SAMPLE


def ulaw_encode(pcm16: bytes) -> bytes:
    """PCM16 mono to mu-law (RTP payload type 0). Raises ValueError on half a sample."""
    return audioop.lin2ulaw(_whole(pcm16), BYTES_PER_SAMPLE)


def ulaw_decode(data: bytes) -> bytes:
    """Mu-law to PCM16 mono; any bytes are valid input."""
    return audioop.ulaw2lin(data, BYTES_PER_SAMPLE)


def alaw_encode(pcm16: bytes) -> bytes:
    """PCM16 mono to A-law (RTP payload type 8). Raises ValueError on half a sample."""
    return audioop.lin2alaw(_whole(pcm16), BYTES_PER_SAMPLE)


def alaw_decode(data: bytes) -> bytes:
    """A-law to PCM16 mono; any bytes are valid input."""
    return audioop.alaw2lin(data, BYTES_PER_SAMPLE)


def _whole(pcm16: bytes) -> bytes:
    if len(pcm16) % BYTES_PER_SAMPLE:
        raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm16)}")
    return pcm16
