"""A plan that was loaded and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.dialplan.plan.routes import Route
from ivr.dialplan.plan.universals import Universal
from ivr.dialplan.plan.verb import Step, Verb
from ivr.dialplan.runtime.plan_view import PlanSettings
from ivr.grammar.languages import registry

APOLOGY = "Sorry, something went wrong on our side. Please call again later. Goodbye."
"""Said before the call is ended when a verb failed and nobody can be reached."""
APOLOGY_OPERATOR = "Sorry, something went wrong on our side. I will connect you to somebody."
"""Said before the call goes to the plan's operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PlanSettings):
    """A checked plan. Immutable; it serves any number of calls at once."""

    steps: Mapping[str, Step]
    routes: tuple[Route, ...] = ()
    """The calls that it takes."""
    universals: Mapping[str, Universal] = field(default_factory=dict)
    """What holds in every gather and agent that does not turn them off."""
    on_error: str | None = None
    on_hangup: str | None = None
    operator: str | None = None
    """The address of the person that a caller is put through to when something of ours failed."""
    files: tuple[Path, ...] = ()
    """What it was read from: its own file, then those it includes."""
    hash: str = ""
    """Hash of its text and of the files it includes."""

    @property
    def answers_late(self) -> bool:
        """Whether it may reject a call: then the call is answered at the first verb that needs sound."""
        return any(placed.verb.name == "reject" for step in self.steps.values() for placed in step.verbs)

    @property
    def has_sensitive_input(self) -> bool:
        """Whether it asks for something sensitive."""
        return any(has_sensitive_input(placed.verb) for step in self.steps.values() for placed in step.verbs)

    def prompts(self) -> list[str]:
        """Return every text that is known before a call, each once, those of the first step first."""
        texts: dict[str, None] = {}
        for step in (self.start, *self.steps):
            for placed in self.steps[step].verbs:
                texts.update(dict.fromkeys(placed.verb.prompts()))
        texts[APOLOGY if self.operator is None else APOLOGY_OPERATOR] = None
        for language in self.languages:
            texts.update(dict.fromkeys(texts_for_faults(language)))
        return list(texts)


def texts_for_faults(language: str) -> list[str]:
    """Return what is said while an engine is slow or fails: it must be made before that."""
    return [registry.text("one_moment", language), registry.text("voice_failed", language)]


def has_sensitive_input(verb: Verb) -> bool:
    """Whether the verb, or a verb inside it, asks for something sensitive."""
    return verb.has_sensitive_input or any(map(has_sensitive_input, verb.inner_verbs()))
