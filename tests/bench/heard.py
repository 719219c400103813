"""What was heard of a cut prompt, and where it is taken up again, beside a transcript of the sound itself.

Prompts are said by a session, cut by a key at a random place, and what the caller received until then goes
through mu-law to Whisper, which knows nothing of the text.
"""

import asyncio
import gzip
import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel

from ivr.audio.frames import LINE_FRAME, LINE_RATE, ms_to_samples
from ivr.modelstore import model_path
from ivr.session import AudioClip, MemoryPlayer, VoiceSession
from ivr.session.prompt.heard_words import SpokenPart
from ivr.session.prompt.resume_point import resume_point
from ivr.speech.base import Transcript
from ivr.speech.prompts.cache import CachedTTS, PromptCache
from ivr.speech.providers.piper.tts import PiperTts
from ivr.speech.providers.whisper.stt import MODEL
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from tests.bench.report import Figure
from tests.caller import sounds
from tests.speech.recordings import line

Pcm16 = npt.NDArray[np.int16]

TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
"""What each recording says: Debian's asterisk-core-sounds-en."""
FEWEST_WORDS = 5
LONGEST_S = 30.0
"""Seconds of a prompt; a longer one than Whisper looks at in one piece is left out."""
LIKE = 0.25
"""Share of letters in which the transcript of a prompt's beginning or end may differ from the text: half a
word is heard as another. Of the whole it must be the text to the letter: where Whisper (or the list, which
has "you are" for "you're") has other words, it cannot be asked which of ours were heard."""
LATE_MS = 40.0
"""Whisper's times of words are late by this many ms: median over prompts in which Piper reports them."""
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass
class Cut:
    """One prompt, cut."""

    name: str
    text: str
    at: int
    """Samples played."""
    heard: int
    """Words that the session says were heard."""
    reference: int
    """Words of the text that the transcript of the received sound has."""
    transcript: str
    resume: int
    late_ms: float
    """Milliseconds from the true start of the word that ``resume`` is nearest to (Whisper's times) to it."""
    level_db: float
    """Level of the first 10 ms from there, over the speech of the prompt."""
    lost: int
    """Words of the text neither in what was heard before nor in the transcript of what is heard after it."""


class _Nobody:
    """No turn is transcribed here."""

    name = "nobody"

    async def start(self) -> None: ...

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return Transcript("")

    async def aclose(self) -> None: ...


def phrases(half: int) -> list[tuple[str, str]]:
    """Recordings and their texts. Half 0 is for choosing parameters, half 1 for reporting."""
    if not TEXTS.exists():
        raise FileNotFoundError(f"{TEXTS} is not there: install Debian's asterisk-core-sounds-en")
    rows: list[tuple[str, str]] = []
    for entry in gzip.decompress(TEXTS.read_bytes()).decode().splitlines():
        name, colon, text = entry.partition(": ")
        words = text.split()
        plain = colon and not name.startswith(";") and not re.search(r"[\[\]()#*]", text)
        if plain and len(words) >= FEWEST_WORDS and (sounds.RECORDINGS / f"{name}.wav").exists():
            rows.append((name, " ".join(words)))
    return rows[half::2]


class Ear:
    """Whisper, asked for words and their times."""

    def __init__(self) -> None:
        self._model = WhisperModel(
            str(model_path(MODEL)), device="cpu", compute_type="int8", local_files_only=True
        )

    def words(self, pcm: Pcm16) -> list[tuple[str, float, float]]:
        """Each word with its start and end in seconds."""
        sound = line(pcm).astype(np.float32) / 32768
        segments, _ = self._model.transcribe(
            sound, language="en", beam_size=5, word_timestamps=True, condition_on_previous_text=False
        )
        return [(word.word.strip(), word.start, word.end) for piece in segments for word in piece.words or ()]

    def text(self, pcm: Pcm16) -> str:
        return " ".join(word for word, _, _ in self.words(pcm))


def letters(text: str) -> str:
    """Return only letters, digits as words: what two spellings of the same have in common."""
    return re.sub(r"[^a-z]", "", re.sub(r"\d", lambda m: _NUMBERS[int(m[0])], text.lower()))


def beginning(words: Sequence[str], heard: str) -> tuple[int, float]:
    """How many of ``words`` a transcript of their beginning has, and the share of letters that differ."""
    costs = _distances("".join(map(letters, words)), letters(heard))
    ends = np.cumsum([0, *(len(letters(word)) for word in words)])
    best = int(np.argmin(costs[ends]))
    # Of a word cut off Whisper makes another one: it must bring what most of the right one would.
    while best and costs[ends[best - 1]] - costs[ends[best]] < 0.2 * (ends[best] - ends[best - 1]):
        best -= 1
    return best, float(costs[ends[best]]) / max(1, len(letters(heard)))


def ending(words: Sequence[str], heard: str) -> tuple[int, float]:
    """How many of ``words`` are left out at the start of a transcript of their end, and the difference."""
    count, far = beginning([word[::-1] for word in map(letters, reversed(words))], letters(heard)[::-1])
    return len(words) - count, far


def _distances(text: str, heard: str) -> npt.NDArray[np.int64]:
    """Levenshtein distance of ``heard`` from each beginning of ``text``, the empty one first."""
    row = np.arange(len(text) + 1)
    known = np.frombuffer(text.encode(), np.uint8)
    places = np.arange(len(text) + 1)
    for letter in heard.encode():
        other = row + 1
        other[1:] = np.minimum(other[1:], row[:-1] + (known != letter))
        row = np.minimum.accumulate(other - places) + places
    return row


async def cut_once(
    vad: VoiceActivityDetector, tts: Any, what: str | AudioClip, at: int
) -> tuple[list[SpokenPart], int, str, Pcm16]:
    """Say it, press a key after ``at`` samples: its parts, samples played, words heard, sound received."""
    player = MemoryPlayer()
    async with VoiceSession(stt=_Nobody(), tts=tts, vad=vad, player=player) as session:
        handle = await session.say(what)
        for _ in range(at // LINE_FRAME):
            session.process_audio(bytes(2 * LINE_FRAME), LINE_RATE)
        parts = list(handle.parts)
        session.process_dtmf("1")
        result = await asyncio.wait_for(handle.wait_for_playout(), 5)
    played = ms_to_samples(result.heard_ms, LINE_RATE)
    return parts, played, result.heard_text, np.frombuffer(player.played, np.int16)[:played]


async def cuts(
    names: Sequence[tuple[str, str]], spoken: str, trials: int, seed: int
) -> tuple[list[Cut], dict[str, int]]:
    """``trials`` cuts of prompts, ``spoken`` by "piper" or "recording"; and what was left out, and why."""
    dice = random.Random(seed)
    ear, vad, piper = Ear(), create_vad("silero"), PiperTts(niceness=0, timeout_s=600.0)
    left_out = {
        "prompts whose transcript is not their text": 0,
        "cuts whose transcript is unlike the text": 0,
    }
    done: list[Cut] = []
    await piper.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tts = PromptCache(Path(folder)).wrap(piper)
            order = dice.sample(list(names), len(names))
            for turn in range(8 * trials):
                if len(done) == trials:
                    break
                name, text = order[turn % len(order)]
                whole, what = await _prompt(tts, name, text, spoken)
                if whole.size > LONGEST_S * LINE_RATE:
                    continue
                timed = ear.words(whole)
                words = text.split()
                count, far = beginning(words, " ".join(word for word, _, _ in timed))
                if count < len(words) or far > 0:
                    left_out["prompts whose transcript is not their text"] += 1
                    continue
                at = dice.randrange(ms_to_samples(800, LINE_RATE), whole.size)
                parts, played, heard, received = await cut_once(vad, tts, what, at)
                transcript = ear.text(received)
                reference, far = beginning(words, transcript)
                if far > LIKE:
                    left_out["cuts whose transcript is unlike the text"] += 1
                    continue
                point = resume_point(parts, played, LINE_RATE)
                rest = ear.text(whole[point:])
                begun, far = ending(words, rest) if letters(rest) else (len(words), 0.0)
                starts = np.array([start for _, start, _ in timed]) * 1000 - LATE_MS
                late = point * 1000 / LINE_RATE - starts
                done.append(
                    Cut(
                        name, text, played, len(heard.split()), reference, transcript, point,
                        float(late[np.abs(late).argmin()]), _over_speech(whole, point),
                        max(0, begun - reference) if far <= LIKE else 0,
                    )
                )  # fmt: skip
    finally:
        await piper.aclose()
    return done, left_out


async def _prompt(tts: CachedTTS, name: str, text: str, spoken: str) -> tuple[Pcm16, str | AudioClip]:
    """The whole sound, and what to say to a session."""
    if spoken == "recording":
        pcm = sounds.recording(name)
        return np.frombuffer(pcm, np.int16), AudioClip(pcm, LINE_RATE, text)
    assert not await tts.prepare([text])
    prompt = tts.lookup(text)
    assert prompt is not None
    return np.frombuffer(prompt.pcm, np.int16), text


def _over_speech(pcm: Pcm16, at: int) -> float:
    """Level of the 10 ms from ``at`` on, in dB over the middle of the prompt's louder half."""
    block = LINE_RATE // 100
    power = np.square(pcm[: pcm.size // block * block].astype(float)).reshape(-1, block).mean(axis=1)
    speech = np.median(power[power >= np.median(power)])
    begin = np.square(pcm[at : at + block].astype(float)).mean() if at < pcm.size else 0.0
    return float(10 * np.log10((begin + 1) / speech))


def figures(spoken: str, done: Sequence[Cut], left_out: dict[str, int]) -> list[Figure]:
    mid = [cut for cut in done if cut.resume < cut.at]
    return [
        Figure(
            f"heard_text, {spoken}: words off",
            "words",
            [float(abs(cut.heard - cut.reference)) for cut in done],
            [("max", 1.0)],
            notes=left_out,
            floors=[("count", 30.0)],
        ),
        Figure(f"resume, {spoken}: from a word's start", "ms", [abs(cut.late_ms) for cut in mid], []),
        Figure(f"resume, {spoken}: first 10 ms over the speech", "dB", [cut.level_db for cut in mid], []),
        Figure(f"resume, {spoken}: words lost", "words", [float(cut.lost) for cut in done], []),
        Figure(
            f"resume, {spoken}: said again",
            "ms",
            [(cut.at - cut.resume) * 1000 / LINE_RATE for cut in done],
            [],
        ),
    ]


def run(trials: int = 60, *, half: int = 1, seed: int = 4) -> list[Figure]:
    """``trials`` cuts of prompts spoken by Piper and as many of recordings."""
    made: list[Figure] = []
    for spoken in ("piper", "recording"):
        done, left_out = asyncio.run(cuts(phrases(half), spoken, trials, seed))
        for cut in done:
            if abs(cut.heard - cut.reference) > 1 or cut.lost > 1:
                print(cut)
        made += figures(spoken, done, left_out)
    return made
