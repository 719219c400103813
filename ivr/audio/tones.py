"""Tones that a telephone makes. PCM16 mono at 8 kHz."""

import functools

import numpy as np

from ivr.audio.frames import LINE_RATE

_FADE_S = 0.005
"""Fade at both ends of a tone, without which it would click."""
_BEEP_HZ, _BEEP_S = 1000.0, 0.35
_RINGING_HZ, _RINGING_S, _RINGING_PAUSE_S = 425.0, 1.0, 4.0
"""The ringing tone that ITU-T E.180 recommends and most countries use."""
_WAITING_HZ, _WAITING_S, _WAITING_PAUSE_S = 440.0, 0.3, 7.7


@functools.lru_cache
def beep() -> bytes:
    """Return the beep after which a caller leaves a message."""
    return _tone(_BEEP_HZ, _BEEP_S, -15)


@functools.lru_cache
def ringing() -> bytes:
    """Return one ring of a phone that is called, and the pause after it."""
    return _tone(_RINGING_HZ, _RINGING_S, -20) + _silence(_RINGING_PAUSE_S)


@functools.lru_cache
def waiting() -> bytes:
    """Return a soft tone for a caller who waits, and the pause after it."""
    return _tone(_WAITING_HZ, _WAITING_S, -32) + _silence(_WAITING_PAUSE_S)


@functools.lru_cache
def still_there() -> bytes:
    """Return two soft, short tones for a caller who waits a moment."""
    return _tone(_WAITING_HZ, 0.12, -26) + _silence(0.1) + _tone(_WAITING_HZ, 0.12, -26)


def _tone(hertz: float, seconds: float, dbfs: float) -> bytes:
    """Return a sine whose peak is ``dbfs`` below full scale."""
    count = round(seconds * LINE_RATE)
    time = np.arange(count) / LINE_RATE
    edge = np.minimum(time, time[::-1]) / _FADE_S
    wave = 32767 * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time) * np.minimum(edge, 1)
    return wave.astype(np.int16).tobytes()


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * LINE_RATE))
