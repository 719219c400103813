"""Answers of callers and what they say, each in the split ``choose`` or ``report`` by the hash of its name.

People are recordings that Debian packages (``asterisk-core-sounds-en-wav``, ``ktuberling-data``). The words
of ktuberling, spoken by people who are no speakers, are reported only. Synthetic voices are espeak-ng, and
the project's own at three pitches.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ivr.audio.wav import decode_wav
from tests.bench.turns.clip import Split, seeded, split_of
from tests.bench.turns.line import FRAME, Condition, Pcm16, TelephoneLine, at_level, band_limited
from tests.bench.turns.recordings import word
from tests.bench.turns.voices import VOICES, Speaker, Voice, trimmed

Who = Literal["people", "voices"]

KTUBERLING = Path("/usr/share/ktuberling/sounds/en")
_SPELLED = {
    "palmtree": "palm tree", "sphynx": "sphinx", "broccolli": "broccoli", "fallingstar": "falling star",
    "ufo": "UFO", "tv": "TV",
}  # fmt: skip

_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip
_WEEKDAYS = (
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_PHONETIC = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform",
    "victor", "whiskey", "x-ray", "yankee", "zulu",
)  # fmt: skip
_PHRASES = (
    "activated", "cancelled", "disabled", "enabled", "goodbye", "hours", "minutes", "seconds", "hello",
    "lowercase", "uppercase", "please-try-again", "is-in-use", "extension", "call-waiting", "location",
    "telephone-number", "do-not-disturb", "speed-dial", "sorry", "number", "removed", "time", "second",
    "calling", "digits/today", "digits/tomorrow", "digits/yesterday",
)  # fmt: skip

MENU = (
    "billing", "sales", "technical support", "opening hours", "speak to an agent", "track my order",
    "cancel my booking", "book an appointment", "accounts", "returns", "report a fault", "pay my bill",
    "check my balance", "lost card", "new customer", "delivery", "complaints", "insurance", "pharmacy",
    "emergency", "prescription", "test results", "directions", "reservations", "leasing", "human resources",
    "reception", "main menu", "upgrade", "warranty", "shipping", "refund", "password reset", "internet",
    "television", "mobile", "landline", "moving house", "meter reading", "gas", "electricity", "savings",
    "mortgage", "loans", "investments", "voicemail", "operator", "dental", "blood test", "vaccination",
    "flights", "hotels", "car hire", "baggage", "check in", "seat selection",
)  # fmt: skip
CARRIERS = ("{}", "{}", "{}, please", "I'd like {}, please", "um, {}", "it's about {}")
YES_NO = {
    "yes": ("yes", "yeah", "yes please", "that's right", "correct", "sure", "yep", "of course"),
    "no": ("no", "nope", "no thanks", "not really", "no it's not", "that's wrong"),
}


@dataclass(frozen=True)
class Item:
    """One answer: ``meaning`` is what it is on a menu; ``pcm`` is PCM16 at 8 kHz, as the line delivers it."""

    name: str
    who: Who
    meaning: str
    pcm: Pcm16

    @property
    def split(self) -> Split:
        return "report" if self.name.startswith("ktuberling/") else split_of(self.name)


def people() -> Iterator[Item]:
    """Words and phrases that people say. Raises FileNotFoundError that names the missing package."""
    for name, said in _recorded():
        yield _item(f"asterisk/{name}", "people", said, trimmed(word("en", name)))
    if not KTUBERLING.exists():
        raise FileNotFoundError(f"{KTUBERLING}: install ktuberling-data (make bench-understanding does)")
    for path in sorted(KTUBERLING.glob("*.ogg")):
        said = path.stem.rpartition("_")[2]
        yield _item(f"ktuberling/{path.stem}", "people", _SPELLED.get(said, said), trimmed(_ogg(path)))


def voices(folder: Path) -> Iterator[Item]:
    """Menu phrases in synthetic voices, some inside a sentence; ``folder`` keeps them."""
    speaker = Speaker(folder)
    wanted: list[tuple[Voice, str, str]] = []
    english = [voice for voice in VOICES if voice.language == "en"]
    for number, phrase in enumerate(MENU):
        for turn in range(2):
            voice = english[(number + 2 * turn) % len(english)]
            carrier = CARRIERS[(number + turn) % len(CARRIERS)]
            wanted.append((voice, phrase, carrier.format(phrase)))
    speaker.prepare([(voice, text) for voice, _, text in wanted])
    for voice, phrase, text in wanted:
        yield _item(f"voice/{voice.name}/{text}", "voices", phrase, speaker.say(voice, text))


def yes_and_no(folder: Path) -> Iterator[Item]:
    """Yes and no in synthetic voices, as ``yes`` and ``no``."""
    speaker = Speaker(folder)
    english = [voice for voice in VOICES if voice.language == "en"]
    wanted = [(v, meaning, text) for meaning, texts in YES_NO.items() for text in texts for v in english]
    speaker.prepare([(voice, text) for voice, _, text in wanted])
    for voice, meaning, text in wanted:
        yield _item(f"yes-no/{voice.name}/{text}", "voices", meaning, speaker.say(voice, text))


def _recorded() -> Iterator[tuple[str, str]]:
    """Name and text of short recordings."""
    yield from ((f"digits/{number}", said) for number, said in enumerate(_NUMBERS))
    yield from ((f"digits/day-{number}", said) for number, said in enumerate(_WEEKDAYS))
    yield from ((f"digits/mon-{number}", said) for number, said in enumerate(_MONTHS))
    yield from ((f"phonetic/{said[0]}_p", said) for said in _PHONETIC)
    yield from ((name, name.rpartition("/")[2].replace("-", " ")) for name in _PHRASES)


def _item(name: str, who: Who, meaning: str, x: Pcm16) -> Item:
    return Item(name, who, meaning, over_line(name, x))


def over_line(name: str, x: Pcm16) -> Pcm16:
    """Return a sound as a telephone line of its own delivers it, with 300 ms of the line around it."""
    dice = seeded(f"line/{name}")
    condition = Condition(
        level_dbm0=float(dice.uniform(-28, -12)),
        noise_dbm0=float(dice.uniform(-70, -52)),
        loss=float(dice.choice([0.0, 0.0, 0.01, 0.03])),
        jitter_ms=float(dice.choice([0, 5, 10])),
        a_law=bool(dice.random() < 0.3),
        seed=int(dice.integers(1 << 30)),
    )
    quiet = np.zeros(2400)
    near = np.concatenate((quiet, at_level(band_limited(x), condition.level_dbm0), quiet))
    frames = len(near) // FRAME
    line = TelephoneLine(condition, frames)
    nothing = np.zeros(FRAME, np.int16)
    return np.concatenate([line.hear(near[n * FRAME : (n + 1) * FRAME], nothing) for n in range(frames)])


def _ogg(path: Path) -> Pcm16:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["sox", str(path), "-r", "8000", "-c", "1", "-b", "16", file.name]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return decode_wav(Path(file.name).read_bytes())[0]
