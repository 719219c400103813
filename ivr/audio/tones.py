"""Tones that a telephone makes. PCM16 mono at 8 kHz."""

import functools

import numpy as np

from ivr.audio.frames import LINE_RATE

_FADE_S = 0.005
"""At both ends of a tone, or it would click."""
_BEEP_HZ, _BEEP_S = 1000.0, 0.35
_RINGING_HZ, _RINGING_S, _RINGING_PAUSE_S = 425.0, 1.0, 4.0
"""What ITU-T E.180 recommends, and most of the world has."""
_WAITING_HZ, _WAITING_S, _WAITING_PAUSE_S = 440.0, 0.3, 7.7


@functools.lru_cache
def beep() -> bytes:
    """ "Speak after the tone"."""
    return _tone(_BEEP_HZ, _BEEP_S, -15)


@functools.lru_cache
def ringing() -> bytes:
    """One ring of a phone that is called, and the pause after it."""
    return _tone(_RINGING_HZ, _RINGING_S, -20) + _silence(_RINGING_PAUSE_S)


@functools.lru_cache
def waiting() -> bytes:
    """A soft sign of life now and then, and the pause after it."""
    return _tone(_WAITING_HZ, _WAITING_S, -32) + _silence(_WAITING_PAUSE_S)


def _tone(hertz: float, seconds: float, dbfs: float) -> bytes:
    """A sine of that level (its peak against full scale)."""
    count = round(seconds * LINE_RATE)
    time = np.arange(count) / LINE_RATE
    edge = np.minimum(time, time[::-1]) / _FADE_S
    wave = 32767 * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time) * np.minimum(edge, 1)
    return wave.astype(np.int16).tobytes()


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * LINE_RATE))
