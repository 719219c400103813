"""The plans of ``cases.txt``."""

import re
from dataclasses import dataclass
from pathlib import Path

from ivr.dialplan.check.subject import ServiceCapabilities

FILE = Path(__file__).with_name("cases.txt")
MARK = re.compile(r" *# <--$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """``lines`` are those of the findings in ``trips``."""

    rule: str
    name: str
    trips: str
    near: str
    lines: frozenset[int]
    also: frozenset[str]
    capabilities: ServiceCapabilities


def _wav(data: bytes) -> bytes:
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
    head += (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") + bytes([2, 0, 16, 0])
    head += b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + len(head).to_bytes(4, "little") + head


SOUNDS = {"beep.wav": _wav(b"\x00\x10" * 80), "text.wav": b"This is no sound.", "empty.wav": _wav(b"")}


def write(folder: Path, text: str) -> Path:
    """The plan's file, with the sounds that plans may name beside it."""
    for name, data in SOUNDS.items():
        (folder / name).write_bytes(data)
    path = folder / "plan.yaml"
    path.write_text(MARK.sub("", text), encoding="utf-8")
    return path


def _case(head: str, body: str) -> Case:
    title, _, rest = head.partition(" | ")
    rule, _, name = title.partition(": ")
    given = {part.split(" ", 1)[0]: part.split(" ", 1)[1] for part in rest.split("; ") if part}
    said = rest.split("; ")
    trips, near = re.split(r"^--- near\n", body, flags=re.MULTILINE)
    return Case(
        rule=rule,
        name=name,
        trips=trips,
        near=near,
        lines=frozenset(n for n, line in enumerate(trips.split("\n"), 1) if MARK.search(line)),
        also=frozenset(given.get("also", "").split(", ")) - {""},
        capabilities=ServiceCapabilities(
            speech_in="no speech in" not in said,
            speech_out="no speech out" not in said,
            voices=frozenset(given["voices"].split(", ")) if "voices" in given else None,
        ),
    )


_PARTS = re.split(r"^=== (.*)\n", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
CASES = [_case(head, body) for head, body in zip(_PARTS[1::2], _PARTS[2::2], strict=True)]
