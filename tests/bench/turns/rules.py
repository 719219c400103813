"""Sounds made by rule: noise, tones, and what bodies and keyboards do. Pure: the same for the same seed.

PCM16 mono at 8 kHz. Levels are left to the line (``line.at_level``).
"""

from collections.abc import Sequence

import numpy as np

from tests.bench.turns.line import F64, RATE, Pcm16

KEYS = "123456789*0#"
_DTMF_HZ = ((697, 770, 852, 941), (1209, 1336, 1477))
"""ITU-T Q.23: rows and columns of a telephone's keys."""


def pcm(x: F64, peak: float = 12_000.0) -> Pcm16:
    """Return the sound as PCM16, the largest sample at ``peak``."""
    top = float(np.abs(x).max()) or 1.0
    return np.rint(x / top * peak).astype(np.int16)


def white(seconds: float, seed: int) -> Pcm16:
    return pcm(np.random.default_rng(seed).standard_normal(int(seconds * RATE)))


def pink(seconds: float, seed: int, power: float = 0.5) -> Pcm16:
    """Noise whose amplitude falls with frequency to that power (0.5: pink, 1: brown)."""
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    f = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20.0)
    return pcm(np.fft.irfft(spectrum / f**power, n))


def street(seconds: float, seed: int) -> Pcm16:
    """Traffic: brown noise, vehicles that swell and fade, a horn now and then."""
    dice = np.random.default_rng(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    x = pink(seconds, seed, 0.8).astype(np.float64)
    for _ in range(max(1, int(seconds / 2))):
        centre, width = dice.uniform(0, seconds), dice.uniform(0.4, 1.5)
        x += 3 * np.exp(-(((t - centre) / width) ** 2)) * pink(seconds, int(dice.integers(1 << 30)), 0.6)
    start, pitch = dice.uniform(0, seconds), 2 * np.pi * dice.uniform(330, 500)
    horn = ((t > start) & (t < start + 0.3)) * (np.sin(pitch * t) + np.sin(1.25 * pitch * t))
    return pcm(x + 8000 * dice.integers(2) * horn)


def babble(voices: Sequence[Pcm16], seconds: float, seed: int, talkers: int = 12) -> Pcm16:
    """Many people at once: recordings of ``voices`` at random places, all equally loud."""
    dice = np.random.default_rng(seed)
    n = int(seconds * RATE)
    x = np.zeros(n)
    for _ in range(talkers):
        at = 0
        while at < n:
            voice = voices[int(dice.integers(len(voices)))].astype(np.float64)
            voice = np.roll(voice, int(dice.integers(len(voice))))[: n - at]
            x[at : at + len(voice)] += voice / (np.sqrt((voice**2).mean()) + 1e-9)
            at += len(voice)
    return pcm(x)


def keyboard(seconds: float, seed: int) -> Pcm16:
    """Typing: a click when a key goes down and a softer one when it comes up, some five a second."""
    dice = np.random.default_rng(seed)
    x = np.zeros(int(seconds * RATE) + RATE)
    at = 0.05
    while at < seconds:
        for delay, gain in ((0.0, 1.0), (dice.uniform(0.05, 0.1), 0.5)):
            click = _burst(dice, 0.012, dice.uniform(1200, 3000), 600, 0.003)
            start = int((at + delay) * RATE)
            x[start : start + len(click)] += gain * dice.uniform(0.5, 1) * click
        at += dice.exponential(0.18) + 0.04
    return pcm(x[: int(seconds * RATE)])


def click(seed: int) -> Pcm16:
    """A handset put down, a tap on the microphone: one or two bursts of 5 to 40 ms."""
    dice = np.random.default_rng(seed)
    x = np.zeros(int(0.35 * RATE))
    for _ in range(int(dice.integers(1, 3))):
        seconds, hz, decay_s = dice.uniform(0.02, 0.08), dice.uniform(300, 2500), dice.uniform(0.005, 0.02)
        burst = _burst(dice, seconds, hz, 500, decay_s)
        at = int(dice.integers(0, len(x) - len(burst)))
        x[at : at + len(burst)] += burst
    return pcm(x)


def breath(seed: int) -> Pcm16:
    """Breath into the microphone: noise with the shape of the mouth, swelling and fading in 0.4 to 1.2 s."""
    dice = np.random.default_rng(seed)
    seconds = dice.uniform(0.4, 1.2)
    x = _formants(dice.standard_normal(int(seconds * RATE)), (dice.uniform(400, 900), 1500, 2600), 400)
    return pcm(x * np.sin(np.pi * np.linspace(0, 1, len(x))) ** dice.uniform(0.7, 2))


def cough(seed: int) -> Pcm16:
    """One to three coughs of 0.25 to 0.45 s: a burst of air, a noisy middle, sometimes a voiced end."""
    dice = np.random.default_rng(seed)
    parts: list[F64] = []
    for _ in range(int(dice.integers(1, 4))):
        n = int(dice.uniform(0.25, 0.45) * RATE)
        t = np.arange(n) / RATE
        centres = (dice.uniform(450, 800), dice.uniform(1200, 1700), dice.uniform(2300, 2900))
        x = _formants(dice.standard_normal(n), centres, 300) * np.exp(-t / dice.uniform(0.06, 0.12))
        x[: int(0.015 * RATE)] *= 2.5
        if dice.random() < 0.5:
            pitch = dice.uniform(110, 260) * (1 - 0.5 * t / t[-1])
            buzz = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))
            voiced = _formants(buzz * np.exp(-(((t - 0.2) / 0.06) ** 2)), centres, 150)
            x += dice.uniform(0.1, 0.4) * voiced / np.abs(voiced).max() * np.abs(x).max()
        parts += [x, np.zeros(int(dice.uniform(0.05, 0.25) * RATE))]
    return pcm(np.concatenate(parts[:-1]))


def laugh(seed: int) -> Pcm16:
    """Three to seven "ha": breath, then a short vowel, four or five a second, falling."""
    dice = np.random.default_rng(seed)
    pitch, period = dice.uniform(130, 320), dice.uniform(0.18, 0.24)
    parts: list[F64] = []
    for n in range(int(dice.integers(3, 8))):
        length = int(period * RATE)
        t = np.arange(length) / RATE
        f = pitch * (1 - 0.06 * n) * (1 + 0.1 * np.exp(-t / 0.03))
        saw = 2 * ((np.cumsum(f) / RATE) % 1) - 1
        voiced = saw * np.exp(-(((t - 0.08) / 0.04) ** 2))
        air = dice.standard_normal(length) * np.exp(-(((t - 0.02) / 0.03) ** 2)) * 0.3
        x = _formants(voiced + air, (750, 1250, 2500), 120)
        parts.append(x / np.abs(x).max() * 0.9**n)
    return pcm(np.concatenate(parts))


def dtmf(keys: str, tone_ms: int = 100, gap_ms: int = 80) -> Pcm16:
    """Keys as sound in the line (not as telephone-event)."""
    rows, columns = _DTMF_HZ
    parts: list[F64] = []
    for key in keys:
        row, column = divmod(KEYS.index(key), 3)
        parts += [_tones((rows[row], columns[column]), tone_ms / 1000), np.zeros(gap_ms * RATE // 1000)]
    return pcm(np.concatenate(parts))


def cadence(frequencies: Sequence[float], on_s: float, off_s: float, seconds: float) -> Pcm16:
    """A tone of the exchange: ring-back, busy (ITU-T E.180; the frequencies are the country's)."""
    x = _tones(frequencies, seconds)
    t = np.arange(len(x)) / RATE
    return pcm(x * (t % (on_s + off_s) < on_s))


def _tones(frequencies: Sequence[float], seconds: float) -> F64:
    t = np.arange(int(seconds * RATE)) / RATE
    ramp = np.minimum(1, np.minimum(t, t[::-1]) / 0.003)
    return np.asarray(sum(np.sin(2 * np.pi * f * t) for f in frequencies) * ramp)


def _burst(dice: np.random.Generator, seconds: float, hz: float, width: float, decay_s: float) -> F64:
    n = int(seconds * RATE)
    x = _formants(dice.standard_normal(n), (hz,), width) * np.exp(-np.arange(n) / RATE / decay_s)
    return x / (np.abs(x).max() or 1.0)


def _formants(x: F64, centres: Sequence[float], width: float) -> F64:
    """Resonances at ``centres`` Hz, each ``width`` wide, the higher ones weaker."""
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    shape = sum(0.6**n / (1 + ((f - c) / width) ** 2) for n, c in enumerate(centres))
    return np.asarray(np.fft.irfft(np.fft.rfft(x) * shape, len(x)))
