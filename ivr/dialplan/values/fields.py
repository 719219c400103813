"""The kinds of value that verbs' fields hold, each with its check and its JSON Schema.

YAML hands every scalar over as the text that was written, so each kind here starts from a text.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ivr.audio.wav import WavError, decode_wav
from ivr.dialplan.source.errors import did_you_mean, listed, quoted
from ivr.dialplan.values.variables import NAME, RESERVED
from ivr.grammar.fusion import UnderstandingLevel
from ivr.session.types import AudioClip

MAX_SOUND_BYTES = 64 * 1024 * 1024
"""Bytes of one sound file."""
MAX_DURATION_S = 3600.0
KEYS = "0123456789*#ABCD"
"""The sixteen keys of RFC 4733."""

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) *(ms|s|m|h)?")
_ADDRESS = re.compile(
    r"sips?:(?:[^@\s<>\"?]+@)?[^@;\s<>\"?/]+(?:;[^\s<>\"?]*)?"  # RFC 3261, 19.1, without headers
    r"|(?:tel:\+?)?[0-9A-Za-z+*#_.!~'()&=$,-]+(?:@[^@;\s<>\"?/]+(?:;[^\s<>\"?]*)?)?",
    re.IGNORECASE,
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Fields(BaseModel):
    """A mapping of fields in a plan: nothing but what is declared, never changed after the check."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TextOrFields(Fields):
    """A mapping of fields that may be written as a bare text too: the value of its ``text_field``."""

    text_field: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {cls.text_field: value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


class OneOrMany:
    """Declares that a single value may be written in place of a list of one. An annotation of a tuple."""

    def __init__(self, *single: type, at_least_one: bool = False) -> None:
        """``single``: the types of a value that stands for a list. ``at_least_one``: refuse an empty list."""
        self._single, self._at_least_one = single, at_least_one

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        return {"anyOf": [inner["items"], inner]}

    def _as_list(self, value: Any) -> Any:
        if self._at_least_one and value == []:
            raise refuse("expected at least one in here, found none")
        return [value] if isinstance(value, self._single) else value


class AlsoWritten:
    """Declares another form that a field's validator accepts, as JSON Schema. An annotation."""

    def __init__(self, schema: JsonSchemaValue) -> None:
        self._schema = schema

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [self._schema, handler(core_schema)]}


@dataclass(frozen=True, slots=True)
class Unit:
    """Declares the unit of a number, which a plan may write after it. An annotation."""

    symbol: str


@dataclass(slots=True)
class LoadContext:
    """What the check of a field may read. ``sounds`` and ``functions`` are filled by the checks."""

    steps: frozenset[str]
    folder: Path
    """The folder of the file that is being read."""
    home: Path | None = None
    """The folder of the plan, when the file is one that it includes."""
    sounds: dict[str, AudioClip] = field(default_factory=dict)
    params: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Step to the names of what it must be given."""
    languages: tuple[str, ...] = ()
    """The languages of the plan."""
    universals: Mapping[str, Any] = field(default_factory=dict)
    """The plan's universals, known once the top of the plan was read."""
    understanding: UnderstandingLevel = "balanced"
    """How sure an answer must be, where a gather does not say."""
    hours: frozenset[str] = frozenset()
    functions: dict[str, Any] = field(default_factory=dict)
    """The functions of the plan's author that verbs name."""
    in_call: bool = False
    """The verbs are the answer to a request during a call: no file is read and no code is loaded for them."""

    @property
    def language(self) -> str:
        """The language in which its calls begin."""
        return self.languages[0] if self.languages else "en"


def refuse(message: str, rule: str = "schema") -> PydanticCustomError:
    """Return an error whose text is shown to the operator unchanged; ``rule`` is the rule that is broken."""
    return PydanticCustomError("plan", "{message}", {"message": message, "rule": rule})


def _duration(value: Any) -> float:
    seconds = _span(value)
    if seconds == 0:
        raise refuse(f"expected a duration longer than nothing and at most 1h, found {_found(value)}")
    return seconds


def _span(value: Any) -> float:
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif found is not None:
        seconds = float(found[1]) * _UNITS[found[2] or "s"]
    else:
        raise refuse(
            f"expected a duration such as 5s, 500ms or 1m (a bare number is seconds), found {_found(value)}"
        )
    if not 0 <= seconds <= MAX_DURATION_S:
        raise refuse(f"expected a duration of at most 1h, found {_found(value)}")
    return seconds


def _switch(value: Any) -> Any:
    named = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return named.get(value.strip().lower(), value) if isinstance(value, str) else value


def _hotword(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return ANSWERS if value.strip().lower() == "true" else ()
    return handler(value)


def _text(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise refuse("expected a text, found an empty one")
    return text


def _keys(value: str) -> str:
    keys = value.strip().upper()
    if not keys or any(key not in KEYS for key in keys):
        raise refuse(f"expected keys out of 0-9, * and # (A to D on some phones), found {quoted(value)}")
    if len(keys) > 32:
        raise refuse("expected at most 32 keys")
    return keys


def check_address(value: str) -> str:
    """Return ``value`` without the space around it. Refuses what cannot be called."""
    address = value.strip()
    if _ADDRESS.fullmatch(address) is None:
        raise refuse(
            f'expected an extension such as "101" or an address such as sip:101@pbx.example.org, '
            f"found {quoted(value)}"
        )
    return address


def _step(value: str, info: ValidationInfo) -> str:
    context = info.context
    if isinstance(context, LoadContext) and value not in context.steps:
        hint = did_you_mean(value, context.steps) or f"; the steps are {listed(sorted(context.steps))}"
        raise refuse(f"there is no step {quoted(value)}{hint}", "goto-nowhere")
    return value


def _hours(value: str, info: ValidationInfo) -> str:
    context = info.context
    if isinstance(context, LoadContext) and value not in context.hours:
        known = f"; there are {listed(sorted(context.hours))}" if context.hours else ""
        raise refuse(f"there are no hours {quoted(value)}{did_you_mean(value, context.hours) or known}")
    return value


def _sound(value: str, info: ValidationInfo) -> str:
    context = info.context
    if not isinstance(context, LoadContext):
        return value
    home = context.home or context.folder
    name = value if home == context.folder else os.path.relpath(context.folder / value, home)
    if name not in context.sounds:
        if context.in_call:
            raise refuse(f"the plan plays no file {quoted(name, 80)}; it plays {listed(context.sounds)}")
        context.sounds[name] = _read_sound(context.folder, value)
    return name


def _language(value: str) -> str:
    if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value) is None:
        raise refuse(f"expected a language such as en or fr-CA, found {quoted(value)}")
    return value


def known_language(value: str, info: ValidationInfo) -> str:
    """``value``, one of the plan's languages."""
    known = info.context.languages if isinstance(info.context, LoadContext) else ()
    if known and value not in known:
        raise refuse(f"{quoted(value)} is not one of the plan's languages ({listed(known)})")
    return value


def _variable(value: str) -> str:
    if NAME.fullmatch(value) is None:
        raise refuse(
            f"expected a name of letters, digits and _ that begins with a letter, found {quoted(value)}"
        )
    if value in RESERVED:
        raise refuse(f"{quoted(value)} cannot be set: it is the service's own; choose another name")
    return value


def parameters_of(step: str, given: tuple[str, ...], info: ValidationInfo) -> None:
    """Refuse what ``step`` does not take, and what it needs and was not ``given``."""
    context = info.context
    if not isinstance(context, LoadContext):
        return
    params = context.params.get(step, ())
    for name in given:
        if name not in params:
            takes = f"it takes {listed(params)}" if params else "it takes none"
            raise refuse(
                f"the step {quoted(step)} has no param {quoted(name)}; {takes}{did_you_mean(name, params)}"
            )
    missing = [name for name in params if name not in given]
    if missing:
        raise refuse(f"the step {quoted(step)} needs {listed(missing)} in 'with'")


def _read_sound(folder: Path, name: str) -> AudioClip:
    shown = quoted(name, 80)
    try:
        path = folder / name
        there = path.is_file()
        near = did_you_mean(name, _wavs(path.parent, folder)) if not there else ""
        data = path.read_bytes() if there and path.stat().st_size <= MAX_SOUND_BYTES else b""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise refuse(f"the file {shown} cannot be read: {reason}", "sound-missing") from None
    if not there:
        raise refuse(f"there is no file {shown} beside the plan{near}", "sound-missing")
    if not data:
        raise refuse(
            f"expected a WAV file of at most {MAX_SOUND_BYTES // 2**20} MiB, but {shown} is larger, or empty",
            "sound-format",
        )
    try:
        samples, rate = decode_wav(data)
    except WavError as error:
        message = f"expected a WAV file, but {shown} cannot be decoded: {error}"
        raise refuse(message, "sound-format") from None
    if not len(samples):
        raise refuse(f"the file {shown} has no sound in it", "sound-format")
    return AudioClip(samples.tobytes(), rate)


def _wavs(folder: Path, base: Path) -> list[str]:
    found = sorted(folder.glob("*.wav"))[:200]
    return [path.relative_to(base).as_posix() for path in found if path.is_relative_to(base)]


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else quoted(value)


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^{_DURATION.pattern}$"}),
    Unit("s"),
]
"""Seconds; written 5s, 500ms, 1m, 1h or a bare number of seconds; more than 0, at most one hour."""

Span = Annotated[
    float,
    BeforeValidator(_span),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^{_DURATION.pattern}$"}),
    Unit("s"),
]
"""A duration that may be zero: ``0s``."""

SWITCH_VALUES = [True, False, "true", "false", "yes", "no", "on", "off"]
Switch = Annotated[bool, BeforeValidator(_switch), WithJsonSchema({"enum": SWITCH_VALUES})]
"""true, yes or on; false, no or off."""

Text = Annotated[str, AfterValidator(_text)]
"""A text, runs of white space made one space."""

StepName = Annotated[str, AfterValidator(_step)]
"""The name of a step of this plan."""

HoursName = Annotated[str, AfterValidator(_hours)]
"""The name of one of the plan's ``hours``."""

SoundFile = Annotated[str, AfterValidator(_sound)]
"""A WAV file, relative to the file that names it; the value is relative to the plan."""

VariableName = Annotated[str, AfterValidator(_variable)]
"""The name of a variable."""

Keys = Annotated[str, AfterValidator(_keys)]
"""One or more telephone keys, capitals."""

Address = Annotated[str, AfterValidator(check_address)]
"""An address to call: a SIP or tel URI, ``user@host``, or an extension of the call's trunk."""

Language = Annotated[str, AfterValidator(_language)]
"""A language tag (RFC 5646): ``en``, ``fr-CA``."""

PlanLanguage = Annotated[str, AfterValidator(known_language)]
"""One of the plan's own."""

KeysList = Annotated[tuple[Keys, ...], OneOrMany(str)]
TextList = Annotated[tuple[Text, ...], OneOrMany(str)]
SoundFiles = Annotated[tuple[SoundFile, ...], OneOrMany(str, at_least_one=True)]
VariableNames = Annotated[tuple[VariableName, ...], OneOrMany(str)]

ANSWERS = ("",)
"""``hotword: true``. No plan can write this: a phrase is not empty."""
Hotword = Annotated[
    tuple[Text, ...], OneOrMany(str), WrapValidator(_hotword), AlsoWritten({"type": "boolean"})
]
"""Phrases; ``true`` is ``ANSWERS``, ``false`` none."""
