"""A plan that passed its checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.dialplan.verbs import Verb
from ivr.dialplan.verbs.speaking import Prompting
from ivr.session.types import AudioClip

APOLOGY = "Sorry, something went wrong on our side. Please call again later. Goodbye."
"""Said before the call is ended when a verb failed."""


@dataclass(frozen=True, slots=True)
class PlacedVerb:
    """A verb and the line of the file it stands on."""

    verb: Verb
    line: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Immutable; one plan serves any number of calls at once."""

    name: str
    path: Path
    start: str
    steps: Mapping[str, tuple[PlacedVerb, ...]]
    defaults: Prompting = field(default_factory=Prompting)
    """How its prompts yield to the caller, where a verb says nothing else."""
    sounds: Mapping[str, AudioClip] = field(default_factory=dict, repr=False)
    """Every sound file that a ``play`` names, decoded at load."""

    def prompts(self) -> list[str]:
        """Every text it may say that is known beforehand, each once: those of the first step first."""
        texts: dict[str, None] = {}
        for step in (self.start, *self.steps):
            for placed in self.steps[step]:
                texts.update(dict.fromkeys(placed.verb.prompts()))
        texts[APOLOGY] = None
        return list(texts)
