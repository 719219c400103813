"""The fields of a ``NAME.test.yaml``: of the file, of a dialogue and of its turns."""

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ivr.dialplan.dialogue.stubs import ReplyStub, RequestStub, TransferStub
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.fields import (
    Address,
    Duration,
    Fields,
    Keys,
    SoundFile,
    Span,
    StepName,
    Text,
    refuse,
)

VERSION = "1"
CALLER = ("says", "presses", "plays", "silent", "interrupts", "hangs_up")
"""Turns of the caller; each is one of these."""
SERVICE = ("hears", "goes_to", "sets", "transferred_to", "hung_up")
"""Turns of the service; each is one or several of these."""


def _version(value: Any) -> Any:
    if value != VERSION:
        raise refuse(f"expected {VERSION}, the only version of the format, found {quoted(value)}")
    return 1


def _time(value: Any) -> Any:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise refuse(f"expected a time with its zone, such as 2026-03-30T09:00+02:00, found {quoted(value)}")
    return found


def _transfer(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return [{"to": to, **({"outcome": v} if isinstance(v, str) else v or {})} for to, v in value.items()]


class Says(Fields):
    """Words of the caller. A text alone is its ``text``."""

    text: Text = Field(description="what the caller says")
    confidence: float = Field(
        default=1.0, ge=0, le=1, description="the confidence of the recogniser, from 0 to 1 (in memory)"
    )
    lasts: Duration | None = Field(
        default=None, description="how long it takes to say, such as 2s; depends on the words when not given"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class Plays(Fields):
    """A sound file that is played as the caller. A name alone is its ``file``."""

    file: SoundFile = Field(description="a WAV file, relative to the test")
    text: str = Field(
        default="",
        description="what it says: the transcript of a call in memory. Nothing when not given",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value


class Interrupts(Fields):
    """The caller speaks or presses keys during a prompt."""

    after: Span = Field(
        default=0.5, description="how long after the beginning of the prompt heard last, such as 800ms"
    )
    says: Says | None = Field(default=None, description="what the caller says")
    presses: Keys | None = Field(default=None, description="the keys that the caller presses")

    @model_validator(mode="after")
    def _one(self) -> "Interrupts":
        if (self.says is None) == (self.presses is None):
            raise refuse("an interruption has either 'says' or 'presses'")
        return self


class Hears(Fields):
    """What the caller hears. A text alone must match exactly."""

    text: Text | None = Field(default=None, description="the whole text of a prompt")
    contains: Text | None = Field(default=None, description="a part of it; capitals do not matter")
    pattern: str | None = Field(default=None, description="a regular expression that is found in it")
    file: str | None = Field(default=None, description="a sound file as the plan names it")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise refuse(f"{quoted(value)} is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _one(self) -> "Hears":
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise refuse("expected one of text, contains, pattern and file")
        return self

    def fits(self, text: str, file: str) -> bool:
        """Return whether a prompt with this text or this sound file is what the caller must hear."""
        if self.file is not None:
            return self.file == file
        if self.text is not None:
            return self.text == text
        if self.contains is not None:
            return self.contains.casefold() in text.casefold()
        return re.search(str(self.pattern), text) is not None

    def shown(self) -> str:
        """Return it for messages."""
        if self.text is not None:
            return quoted(self.text, 200)
        name = next(name for name in type(self).model_fields if getattr(self, name) is not None)
        what = {"contains": "something with", "pattern": "something that fits", "file": "the file"}[name]
        return f"{what} {quoted(getattr(self, name), 200)}"


def _hears(value: Any) -> Any:
    if value == []:
        raise refuse("expected at least one text in here, found none")
    return value if isinstance(value, list) else [value]


class Turn(Fields):
    """One turn, of the caller (one field) or of the service (one or several, and ``within``)."""

    says: Says | None = Field(default=None, description="what the caller says, once the service listens")
    presses: Keys | None = Field(
        default=None, description="the keys that the caller presses, once the service listens"
    )
    plays: Plays | None = Field(default=None, description="a WAV file that is played as the caller")
    silent: Duration | None = Field(
        default=None, description="how long the caller is silent; until the service asks again when not given"
    )
    interrupts: Interrupts | None = Field(
        default=None,
        description="a mapping of after and says or presses: what the caller does during a prompt",
    )
    hangs_up: Literal[None] = Field(default=None, description="nothing: the caller hangs up")
    hears: Annotated[tuple[Hears, ...], BeforeValidator(_hears)] = Field(
        default=(),
        description="a text that is said; {contains: ...}, {pattern: ...} or {file: ...}; or a list of what "
        "is said one right after the other",
    )
    goes_to: StepName | None = Field(default=None, description="the step that the plan goes to")
    sets: dict[str, Any] = Field(default_factory=dict, description="a mapping of variables to their values")
    transferred_to: Address | None = Field(
        default=None, description="the target that the plan tries to transfer the caller to"
    )
    hung_up: Text | None = Field(
        default=None, description="the reason with which the plan ends; any when not given"
    )
    within: Duration | None = Field(
        default=None, description="how long until that begins, from the end of the turn before, such as 2s"
    )

    kinds: ClassVar[tuple[str, ...]] = (*CALLER, *SERVICE)

    @property
    def given(self) -> list[str]:
        """The fields of ``kinds`` that the file has."""
        return [name for name in self.kinds if name in self.model_fields_set]

    @property
    def callers(self) -> str | None:
        """The action of the caller; None in a turn of the service."""
        return next((name for name in self.given if name in CALLER), None)

    @model_validator(mode="after")
    def _of_one_side(self) -> "Turn":
        given = self.given
        if not given:
            raise refuse(f"a turn is one of {', '.join(self.kinds)}")
        if self.callers is not None and (len(given) > 1 or self.within is not None):
            other = next((name for name in [*given, "within"] if name != self.callers), "within")
            raise refuse(f"{quoted(self.callers)} is a turn of its own: put {quoted(other)} into the next")
        return self


class DialogueFields(Fields):
    """One dialogue."""

    name: Text = Field(description="what it shows, such as: A caller asks for the opening hours")
    from_: str = Field(default="", alias="from", description="who calls: a number or a name")
    to: str = Field(default="", description="the number that is called")
    headers: dict[str, str] = Field(default_factory=dict, description="a mapping of SIP headers to values")
    now: Annotated[datetime | None, BeforeValidator(_time)] = Field(
        default=None, description="when the call comes, with its zone, such as 2026-03-30T09:00+02:00"
    )
    requests: tuple[RequestStub, ...] = Field(
        default=(), description="a list of what back ends answer, each with method, url, status and json"
    )
    replies: tuple[ReplyStub, ...] = Field(
        default=(), description="a list of what the language model of an agent says, one after the other"
    )
    transfers: Annotated[tuple[TransferStub, ...], BeforeValidator(_transfer)] = Field(
        default=(), description="a mapping of targets of transfers to busy, noanswer, failed or transferred"
    )
    turns: tuple[Any, ...] = Field(min_length=1, description="a list of turns")


class Document(Fields):
    """The top of a ``NAME.test.yaml``."""

    test: Annotated[int, BeforeValidator(_version)] = Field(description="the version of the format: 1")
    plan: Text | None = Field(
        default=None, description="the plan's file; NAME.yaml beside NAME.test.yaml when not given"
    )
    dialogues: tuple[Any, ...] = Field(min_length=1, description="a list of dialogues")
