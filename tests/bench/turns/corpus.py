"""What callers and their surroundings sound like: clips of known kind, place of speech and text.

Made of recordings that Debian packages (``SOURCES``), of rules (``rules.py``) and of the project's voices
(``voices.py``); always the same, clip by clip. A clip is in one of two splits, by the hash of its name: those
of ``choose`` may be looked at when a threshold is chosen, those of ``report`` make the figures.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav
from tests.bench.turns import phrases, rules
from tests.bench.turns.line import RATE, Pcm16
from tests.bench.turns.voices import VOICES, Speaker, Voice, trimmed
from tests.caller.measure import offset_sample, onset_sample

Kind = Literal["interruption", "backchannel", "turn", "noise", "music", "vocal", "tone", "silence"]
Split = Literal["choose", "report"]

ASTERISK = Path("/usr/share/asterisk/sounds")
MUSIC = Path("/usr/share/asterisk/moh")
PLAYERS = Path("/usr/share/games/openarena/baseoa/pak2-players.pk3")
SOURCES = (
    # package, what is taken, licence
    ("asterisk-core-sounds-en-wav", "a woman's recorded English", "CC-BY-SA-3.0"),
    ("asterisk-core-sounds-fr-wav", "a woman's recorded Canadian French", "CC-BY-SA-3.0"),
    ("asterisk-moh-opsound-wav", "five pieces of music on hold", "CC-BY-SA-3.0"),
    ("openarena-081-players", "gasps, chokes and grunts of twelve people", "GPL-2+"),
)
"""What is read, by Debian package; nothing of it is in the repository."""

CHOOSE_SHARE = 1 / 3
SHORTEST_INTERRUPTION_MS = 400
_LONGEST_RECORDING_S = 4.5
_NO_SPEECH = ("beep", "beeperr", "ascending-2tone", "descending-2tone", "confbridge-join", "confbridge-leave",
              "tt-monkeys")  # fmt: skip
_HUMANS = ("angelyss", "arachna", "assassin", "ayumi", "beret", "kyonshi", "major", "merman", "sergei",
           "smarine", "sorceress", "tony")  # fmt: skip
_SOUNDS = ("gasp", "drown", "jump1", "pain25_1", "pain50_1", "pain75_1", "pain100_1")


@dataclass(frozen=True)
class Part:
    """A stretch of speech in a clip: samples of 8 kHz, and what is said there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Clip:
    """``pcm`` is PCM16 at 8 kHz; ``onset`` and ``offset`` the first and last sample that is to be heard."""

    name: str
    kind: Kind
    style: str
    """Of its kind: ``recorded``, ``digits``, ``babble``, ``cough``, ..."""
    language: str
    pcm: Pcm16 = field(repr=False)
    onset: int
    offset: int
    parts: tuple[Part, ...] = ()
    """Empty for what is no speech. Where a recording's wording is not known, its file's name stands for it:
    a recogniser that is told the text only has to understand something."""

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.parts)

    @property
    def split(self) -> Split:
        return split_of(self.name)

    @property
    def ms(self) -> float:
        return (self.offset - self.onset) / RATE * 1000


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
        """In a fixed order. Raises FileNotFoundError that names the package which is missing."""
        if kind not in self._kinds:
            makers = {
                "interruption": self._interruptions, "backchannel": self._backchannels, "turn": self._turns,
                "noise": _noise, "music": _music, "vocal": _vocal, "tone": _tones, "silence": _silence,
            }  # fmt: skip
            clips = sorted(makers[kind](), key=lambda clip: hashlib.sha256(clip.name.encode()).digest())
            self._kinds[kind] = clips
        return [c for c in self._kinds[kind] if split is None or c.split == split]

    # -- speech

    def _interruptions(self) -> Iterator[Clip]:
        for language, name, x in _recordings():
            text = name.replace("-", " ")
            clip = _speech(f"{language}/{name}", "interruption", "recorded", language, x, text)
            if clip.ms >= SHORTEST_INTERRUPTION_MS:
                yield clip
        for clip in self._spoken("interruption", "spoken", phrases.INTERRUPTIONS):
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
        for language, name, x in _recordings():
            if len(x) > 1.6 * RATE:
                text = name.replace("-", " ")
                yield _speech(f"turn/{language}/{name}", "turn", "recorded", language, x, text)
        yield from _digit_groups()

    def _spoken(self, kind: Kind, style: str, texts: dict[str, tuple[str, ...]]) -> Iterator[Clip]:
        wanted = [(voice, text) for voice in VOICES for text in texts[voice.language]]
        self._speaker.prepare([(voice, text.replace("|", "")) for voice, text in wanted])
        for voice, text in wanted:
            yield self._phrase(kind, style, voice, text)

    def _phrase(self, kind: Kind, style: str, voice: Voice, text: str) -> Clip:
        x = self._speaker.say(voice, text.replace("|", ""))
        name = f"{kind}/{style}/{voice.name}/{text.replace('|', '')}"
        return _speech(name, kind, style, voice.language, x, text)


def _speech(name: str, kind: Kind, style: str, language: str, x: Pcm16, text: str) -> Clip:
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


def _digit_groups() -> Iterator[Clip]:
    """Recorded digits as people read out numbers: groups of two or three, 350 to 800 ms between them."""
    for language, folder in (("en", "en_US_f_Allison"), ("fr", "fr_CA_f_June")):
        paths = [ASTERISK / folder / "digits" / f"{n}.wav" for n in range(10)]
        digits = [trimmed(_read(path, "asterisk-core-sounds")) for path in paths]
        for n in range(60):
            name = f"digits/{language}/{n}"
            dice = seeded(name)
            pieces: list[Pcm16] = []
            parts: list[Part] = []
            at = 0
            for group in range(int(dice.integers(2, 4))):
                if group:
                    pieces.append(np.zeros(int(dice.uniform(0.35, 0.8) * RATE), np.int16))
                    at += len(pieces[-1])
                start, words = at, []
                for _ in range(int(dice.integers(2, 4))):
                    digit = int(dice.integers(10))
                    pieces += [digits[digit], np.zeros(int(dice.uniform(0.02, 0.08) * RATE), np.int16)]
                    at += len(pieces[-2]) + len(pieces[-1])
                    words.append(str(digit))
                parts.append(Part(start, at - len(pieces[-1]), " ".join(words)))
            x = np.concatenate(pieces)
            onset, offset = onset_sample(x.tobytes()), offset_sample(x.tobytes())
            yield Clip(name, "turn", "digits", language, x, onset, offset, tuple(parts))


def _recordings() -> Iterator[tuple[str, str, Pcm16]]:
    """Language, name and sound of the recorded prompts that a caller could say in one breath."""
    for language, folder in (("en", "en_US_f_Allison"), ("fr", "fr_CA_f_June")):
        root = ASTERISK / folder
        if not (root / "vm-goodbye.wav").is_file():
            package = f"asterisk-core-sounds-{language}-wav"
            raise FileNotFoundError(f"{root}: install {package} (make bench-turns does)")
        for path in sorted(root.glob("*.wav")):
            if path.stem in _NO_SPEECH:
                continue
            x = _read(path, "asterisk-core-sounds")
            if 0.4 * RATE < len(x) <= _LONGEST_RECORDING_S * RATE:
                yield language, path.stem, x


# -- what is no speech


def _noise() -> Iterator[Clip]:
    voices: dict[Split, list[Pcm16]] = {"choose": [], "report": []}
    for language, name, x in _recordings():
        voices[split_of(f"{language}/{name}")].append(x)
    for n in range(24):
        yield _sound(f"noise/white/{n}", "noise", rules.white(4.0, n))
        yield _sound(f"noise/pink/{n}", "noise", rules.pink(4.0, n))
        yield _sound(f"noise/street/{n}", "noise", rules.street(4.0, n))
        yield _sound(f"noise/keyboard/{n}", "noise", rules.keyboard(4.0, n))
        babble = f"noise/babble/{n}"
        yield _sound(babble, "noise", rules.babble(voices[split_of(babble)], 4.0, n))


def _music() -> Iterator[Clip]:
    """Ten excerpts of 4 s of each piece; a piece is wholly in one split."""
    pieces = sorted(MUSIC.glob("*.wav"))
    if not pieces:
        raise FileNotFoundError(f"{MUSIC}: install asterisk-moh-opsound-wav (make bench-turns does)")
    for piece in pieces:
        x = _read(piece, "asterisk-moh-opsound-wav")
        for n in range(10):
            at = int((n + 0.5) / 10 * (len(x) - 4 * RATE))
            yield _sound(f"music/{piece.stem}", "music", x[at : at + 4 * RATE])


def _vocal() -> Iterator[Clip]:
    for n in range(30):
        yield _sound(f"vocal/cough/{n}", "vocal", rules.cough(n))
        yield _sound(f"vocal/breath/{n}", "vocal", rules.breath(n))
        yield _sound(f"vocal/laugh/{n}", "vocal", rules.laugh(n))
        yield _sound(f"vocal/click/{n}", "vocal", rules.click(n))
    if not PLAYERS.is_file():
        raise FileNotFoundError(f"{PLAYERS}: install openarena-081-players (make bench-turns does)")
    with zipfile.ZipFile(PLAYERS) as archive:
        members = {name.lower(): name for name in archive.namelist()}
        for human in _HUMANS:
            for sound in _SOUNDS:
                member = members.get(f"sound/player/{human}/{sound}.wav")
                if member is None:
                    continue
                x, rate = decode_wav(io.BytesIO(archive.read(member)).getvalue())
                x = trimmed(resample(x, rate, RATE))[: int(1.5 * RATE)]
                style = "gasp" if sound in ("gasp", "drown") else "grunt"
                yield _sound(f"vocal/{style}/{human}-{sound}", "vocal", x)


def _tones() -> Iterator[Clip]:
    for n in range(20):
        keys = "".join(seeded(f"keys {n}").choice(list(rules.KEYS), 1 + n % 4))
        yield _sound(f"tone/dtmf/{n}-{keys}", "tone", rules.dtmf(keys, 80 + 10 * (n % 10)))
    exchange = (
        ("ringback-us", (440, 480), 2.0, 4.0), ("ringback-fr", (440,), 1.5, 3.5),
        ("ringback-gb", (400, 450), 0.4, 0.2), ("busy-us", (480, 620), 0.5, 0.5),
        ("busy-fr", (440,), 0.5, 0.5), ("congestion-us", (480, 620), 0.25, 0.25),
        ("dial-fr", (440,), 9.0, 1.0), ("fax-cng", (1100,), 0.5, 3.0), ("fax-ced", (2100,), 3.0, 1.0),
        ("beep", (1000,), 0.4, 9.0),
    )  # fmt: skip
    for name, frequencies, on_s, off_s in exchange:
        yield _sound(f"tone/{name}", "tone", rules.cadence(frequencies, on_s, off_s, 4.0))


def _silence() -> Iterator[Clip]:
    for n in range(20):
        yield Clip(f"silence/{n}", "silence", "silence", "", np.zeros(4 * RATE, np.int16), 0, 4 * RATE - 1)


def _sound(name: str, kind: Kind, x: Pcm16) -> Clip:
    style = name.split("/")[1].split("-")[0] if kind != "music" else "hold"
    return Clip(name, kind, style, "", x, 0 if kind != "vocal" else onset_sample(x.tobytes()), len(x) - 1)


def split_of(name: str) -> Split:
    """A recording that is an interruption here and a turn there is in one split."""
    digest = hashlib.sha256(name.removeprefix("turn/").encode()).digest()
    return "choose" if digest[0] < 256 * CHOOSE_SHARE else "report"


def seeded(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def _read(path: Path, package: str) -> Pcm16:
    try:
        x, rate = decode_wav(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: install {package}") from None
    return x if rate == RATE else resample(x, rate, RATE)


def summary(corpus: Corpus, kinds: Sequence[Kind]) -> Iterable[str]:
    """One line for each kind and style: clips to choose by, clips to report, seconds."""
    for kind in kinds:
        clips = corpus.clips(kind, None)
        for style in sorted({c.style for c in clips}):
            of = [c for c in clips if c.style == style]
            chosen = sum(c.split == "choose" for c in of)
            seconds = sum(len(c.pcm) for c in of) / RATE
            yield f"{kind:13}{style:12}{chosen:4} to choose by {len(of) - chosen:4} reported {seconds:5.0f} s"
