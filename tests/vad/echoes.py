"""Lines that echo, by rule: what a caller's line makes of what it was sent, and calls over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_FRAME
from ivr.audio.g711 import ulaw_decode, ulaw_encode
from ivr.audio.level import rms_dbfs
from ivr.vad.batched import BatchedVad
from ivr.vad.events import VadEvent
from ivr.vad.options import EndpointingOptions
from tests.vad.sounds import HALF_SECOND, Pcm16

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Echo:
    """How a line echoes. The same one each time, by its seed."""

    loss_db: float
    """Decibels by which the echo of white noise within the band is weaker."""
    delay_ms: float
    seed: int = 0
    reverb_ms: float = 0.0
    """Time to fall by 60 dB, of a room whose sum is 6 dB below what comes straight (a speakerphone on a
    table); 0: a hybrid, whose echo is over in some 6 ms.
    """
    second: tuple[float, float] | None = field(default=None)
    """A reflection: milliseconds later, dB weaker."""


def law(x: Pcm16) -> Pcm16:
    """Code the sound in mu-law and back."""
    return np.frombuffer(ulaw_decode(ulaw_encode(x.tobytes())), np.int16)


@lru_cache(maxsize=1)
def telephone_band() -> F64:
    """Impulse response of a line: 300 to 3400 Hz, 24 and 48 dB an octave at the edges, minimum phase."""
    n = 4096
    f = np.maximum(np.arange(n // 2 + 1) * 8000 / n, 1.0)
    gain = 1 / np.sqrt(1 + (300 / f) ** 8) / np.sqrt(1 + (f / 3400) ** 16)
    cepstrum = np.fft.irfft(np.log(np.maximum(gain, 1e-4)))
    cepstrum[1 : n // 2] *= 2
    cepstrum[n // 2 + 1 :] = 0
    response: F64 = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:400]
    return response


def response(echo: Echo) -> F64:
    """The echo path at 8 kHz, from the moment of sending on."""
    dice = np.random.default_rng(echo.seed)
    if echo.reverb_ms:
        n = round(8 * echo.reverb_ms)
        path = dice.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
        path[0] = 2 * np.sqrt((path**2).sum())
    else:
        path = dice.standard_normal(48) * np.exp(-np.arange(48) / 10)
        path[0] = 1.5
    path = np.convolve(path, telephone_band())
    path *= 10 ** (-echo.loss_db / 20) / np.sqrt((path**2).sum() / 0.775)  # 0.775: the band's share
    whole, part = divmod(echo.delay_ms * 8, 1)
    path = np.convolve(path, np.sinc(np.arange(-8, 9) - part) * np.hanning(19)[1:-1])
    path = np.concatenate([np.zeros(int(whole)), path[8:]])
    if echo.second is not None:
        later, weaker = echo.second
        again = np.concatenate([np.zeros(round(later * 8)), path * 10 ** (-weaker / 20)])
        again[: path.size] += path
        path = again
    return path


def convolved(x: npt.NDArray[np.generic], h: F64) -> F64:
    """Return the convolution, as long as ``x``."""
    n = 1 << (x.size + h.size).bit_length()
    y: F64 = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(h, n), n)[: x.size]
    return y


def echoed(sent: Pcm16, echo: Echo | None) -> F64:
    """What comes back of ``sent``, before the line's own G.711."""
    if echo is None:
        return np.zeros(sent.size)
    return convolved(law(sent), response(echo))


def heard(
    sent: Pcm16,
    echo: Echo | None,
    spoken: Pcm16 | None = None,
    noise_dbfs: float | None = -65.0,
    loss: float = 0.0,
    seed: int = 0,
) -> Pcm16:
    """The caller's leg: echo, ``spoken`` (as long as ``sent``) and noise, through the band's G.711; of its
    frames ``loss`` are lost and concealed by the one before, fading.
    """
    dice = np.random.default_rng(seed)
    y = echoed(sent, echo)
    if spoken is not None:
        y = y + spoken
    if noise_dbfs is not None:
        y = y + dice.standard_normal(y.size) * 32768 * 10 ** (noise_dbfs / 20)
    z = law(np.rint(y.clip(-32768, 32767)).astype(np.int16)).copy()
    for n in np.flatnonzero(dice.random(z.size // LINE_FRAME) < loss).tolist():
        frame = z[n * LINE_FRAME : (n + 1) * LINE_FRAME]
        frame[:] = z[(n - 1) * LINE_FRAME : n * LINE_FRAME] * np.linspace(0.8, 0.2, LINE_FRAME) if n else 0
    return z


def at_level(x: Pcm16, dbfs: float) -> Pcm16:
    """``x`` with its loud parts (10 ms within 25 dB of the loudest) at that RMS."""
    levels = np.array([rms_dbfs(x[i : i + 80]) for i in range(0, x.size - 79, 80)])
    loud = levels[levels > levels.max() - 25]
    now = 10 * np.log10(np.mean(10 ** (loud / 10)))
    return np.rint((x * 10 ** ((dbfs - now) / 20)).clip(-32768, 32767)).astype(np.int16)


def calls(
    batched: BatchedVad,
    legs: Sequence[tuple[Pcm16, Pcm16]],
    options: EndpointingOptions = HALF_SECOND,
) -> list[list[VadEvent]]:
    """All events of calls that were sent and heard these sounds (8 kHz), all at the same time."""
    events: list[list[VadEvent]] = [[] for _ in legs]
    lines = [batched.bank.open() for _ in legs]
    streams = [
        batched.open(line, options, received.append) for line, received in zip(lines, events, strict=True)
    ]
    for at in range(0, max(sent.size for sent, _ in legs) - LINE_FRAME + 1, LINE_FRAME):
        for line, (sent, back) in zip(lines, legs, strict=True):
            if at + LINE_FRAME <= sent.size:
                line.write_sent(sent[at : at + LINE_FRAME].tobytes())
                line.write_received(back[at : at + LINE_FRAME].tobytes())
        while batched.round():
            pass
    for stream, line in zip(streams, lines, strict=True):
        stream.close()
        batched.bank.release(line)
    return events
