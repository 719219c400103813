"""A plan that passed its checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.dialplan.plan.hours import OpenHours
from ivr.dialplan.plan.routes import Route
from ivr.dialplan.plan.speaking import Prompting
from ivr.dialplan.plan.universals import Universal
from ivr.dialplan.verbs import Verb
from ivr.session.types import AudioClip

APOLOGY = "Sorry, something went wrong on our side. Please call again later. Goodbye."
"""Said before the call is ended when a verb failed and nobody can be reached."""
APOLOGY_OPERATOR = "Sorry, something went wrong on our side. I will connect you to somebody."
"""Said before the call goes to the plan's operator."""


@dataclass(frozen=True, slots=True)
class PlacedVerb:
    """A verb and the place in the file it stands at."""

    verb: Verb
    line: int
    column: int = 1
    file: str = ""
    """Empty: the plan's own."""


@dataclass(frozen=True, slots=True)
class Step:
    """Verbs under a name. ``params`` are what it must be given where it is entered with ``call``."""

    verbs: tuple[PlacedVerb, ...]
    params: tuple[str, ...] = ()
    line: int = 1
    column: int = 1
    file: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Immutable; one plan serves any number of calls at once."""

    name: str
    path: Path
    start: str
    steps: Mapping[str, Step]
    defaults: Prompting = field(default_factory=Prompting)
    """How its prompts yield to the caller, where a verb says nothing else."""
    sounds: Mapping[str, AudioClip] = field(default_factory=dict, repr=False)
    """Every sound file that a ``play`` names, decoded at load."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """What a call begins with."""
    languages: tuple[str, ...] = ("en",)
    """The first is what a call begins in."""
    names_languages: bool = False
    """They are written in the plan; else it is spoken in whatever the service speaks."""
    hours: Mapping[str, OpenHours] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    """The calls that it takes."""
    universals: Mapping[str, Universal] = field(default_factory=dict)
    """What holds in every gather and agent that does not turn them off."""
    on_error: str | None = None
    on_hangup: str | None = None
    operator: str | None = None
    """Whom a caller is put through to when something of ours failed."""
    files: tuple[Path, ...] = ()
    """What it was read from: its own file, then those it includes."""
    hash: str = ""
    """Of its text and that of what it includes; the same text, the same hash."""

    @property
    def answers_late(self) -> bool:
        """It may refuse a call: it is picked up at the first verb that needs sound, not before the first."""
        return any(placed.verb.name == "reject" for step in self.steps.values() for placed in step.verbs)

    @property
    def asks_in_private(self) -> bool:
        """It asks for something that is never to be written down."""
        return any(asks_in_private(placed.verb) for step in self.steps.values() for placed in step.verbs)

    def prompts(self) -> list[str]:
        """Every text it may say that is known beforehand, each once: those of the first step first."""
        texts: dict[str, None] = {}
        for step in (self.start, *self.steps):
            for placed in self.steps[step].verbs:
                texts.update(dict.fromkeys(placed.verb.prompts()))
        texts[APOLOGY if self.operator is None else APOLOGY_OPERATOR] = None
        return list(texts)


def asks_in_private(verb: Verb) -> bool:
    """It, or what it may do itself, asks for something that is never to be written down."""
    return verb.keeps_private or any(map(asks_in_private, verb.inner()))
