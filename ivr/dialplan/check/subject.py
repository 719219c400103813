"""What rules examine: a plan, its text, its graph, and what is known of the service."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.engine.loader import ReadPlan
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.plan.graph import Graph, Place
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb
from ivr.dialplan.source.document import Node, Path
from ivr.dialplan.source.sources import Source


@dataclass(frozen=True, slots=True)
class ServiceCapabilities:
    """What is known of the service that a plan is for. By default it has everything."""

    speech_in: bool = True
    """Whether a speech-to-text engine is configured and has what it needs."""
    speech_out: bool = True
    """Whether a text-to-speech engine is."""
    voices: frozenset[str] | None = None
    """The languages of the configured voices, such as ``en``; None for any, or where that is not known."""


class Subject:
    """One plan that is checked."""

    def __init__(self, read: ReadPlan, file: str, capabilities: ServiceCapabilities | None = None) -> None:
        """``file`` is the plan's name in messages."""
        self.plan: Plan = read.plan
        self.read, self.file = read, file
        self.capabilities = capabilities or ServiceCapabilities()
        self.graph = Graph(read.plan)

    @cached_property
    def verbs(self) -> dict[Place, PlacedVerb]:
        """The verbs by their places, in the plan's order."""
        return {
            (name, index): placed
            for name, step in self.plan.steps.items()
            for index, placed in enumerate(step.verbs)
        }

    @cached_property
    def reached(self) -> dict[Place, PlacedVerb]:
        """The verbs that some call can reach."""
        return {place: placed for place, placed in self.verbs.items() if place in self.graph.reached}

    # -- findings

    def at_verb(
        self, rule: Rule, place: Place, message: str, path: Path = (), *, remedy: str = "", key: bool = False
    ) -> Finding:
        """Return a finding at a verb, or at the field of it that ``path`` leads to in the long form; with
        ``key`` at the name of that field.
        """
        source, name, value = self._verb_node(place)
        node = name
        if path:
            node = _field(self.verbs[place].verb.name, value, path, name, key)
        return self._finding(rule, source, node, message, remedy, place)

    def at_step(self, rule: Rule, step: str, message: str, *, remedy: str = "") -> Finding:
        source, key, _ = self.read.steps[step]
        return self._finding(rule, source, key, message, remedy, (step, -1))

    def at_top(self, rule: Rule, message: str, path: Path, *, remedy: str = "", key: bool = True) -> Finding:
        """Return a finding at a field at the top of the plan."""
        source = self.read.sources[0]
        return self._finding(rule, source, source.root.find(path, key=key), message, remedy, ("", -1))

    def _finding(
        self, rule: Rule, source: Source, node: Node, message: str, remedy: str, place: Place
    ) -> Finding:
        lines = self._lines[source.shown]
        return Finding(
            file=source.shown or self.file,
            line=node.line,
            column=node.column,
            rule=rule.id,
            message=message,
            severity=rule.severity,
            remedy=remedy or rule.remedy,
            source=lines[node.line - 1] if node.line <= len(lines) else "",
            step=place[0],
            index=place[1],
        )

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        return {source.shown: lines_of(source.text) for source in self.read.sources}

    def _verb_node(self, place: Place) -> tuple[Source, Node, Node]:
        """Return the file of a verb, the node of its name and that of its value."""
        source, _, step = self.read.steps[place[0]]
        if step.kind == "map":
            step = step.entries["do"][1]
        ((key, value),) = step.items[place[1]].entries.values()
        return source, key, value


def lines_of(text: str) -> list[str]:
    """Return the lines as YAML counts them: ``str.splitlines`` knows more line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _field(verb: str, value: Node, path: Path, name: Node, key: bool) -> Node:
    verb_class = all_verbs()[verb]
    inner = verb_class.mapping_field if verb_class.mapping_field is not None else verb_class.short_field
    if value.kind == "scalar" and value.text is None:
        return name
    if (verb_class.mapping_field is not None or value.kind != "map") and path[0] == inner:
        path = path[1:]
    return value.find(path, key=key)


def values_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Return every value inside a verb that is neither a list, a mapping nor a model, with the path to it by
    the names that a plan has for the fields.
    """
    if isinstance(value, BaseModel):
        for field, info in type(value).model_fields.items():
            yield from values_in(getattr(value, field), (*path, info.alias or field))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from values_in(item, (*path, name))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from values_in(item, (*path, at))
    elif value is not None:
        yield path, value
