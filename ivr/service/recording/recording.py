"""A recorded call on disk: ``NAME.wav`` and ``NAME.jsonl`` side by side.

The WAV is stereo, PCM16 at 8 kHz, the caller on the left and the service on the right; its sample n was heard
at sample 2n of the session's clock. The other file has one ``Decision`` a line; the first, of the stage
``session``, holds the options that the call ran with, under the names that they have in the settings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ivr.audio.frames import LINE_RATE, VAD_RATE
from ivr.audio.wav import Pcm16, WavError, decode_channels
from ivr.errors import IvrError
from ivr.grammar.expectation import ExpectedKind
from ivr.session.decisions import Decision
from ivr.text import file_name

PART = ".part"
"""Suffix of the names while the call goes on. Both files can be read at any time, also after a crash."""
UP = VAD_RATE // LINE_RATE
"""Samples of the session's clock to one of the recording."""
MAX_NAME = 80
"""Characters of a Call-ID that are kept in a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """Settings ``recording``."""

    debug: bool = False
    """Keep the sound and the decisions of every call, for ``ivr replay`` and ``ivr plot``."""
    folder: Path = Path("recordings")
    """The folder of the recordings; it is made when it is not there. The service removes no recording."""


NUMBER = (int, float)
DETAILS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("onset", "offset", "prompt", "asked", "answered_at"), int),
    **dict.fromkeys(
        (
            "heard_ms",
            "planned_ms",
            "latency_ms",
            "timeout_s",
            "confidence",
            "probability",
            "cut_ms",
            "from_ms",
        ),
        NUMBER,
    ),
    **dict.fromkeys(("text", "heard_text", "digit", "name", "reason"), str),
    "kind": str,
    "options": dict,
    "choices": dict,
    "asks": dict,
    "word_times": list,
}
"""Types of the details that a replay and a plot use."""
KEYS = frozenset("0123456789*#ABCD")


class RecordingError(IvrError):
    """A recording cannot be read; one line that names the file, what is wrong and the remedy."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One call, read."""

    path: Path
    caller: Pcm16 = field(repr=False)
    """int16, 8 kHz."""
    service: Pcm16 = field(repr=False)
    """What was sent to the caller, as long as ``caller``."""
    header: Decision
    decisions: tuple[Decision, ...] = field(repr=False)
    """All but the header, in the order in which they were made."""

    @property
    def seconds(self) -> float:
        return len(self.caller) / LINE_RATE

    @property
    def options(self) -> dict[str, Any]:
        """``{"vad": {...}, "session": {...}}``."""
        return dict(self.header.details["options"])

    def of(self, *stages: str) -> Iterator[Decision]:
        """The decisions of these stages."""
        return (decision for decision in self.decisions if decision.stage in stages)


def recording_name(began: datetime, call_id: str) -> str:
    """``20260131T175900Z-CALLID``: a Call-ID is any text of a stranger's, a file name is not."""
    return f"{began.astimezone(UTC):%Y%m%dT%H%M%SZ}-{file_name(call_id, 'call')}"


def recordings_in(path: Path) -> list[Path]:
    """``path`` itself, or the recordings of the folder in the order of their names. Raises RecordingError."""
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.iterdir() if each.name.endswith((".wav", ".wav" + PART)))
    if not found:
        raise RecordingError(
            f"{path}: no recording is in it (recording.debug = true makes NAME.wav of a call)"
        )
    return found


def load_recording(path: Path) -> Recording:
    """Read ``NAME.wav`` and what was decided. A call that was cut off by a crash is read as far as it goes.

    Raises RecordingError.
    """
    caller, service = _legs(path)
    decided = _beside(path)
    decisions = _decisions(decided)
    header = decisions.pop(0) if decisions else None
    if header is None or header.stage != "session" or not _has_options(header):
        raise RecordingError(
            f"{decided}:1: it does not begin with the session's options: this is not the file that "
            "recording.debug wrote"
        )
    return Recording(path, caller, service, header, tuple(decisions))


def _legs(path: Path) -> tuple[Pcm16, Pcm16]:
    try:
        sound, rate = decode_channels(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    except WavError as error:
        raise RecordingError(f"{path}: {error}") from error
    if sound.shape[1] != 2:
        channels = f"{sound.shape[1]} channel{'s' if sound.shape[1] > 1 else ''}"
        raise RecordingError(
            f"{path}: it has {channels}; a recording has two, the caller left and the service right "
            "(`ivr talk` takes the sound of a caller alone)"
        )
    if rate != LINE_RATE:
        raise RecordingError(
            f"{path}: it is at {rate} Hz; a recording is at {LINE_RATE} Hz, sample by sample as it was on "
            "the line: give the file as it was recorded"
        )
    return np.ascontiguousarray(sound[:, 0]), np.ascontiguousarray(sound[:, 1])


def _beside(path: Path) -> Path:
    stem = path.name.removesuffix(PART).removesuffix(".wav")
    for name in (f"{stem}.jsonl", f"{stem}.jsonl{PART}"):
        if (path.parent / name).is_file():
            return path.parent / name
    raise RecordingError(
        f"{path}: there is no {stem}.jsonl beside it, which holds the options and what was said: keep the "
        "two files of a call together"
    )


def _decisions(path: Path) -> list[Decision]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: it is not UTF-8 text") from error
    found = []
    lines = text.split("\n")  # splitlines() would also split at what a text may hold
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            found.append(_checked(Decision.from_json(line)))
        except ValueError as error:
            if number == len(lines):
                break  # the process ended while it wrote this line
            raise RecordingError(f"{path}:{number}: {error}; the file was changed or damaged") from error
    return found


def _checked(decision: Decision) -> Decision:
    """Raises ValueError for details that no session writes."""
    if decision.at < 0:
        raise ValueError(f"at = {decision.at}: nothing comes before 0")
    for name, value in decision.details.items():
        wanted = DETAILS.get(name)
        # true and false are numbers to Python
        if wanted and value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise ValueError(f"{name} = {value!r} cannot be")
    if (digit := decision.details.get("digit")) is not None and digit not in KEYS:
        raise ValueError(f"digit = {digit!r} is no key")
    if (kind := decision.details.get("kind")) is not None and kind not in get_args(ExpectedKind):
        raise ValueError(f"kind = {kind!r}: there are {', '.join(get_args(ExpectedKind))}")
    for name, choice in (decision.details.get("choices") or {}).items():
        if not _is_choice(choice):
            raise ValueError(f"choices: {name} has not a list of phrases and a list of keys")
    for word in decision.details.get("word_times") or ():
        if not (isinstance(word, list) and [type(each) for each in word] == [str, int, int]):
            raise ValueError(f"word_times: {word!r} is not a word with two times")
    return decision


def _is_choice(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in value)
    )


def _has_options(header: Decision) -> bool:
    options = header.details.get("options")
    return isinstance(options, dict) and all(
        isinstance(options.get(room), dict) for room in ("vad", "session")
    )
