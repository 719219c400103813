"""Phrases that nobody recorded, spoken by the project's own voice, espeak-ng and festival. Kept once made.

Piper speaks without its random variation, so that a phrase is the same on every machine; other speakers are
made of it by playing it faster or slower, pitch and all.
"""

import asyncio
import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav, encode_wav
from ivr.modelstore import model_path
from ivr.speech.registry import create_tts
from tests.bench.turns.line import RATE, Pcm16

ESPEAK_RATE = 22_050


@dataclass(frozen=True)
class Voice:
    """``pitch`` changes a Piper voice as a record player's speed would; ``variant`` is espeak-ng's name, or
    ``festival`` for that program's voice."""

    name: str
    language: str
    pitch: float = 1.0
    variant: str = ""
    """Empty: Piper."""
    words_per_minute: int = 165


VOICES = (
    Voice("joe", "en"),
    Voice("joe-low", "en", pitch=0.88),
    Voice("joe-high", "en", pitch=1.22),
    Voice("espeak-gb-f2", "en", variant="en-gb+f2"),
    Voice("espeak-us-m3", "en", variant="en-us+m3", words_per_minute=150),
    Voice("espeak-fr-m1", "fr", variant="fr+m1"),
    Voice("espeak-fr-f2", "fr", variant="fr+f2", words_per_minute=150),
    Voice("espeak-be-f4", "fr", variant="fr-be+f4"),
)


class Speaker:
    """Says phrases as PCM16 at 8 kHz, from a folder where they were made before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, wanted: Sequence[tuple[Voice, str]]) -> None:
        """Make what is not there yet. Raises ModelMissing, OSError (no espeak-ng)."""
        missing = [(v, t) for v, t in wanted if not self._path(v, t).is_file()]
        for voice, text in missing:
            if voice.variant:
                made = _festival(text) if voice.variant == "festival" else _espeak(voice, text)
                self._keep(voice, text, *made)
        piper = [(v, t) for v, t in missing if not v.variant]
        if piper:
            asyncio.run(self._piper(piper))

    def say(self, voice: Voice, text: str) -> Pcm16:
        """The clip without silence around it. Raises FileNotFoundError when it was not prepared."""
        x, rate = decode_wav(self._path(voice, text).read_bytes())
        assert rate == RATE
        return x

    async def _piper(self, wanted: Sequence[tuple[Voice, str]]) -> None:
        tts = create_tts("piper", noise_scale=0.0, noise_w=0.0)
        await tts.start()
        try:
            made: dict[str, Pcm16] = {}
            for voice, text in wanted:
                if text not in made:
                    chunks = [chunk async for chunk in tts.synthesize(_sentence(text))]
                    made[text] = np.frombuffer(b"".join(chunks), np.int16)
                self._keep(voice, text, made[text], round(tts.sample_rate * voice.pitch / 100) * 100)
        finally:
            await tts.aclose()

    def _keep(self, voice: Voice, text: str, x: Pcm16, rate: int) -> None:
        y = trimmed(resample(x, rate, RATE))
        path = self._path(voice, text)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(encode_wav(y, RATE))
        unfinished.replace(path)

    def _path(self, voice: Voice, text: str) -> Path:
        key = repr((voice, text, model_path("piper-joe").name if not voice.variant else "espeak-ng"))
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.wav"


def _sentence(text: str) -> str:
    return text if text[-1] in ".?!" else text[0].upper() + text[1:] + "."


def _espeak(voice: Voice, text: str) -> tuple[Pcm16, int]:
    made = subprocess.run(
        ["espeak-ng", "-v", voice.variant, "-s", str(voice.words_per_minute), "--stdout", "--", text],
        capture_output=True,
        check=True,
    )
    # Its header has no length, as the sound is not yet made when it is written.
    header = made.stdout.index(b"data") + 8
    return np.frombuffer(made.stdout[header:], "<i2").astype(np.int16), ESPEAK_RATE


def _festival(text: str) -> tuple[Pcm16, int]:
    made = subprocess.run(["text2wave"], input=text.encode(), capture_output=True, check=True)
    return decode_wav(made.stdout)


def trimmed(x: Pcm16, within_db: float = 40.0, margin: int = 80) -> Pcm16:
    """Cut the silence off both ends (10 ms pieces more than ``within_db`` below the loudest)."""
    n = len(x) // 80
    levels = np.sqrt((x[: n * 80].astype(np.float64).reshape(n, 80) ** 2).mean(axis=1))
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-within_db / 20))
    return x[max(0, loud[0] * 80 - margin) : (loud[-1] + 1) * 80 + margin]
