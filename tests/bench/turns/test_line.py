"""The telephone line: levels, band, loss, echo, and that it is the same every time."""

import numpy as np
import pytest

from ivr.audio.g711 import ulaw_decode, ulaw_encode
from tests.bench.turns.line import (
    FRAME,
    RATE,
    Concealer,
    Condition,
    Echo,
    Pcm16,
    TelephoneLine,
    at_level,
    band_limited,
    echo_path,
    level_dbm0,
    lost_packets,
)


def tone(hz: float, seconds: float = 1.0, peak: float = 8000) -> Pcm16:
    return (peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)


def through(condition: Condition, near: Pcm16, sent: Pcm16 | None = None) -> Pcm16:
    """``sent`` is what the service sends meanwhile."""
    frames = len(near) // FRAME
    line = TelephoneLine(condition, frames)
    out, last = [], np.zeros(FRAME, np.int16)
    for n in range(frames):
        part = slice(n * FRAME, (n + 1) * FRAME)
        out.append(line.hear(near[part].astype(np.float64), last))
        if sent is not None:
            last = sent[part]
    return np.concatenate(out)


def test_a_full_scale_sine_is_3_dbm0() -> None:
    assert level_dbm0(tone(1000, peak=32767)) == pytest.approx(3.14, abs=0.05)
    assert level_dbm0(at_level(tone(1000), -17)) == pytest.approx(-17, abs=0.01)
    assert level_dbm0(np.zeros(800, np.int16)) == -200


def test_pauses_do_not_lower_a_level() -> None:
    spoken = np.concatenate((tone(500), np.zeros(3 * RATE, np.int16)))
    assert level_dbm0(spoken) == pytest.approx(level_dbm0(tone(500)), abs=0.1)


@pytest.mark.parametrize(
    ("hz", "at_least", "at_most"), [(100, -99, -25), (1000, -0.3, 0.3), (3800, -99, -25)]
)
def test_the_band_is_a_telephones(hz: float, at_least: float, at_most: float) -> None:
    x = tone(hz)
    y = band_limited(x)
    middle = slice(1000, 7000)
    gain = 10 * np.log10((y[middle] ** 2).mean() / (x[middle].astype(float) ** 2).mean())
    assert at_least <= gain <= at_most


def test_the_band_limit_moves_nothing() -> None:
    x = np.zeros(RATE, np.int16)
    x[4000] = 20_000
    assert int(np.abs(band_limited(x)).argmax()) == 4000


def test_a_clean_line_is_g711_and_no_more() -> None:
    x = tone(700)
    y = through(Condition(noise_dbm0=None), x)
    assert (y == np.frombuffer(ulaw_decode(ulaw_encode(x.tobytes())), np.int16)).all()


def test_the_same_seed_is_the_same_line() -> None:
    x = tone(700)
    rough = Condition(noise_dbm0=-50, loss=0.03, jitter_ms=10, echo=Echo(100, 12), seed=4)
    a, b = through(rough, x, x), through(rough, x, x)
    assert (a == b).all()
    other = through(Condition(noise_dbm0=-50, loss=0.03, jitter_ms=10, echo=Echo(100, 12), seed=5), x, x)
    assert (a != other).any()


def test_packets_are_lost_at_the_rate_and_in_bursts() -> None:
    lost = lost_packets(100_000, Condition(loss=0.03, seed=1))
    assert lost.mean() == pytest.approx(0.03, abs=0.005)
    starts = np.flatnonzero(np.diff(lost.astype(int)) == 1)
    assert lost.sum() / len(starts) == pytest.approx(1.5, abs=0.1)


def test_what_is_too_late_is_lost() -> None:
    assert not lost_packets(1000, Condition(jitter_ms=1)).any()
    assert lost_packets(100_000, Condition(jitter_ms=15)).mean() == pytest.approx(np.exp(-4), abs=0.003)


def test_a_gap_is_filled_and_fades() -> None:
    concealer = Concealer()
    x = tone(200, 0.1)
    for at in range(0, len(x), FRAME):
        concealer.received(x[at : at + FRAME])
    filled = np.concatenate([concealer.lost() for _ in range(6)])
    level = np.abs(filled.reshape(6, FRAME)).max(axis=1)
    assert level[0] > 0.9 * 8000
    assert (np.diff(level) <= 0).all() and level[4] == 0
    # Its pitch goes on: 200 Hz is 40 samples.
    assert np.corrcoef(filled[:100].astype(float), filled[40:140].astype(float))[0, 1] > 0.95


def test_without_concealment_a_gap_is_silence() -> None:
    y = through(Condition(noise_dbm0=None, loss=0.2, conceal=False, seed=3), tone(700))
    silent = [not frame.any() for frame in y.reshape(-1, FRAME)]
    assert silent == list(lost_packets(len(silent), Condition(loss=0.2, seed=3)))


@pytest.mark.parametrize("delay_ms", [20, 60, 137.5, 250])
def test_an_echo_comes_late_and_weaker(delay_ms: float) -> None:
    dice = np.random.default_rng(0)
    sent = band_limited(dice.normal(0, 4000, 2 * RATE)).astype(np.int16)
    heard = through(Condition(noise_dbm0=None, echo=Echo(delay_ms, 12)), np.zeros(2 * RATE, np.int16), sent)
    shift = round(delay_ms * RATE / 1000)
    assert not heard[: shift - 1].any()
    loss = 10 * np.log10((sent[8000:].astype(float) ** 2).mean() / (heard[8000:].astype(float) ** 2).mean())
    assert loss == pytest.approx(12, abs=2)
    match = [
        np.corrcoef(sent[8000 - d : 12_000 - d], heard[8000:12_000])[0, 1]
        for d in range(shift - 5, shift + 6)
    ]
    assert int(np.argmax(match)) == 5 and max(match) > 0.6


def test_an_echo_has_the_energy_that_is_asked_for() -> None:
    assert 10 * np.log10((echo_path(12, 7) ** 2).sum()) == pytest.approx(-12)
    with pytest.raises(ValueError, match="at least 20 ms"):
        TelephoneLine(Condition(echo=Echo(10, 12)), 1)
