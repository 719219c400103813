"""What a ``Run`` knows of its plan: the settings that hold in all of it, and where the call is in it.

The steps themselves are above this folder: a step holds verbs, and a verb is run with a ``Run``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ivr.dialplan.values.hours import OpenHours
from ivr.dialplan.values.prompting import PromptOptions
from ivr.grammar.fusion import UnderstandingLevel
from ivr.session.types import AudioClip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """A plan without its steps."""

    name: str
    path: Path
    start: str
    """The step that a call begins with."""
    defaults: PromptOptions = field(default_factory=PromptOptions)
    """How a prompt yields to the caller where its verb does not say so."""
    sounds: Mapping[str, AudioClip] = field(default_factory=dict, repr=False)
    """Every sound file that a verb names, decoded when the plan was loaded."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """The variables that a call begins with."""
    languages: tuple[str, ...] = ("en",)
    """A call begins in the first."""
    names_languages: bool = False
    """The plan lists its languages; otherwise it uses the language of the service."""
    understanding: UnderstandingLevel = "balanced"
    """How sure an answer must be, where a gather does not say."""
    hours: Mapping[str, OpenHours] = field(default_factory=dict)


class Listener(Protocol):
    """A verb that takes the caller's input."""

    @property
    def has_sensitive_input(self) -> bool: ...


class Position(Protocol):
    """The position of a call in its plan. The runner moves it."""

    @property
    def place(self) -> tuple[str, int]:
        """The step, and the index in it of the verb that runs."""

    @property
    def step(self) -> str: ...

    @property
    def line(self) -> int:
        """The line of the file with the verb that runs."""

    def next_listener(self) -> Listener | None:
        """The verb that listens next whatever happens; None where that is not certain."""
