"""Follows where in a known prompt the received sound is, and how loud beside it: frame by frame. Pure.

PCM16 at 8 kHz in frames of 20 ms, as a player reads them; the sound may have been through G.711.
"""

from dataclasses import dataclass

import numpy as np

from tests.bench.turns.line import F64, FRAME, RATE, Pcm16

SILENT_DBFS = -50.0
"""RMS below which a frame of what is received is silence; the prompts are some 30 dB above it."""
DUCKED_DB = -2.0
"""A frame that much quieter than the prompt is ducked; the frame in which a ramp begins is the first."""
_MATCH = 0.9
"""Correlation from which a frame is what is expected there."""
_LOOK = 5 * FRAME
"""Samples by which a place in the prompt is found."""


@dataclass(frozen=True)
class Frame:
    """A copy of what is received."""

    loud: bool
    gain_db: float | None
    """Loudness beside the prompt; None where the prompt rests or is not known."""
    position: int | None
    """First sample of it in the prompt; None for silence and for what is not the prompt."""


def follow(received: Pcm16, prompt: Pcm16) -> list[Frame]:
    """Every whole frame of ``received``, which begins with silence or with the prompt's first sample."""
    x = received.astype(np.float64)
    p = np.concatenate((prompt.astype(np.float64), np.zeros(FRAME)))
    quiet = 32768 * 10 ** (SILENT_DBFS / 20)
    frames: list[Frame] = []
    at: int | None = None
    for start in range(0, len(x) - FRAME + 1, FRAME):
        frame = x[start : start + FRAME]
        loud = bool(np.sqrt((frame**2).mean()) > quiet)
        if loud and (at is None or not _is(frame, p[at : at + FRAME], quiet)):
            at = find(x[start : start + _LOOK], p)
        if at is None or (not loud and frames and frames[-1].position is None):
            frames.append(Frame(loud, None, None))
            continue
        expected = p[at : at + FRAME]
        power = float(expected @ expected)
        if np.sqrt(power / FRAME) <= quiet:  # the prompt rests: nothing can be said of its loudness
            frames.append(Frame(loud, None, at))
        elif not loud and _is_cut(frame, expected):
            frames.append(Frame(False, None, None))
            continue
        else:
            gain = abs(float(frame @ expected)) / power
            frames.append(Frame(loud, 20 * float(np.log10(max(gain, 1e-5))), at))
        at = at + FRAME if at + 2 * FRAME <= len(p) else None
    return frames


def _is(frame: F64, expected: F64, quiet: float) -> bool:
    """Whether ``frame`` is ``expected``, at whatever loudness (a ramp's too)."""
    if len(expected) < FRAME:
        return False
    size = float(np.sqrt((expected @ expected) * (frame @ frame)))
    resting = np.sqrt((expected @ expected) / FRAME) <= quiet
    return bool(resting) or bool(frame @ expected > _MATCH * size)


def _is_cut(frame: F64, expected: F64) -> bool:
    return bool(frame @ expected < 10 ** (-30 / 20) * (expected @ expected))


def find(sound: F64, prompt: F64) -> int | None:
    """The sample of the prompt at which ``sound`` stands, at whatever loudness; None when nowhere."""
    first = int(np.argmax(np.abs(sound) > 200)) if len(sound) else 0
    sound = sound[first:]
    if len(sound) < FRAME:
        return None
    n = 1 << int(np.ceil(np.log2(len(prompt) + len(sound))))
    score = np.fft.irfft(np.fft.rfft(prompt, n) * np.conj(np.fft.rfft(sound, n)), n)
    score = score[: len(prompt) - len(sound) + 1]
    energy = np.concatenate(([0.0], np.cumsum(prompt**2)))
    windows = energy[len(sound) :] - energy[: -len(sound)]
    match = score / np.sqrt(np.maximum(windows, 1e4) * float(sound @ sound))
    best = int(np.argmax(match))
    return max(0, best - first) if match[best] > _MATCH else None


def ms(samples: float) -> float:
    return samples / RATE * 1000
