"""What callers and their surroundings sound like: clips of known kind, place of speech and text.

Made of recordings (``recordings.py``), of rules (``rules.py``) and of the project's voices (``voices.py``);
always the same, clip by clip. A clip is in one of two splits, by the hash of its name: those of ``choose``
may be looked at when a threshold is chosen, those of ``report`` make the figures.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.bench.turns import noises, phrases, recordings
from tests.bench.turns.clip import Clip, Kind, Part, Split, mixed, seeded
from tests.bench.turns.line import RATE, Pcm16
from tests.bench.turns.recordings import Language
from tests.bench.turns.voices import VOICES, Speaker, Voice, trimmed
from tests.caller.measure import offset_sample, onset_sample

SHORTEST_INTERRUPTION_MS = 400
LANGUAGES: tuple[Language, ...] = ("en", "fr")


class Corpus:
    """All clips; made when first asked for, kind by kind."""

    def __init__(self, folder: Path) -> None:
        """``folder`` keeps what the voices have spoken."""
        self._speaker = Speaker(folder)
        self._kinds: dict[Kind, list[Clip]] = {}

    def prompts(self) -> list[Pcm16]:
        """The service's own prompts, in its own voice, 8 kHz, pauses and all."""
        self._speaker.prepare([(VOICES[0], text) for text in phrases.PROMPTS])
        return [self._speaker.say(VOICES[0], text) for text in phrases.PROMPTS]

    def clips(self, kind: Kind, split: Split | None = "report") -> list[Clip]:
        """Return clips in a fixed order. Raises FileNotFoundError that names the missing package."""
        if kind not in self._kinds:
            makers = {
                "interruption": self._interruptions, "backchannel": self._backchannels, "turn": self._turns,
                "noise": noises.noise, "music": noises.music, "vocal": noises.vocal, "tone": noises.tones,
                "silence": noises.silence,
            }  # fmt: skip
            clips = sorted(makers[kind](), key=lambda clip: mixed(clip.name))
            self._kinds[kind] = clips
        return [c for c in self._kinds[kind] if split is None or c.split == split]

    # -- speech

    def _interruptions(self) -> Iterator[Clip]:
        found = [clip for language in LANGUAGES for clip in recorded("interruption", language)]
        for clip in [*found, *self._spoken("interruption", "spoken", phrases.INTERRUPTIONS)]:
            if clip.ms >= SHORTEST_INTERRUPTION_MS:
                yield clip

    def _backchannels(self) -> Iterator[Clip]:
        yield from self._spoken("backchannel", "spoken", phrases.BACKCHANNELS)

    def _turns(self) -> Iterator[Clip]:
        """Whole turns: what is said after a question."""
        yield from self._spoken("turn", "answer", phrases.ANSWERS)
        yield from self._spoken("turn", "sentence", phrases.SENTENCES)
        for clip in self._spoken("turn", "hesitation", phrases.HESITATIONS):
            yield hesitant(clip, seeded(clip.name))
        for language in LANGUAGES:
            yield from (clip for clip in recorded("turn", language) if len(clip.pcm) > 1.6 * RATE)
            yield from digit_groups(language)

    def _spoken(self, kind: Kind, style: str, texts: dict[str, tuple[str, ...]]) -> Iterator[Clip]:
        wanted = [(voice, text) for voice in VOICES for text in texts[voice.language]]
        self._speaker.prepare([(voice, text.replace("|", "")) for voice, text in wanted])
        for voice, text in wanted:
            yield self._phrase(kind, style, voice, text)

    def _phrase(self, kind: Kind, style: str, voice: Voice, text: str) -> Clip:
        x = self._speaker.say(voice, text.replace("|", ""))
        name = f"{kind}/{style}/{voice.name}/{text.replace('|', '')}"
        return speech(name, kind, style, voice.language, x, text)


def recorded(kind: Kind, language: Language) -> Iterator[Clip]:
    """The recorded sentences as clips of that kind."""
    for name, x in recordings.sentences(language):
        prefix = "turn/" if kind == "turn" else ""
        count = max(1, round(len(x) / RATE * 2.5))
        words = itertools.islice(itertools.cycle(name.replace("-", " ").split()), count)
        yield speech(f"{prefix}{language}/{name}", kind, "recorded", language, x, " ".join(words))


def speech(name: str, kind: Kind, style: str, language: str, x: Pcm16, text: str) -> Clip:
    x = trimmed(x)
    onset, offset = onset_sample(x.tobytes()), offset_sample(x.tobytes())
    return Clip(name, kind, style, language, x, onset, offset, (Part(onset, offset + 1, text),))


def hesitant(clip: Clip, dice: np.random.Generator) -> Clip:
    """The pause at the ``|`` of its text made 400 to 1000 ms long: the longest one inside the clip."""
    before, after = clip.text.split("|")
    gap_start, gap_end = longest_gap(clip.pcm, clip.onset, clip.offset)
    extra = max(0, int(dice.uniform(0.4, 1.0) * RATE) - (gap_end - gap_start))
    middle = (gap_start + gap_end) // 2
    x = np.concatenate((clip.pcm[:middle], np.zeros(extra, np.int16), clip.pcm[middle:]))
    parts = (
        Part(clip.onset, gap_start, before.strip(" ,")),
        Part(gap_end + extra, clip.offset + extra + 1, after.strip()),
    )
    return Clip(clip.name, clip.kind, clip.style, clip.language, x, clip.onset, clip.offset + extra, parts)


def longest_gap(x: Pcm16, onset: int, offset: int) -> tuple[int, int]:
    """Start and end of the longest quiet stretch between ``onset`` and ``offset`` (5 ms pieces more than
    30 dB below the loudest); the quietest piece where there is none.
    """
    n = (offset - onset) // 40
    pieces = x[onset : onset + n * 40].astype(np.float64).reshape(n, 40)
    levels = np.sqrt((pieces**2).mean(axis=1))
    quiet = levels < levels.max() * 10 ** (-30 / 20)
    best, start = (int(levels[2:-2].argmin()) + 2, 1), None
    for i, q in enumerate([*quiet, False]):
        if q and start is None:
            start = i
        elif not q and start is not None:
            if i - start > best[1]:
                best = (start, i - start)
            start = None
    return onset + best[0] * 40, onset + (best[0] + best[1]) * 40


def digit_groups(language: Language) -> Iterator[Clip]:
    """Recorded digits as people read out numbers: groups of two or three, 350 to 800 ms between them."""
    digits = [trimmed(recordings.word(language, f"digits/{n}")) for n in range(10)]
    for n in range(60):
        name = f"digits/{language}/{n}"
        dice = seeded(name)
        x = np.zeros(0, np.int16)
        parts: list[Part] = []
        for group in range(int(dice.integers(2, 4))):
            if group:
                x = np.concatenate((x, np.zeros(int(dice.uniform(0.35, 0.8) * RATE), np.int16)))
            start = len(x)
            chosen = [int(dice.integers(10)) for _ in range(int(dice.integers(2, 4)))]
            for digit in chosen:
                rest = np.zeros(int(dice.uniform(0.02, 0.08) * RATE) if len(x) > start else 0, np.int16)
                x = np.concatenate((x, rest, digits[digit]))
            parts.append(Part(start, len(x), " ".join(map(str, chosen))))
        onset, offset = onset_sample(x.tobytes()), offset_sample(x.tobytes())
        yield Clip(name, "turn", "digits", language, x, onset, offset, tuple(parts))


def summary(corpus: Corpus, kinds: Sequence[Kind]) -> Iterable[str]:
    """One line for each kind and style: clips to choose by, clips to report, seconds."""
    for kind in kinds:
        clips = corpus.clips(kind, None)
        for style in sorted({c.style for c in clips}):
            of = [c for c in clips if c.style == style]
            chosen = sum(c.split == "choose" for c in of)
            seconds = sum(len(c.pcm) for c in of) / RATE
            yield f"{kind:13}{style:12}{chosen:4} to choose by {len(of) - chosen:4} reported {seconds:5.0f} s"
