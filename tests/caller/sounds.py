"""What a test's caller can say: recordings, music, noise. PCM16 at 8 kHz."""

import audioop
import functools
import wave
from pathlib import Path

import numpy as np

RECORDINGS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
"""Debian's asterisk-core-sounds-en-wav."""
MUSIC = Path("/usr/share/asterisk/moh")
"""Debian's asterisk-moh-opsound-wav."""


def read_wav(path: Path) -> bytes:
    """Any PCM16 WAV file as mono 8 kHz."""
    with wave.open(str(path), "rb") as source:
        if source.getsampwidth() != 2:
            raise ValueError(f"{path} is not 16 bit")
        rate, channels, data = (
            source.getframerate(),
            source.getnchannels(),
            source.readframes(source.getnframes()),
        )
    if channels == 2:
        data = audioop.tomono(data, 2, 0.5, 0.5)
    return data if rate == 8000 else audioop.ratecv(data, 2, 1, rate, 8000, None)[0]


def write_wav(path: Path, pcm16: bytes, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm16)
    return path


@functools.lru_cache(maxsize=256)
def recording(name: str) -> bytes:
    """A recording of the sound package by name, such as ``vm-intro`` or ``digits/5``."""
    return read_wav(RECORDINGS / f"{name}.wav")


@functools.lru_cache(maxsize=64)
def music(name: str = "macroform-cold_day", seconds: float = 30.0) -> bytes:
    return read_wav(MUSIC / f"{name}.wav")[: int(seconds * 16000)]


def scale(pcm16: bytes, dbfs: float) -> bytes:
    """Bring the RMS of the loud parts (20 ms frames within 25 dB of the loudest) to ``dbfs``."""
    samples = np.frombuffer(pcm16, "<i2").astype(np.float64)
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    loud = power[power > power.max() / 10**2.5]
    gain = 32768 * 10 ** (dbfs / 20) / np.sqrt(loud.mean())
    return bytes(np.clip(samples * gain, -32768, 32767).astype("<i2").tobytes())


def noise(dbfs: float, seconds: float, seed: int = 1) -> bytes:
    """White noise with the given RMS."""
    samples = np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), int(seconds * 8000))
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * 8000))


def continuous(names: tuple[str, ...], seconds: float, dbfs: float = -18.0) -> bytes:
    """Recordings one after another with every pause taken out: a prompt that is loud in every packet."""
    pieces: list[np.ndarray] = []
    total = 0
    for name in names * (1 + int(seconds)):
        samples = np.frombuffer(scale(recording(name), dbfs), "<i2")
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        level = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
        kept = frames[level > 32768 * 10 ** ((dbfs - 16) / 20)]
        pieces.append(kept.reshape(-1))
        total += kept.size
        if total >= seconds * 8000:
            break
    return np.concatenate(pieces)[: int(seconds * 8000)].tobytes()
