"""The recordings that the corpus is made of, as Debian packages them. Nothing of them is in the repository.

PCM16 mono at 8 kHz. Each function raises FileNotFoundError with the name of the package that is missing.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav
from tests.bench.turns.line import RATE, Pcm16
from tests.bench.turns.voices import trimmed

Language = Literal["en", "fr"]

SOURCES = (
    # package, what is taken, licence
    ("asterisk-core-sounds-en-wav", "a woman's recorded English", "CC-BY-SA-3.0"),
    ("asterisk-core-sounds-fr-wav", "a woman's recorded Canadian French", "CC-BY-SA-3.0"),
    ("asterisk-moh-opsound-wav", "five pieces of music on hold", "CC-BY-SA-3.0"),
    ("openarena-081-players", "gasps, chokes and grunts of twelve people", "GPL-2+"),
)

_SOUNDS = Path("/usr/share/asterisk/sounds")
_FOLDERS = {"en": "en_US_f_Allison", "fr": "fr_CA_f_June"}
_MUSIC = Path("/usr/share/asterisk/moh")
_PLAYERS = Path("/usr/share/games/openarena/baseoa/pak2-players.pk3")

_LONGEST_S = 4.5
_NO_SPEECH = ("beep", "beeperr", "ascending-2tone", "descending-2tone", "confbridge-join", "confbridge-leave",
              "tt-monkeys")  # fmt: skip
_HUMANS = ("angelyss", "arachna", "assassin", "ayumi", "beret", "kyonshi", "major", "merman", "sergei",
           "smarine", "sorceress", "tony")  # fmt: skip
_VOCAL = ("gasp", "drown", "jump1", "pain25_1", "pain50_1", "pain75_1", "pain100_1")


def sentences(language: Language) -> Iterator[tuple[str, Pcm16]]:
    """Name and sound of the prompts that a caller could say in one breath."""
    for path in sorted(_folder(language).glob("*.wav")):
        if path.stem not in _NO_SPEECH:
            x = _read(path)
            if 0.4 * RATE < len(x) <= _LONGEST_S * RATE:
                yield path.stem, x


def word(language: Language, name: str) -> Pcm16:
    """Such as ``digits/7`` or ``letters/a``."""
    return _read(_folder(language) / f"{name}.wav")


def music() -> Iterator[tuple[str, Pcm16]]:
    """Name and sound of the pieces."""
    for path in sorted(_present(_MUSIC, "asterisk-moh-opsound-wav").glob("*.wav")):
        yield path.stem, _read(path)


def vocal() -> Iterator[tuple[str, str, Pcm16]]:
    """``gasp`` or ``grunt``, name, sound: what people utter without speaking, 1.5 s of it at most."""
    with zipfile.ZipFile(_present(_PLAYERS, "openarena-081-players")) as archive:
        members = {name.lower(): name for name in archive.namelist()}
        for speaker in _HUMANS:
            for sound in _VOCAL:
                member = members.get(f"sound/player/{speaker}/{sound}.wav")
                if member is not None:
                    x, rate = decode_wav(archive.read(member))
                    style = "gasp" if sound in ("gasp", "drown") else "grunt"
                    yield style, f"{speaker}-{sound}", trimmed(resample(x, rate, RATE))[: int(1.5 * RATE)]


def _folder(language: Language) -> Path:
    return _present(_SOUNDS / _FOLDERS[language], f"asterisk-core-sounds-{language}-wav")


def _present(path: Path, package: str) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path}: install {package} (make bench-turns does)")
    return path


def _read(path: Path) -> Pcm16:
    x, rate = decode_wav(path.read_bytes())
    return x if rate == RATE else resample(x, rate, RATE)
