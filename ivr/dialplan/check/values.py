"""Variables that are read where some path has not set them, and sensitive ones that others can see."""

from collections.abc import Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.flow import ERROR, VariableFlow
from ivr.dialplan.check.subject import Subject, values_in
from ivr.dialplan.plan.graph import Place
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import did_you_mean, quoted

UNKNOWN_VARIABLE = Rule(
    "unknown-variable",
    "error",
    "a variable that nothing sets",
    "No verb, no param and none of the plan's `variables` has that name, so the verb fails for every caller. "
    "There is one finding for each name, with the lines of all verbs that read it.",
    "set it before, or correct the name",
)
UNSET_VARIABLE = Rule(
    "unset-variable",
    "error",
    "a variable that is read where some path has not set it",
    "A call can come to the verb by a path on which the variable has no value, and then the verb fails. "
    "The rule follows gotos, choices, subroutines and their params, on_error and on_hangup (where only the "
    "plan's `variables` are certain). It understands `name | default(0)`, `name is defined` and a branch on "
    "it. `error` has a value where an on_error led, not where a route such as `failed` did. The finding is "
    "at the first verb on the path that reads the variable.",
    'give it a first value under `variables`, or read it as `name | default("")`',
)
SENSITIVE_SHOWN = Rule(
    "sensitive-shown",
    "error",
    "a sensitive value in a log, a tag, a URL, a hangup's reason or a model's instructions",
    "A value that was gathered as `sensitive`, or worked out from one, would be seen by people and systems "
    "that it is not meant for. The service hides it in its own logs and records all the same, but it cannot "
    "hide a URL.",
    "leave it out; send it to a back end in the body of the request",
)
RULES = (UNKNOWN_VARIABLE, UNSET_VARIABLE, SENSITIVE_SHOWN)

KNOWN = frozenset({"call", "now", "hours", "language"})
"""Names that the service gives every call; they always have a value."""


def check(subject: Subject) -> Iterator[Finding]:
    yield from _unset(subject)
    yield from _shown(subject)


def _unset(subject: Subject) -> Iterator[Finding]:
    flow = VariableFlow(subject)
    unknown: dict[str, list[tuple[Place, Path]]] = {}
    for place, placed in subject.reached.items():
        needed = frozenset(placed.verb.requires()) & frozenset(placed.verb.reads()) - KNOWN
        if not needed:
            continue
        for name in sorted(needed - flow.certain(place)):
            path, _ = _reader(placed.verb, name)
            if name == ERROR:
                message = "'error' has no value on some path to this verb; only an on_error gives it one"
                remedy = "lead here only by on_error, or ask first: error.event if error is defined else ''"
                yield subject.at_verb(UNSET_VARIABLE, place, message, path, remedy=remedy)
            elif name not in flow.bits:
                unknown.setdefault(name, []).append((place, path))
            else:
                way = flow.without(name, place)
                by = f", such as that through {', '.join(map(quoted, way))}" if len(way) > 1 else ""
                message = f"the variable {quoted(name)} has no value on some path to this verb{by}"
                yield subject.at_verb(UNSET_VARIABLE, place, message, path)
    for name, readers in unknown.items():
        yield _unknown(subject, flow, name, readers)


def _unknown(subject: Subject, flow: VariableFlow, name: str, readers: list[tuple[Place, Path]]) -> Finding:
    """Report an unknown variable at the first verb that reads it, with the lines of the others."""
    (place, path), *others = readers
    hint = did_you_mean(name, [*flow.bits, *KNOWN])
    lines = sorted({subject.verbs[other].line for other, _ in others} - {subject.verbs[place].line})
    also = f", which is also read on line {', '.join(map(str, lines))}" if lines else ""
    _, value = _reader(subject.verbs[place].verb, name)
    remedy = ""
    if getattr(value, "source", None) == name and path[:1] == ("values",):
        written = f"\"'{name}'\""
        remedy = (
            f"for the text {name} write {written}, with quotes in the quotes; for a variable, set it before"
        )
    message = f"nothing sets the variable {quoted(name)}{also}{hint}"
    return subject.at_verb(UNKNOWN_VARIABLE, place, message, path, remedy=remedy)


def _reader(verb: object, name: str) -> tuple[Path, object]:
    """Return the path and the value of the field that reads a variable."""
    for path, value in values_in(verb):
        if name in getattr(value, "needed", ()):
            return path, value
    return (), None


def _shown(subject: Subject) -> Iterator[Finding]:
    tainted = {name for placed in subject.verbs.values() for name in placed.verb.sets_sensitive()}
    if not tainted:
        return
    copies = [
        (name, frozenset(getattr(value, "names", ())))
        for placed in subject.verbs.values()
        # What a verb keeps under a name, and the params of a subroutine.
        for field, kept in (("values", set(placed.verb.sets())), ("with_", None))
        if kept is not None or any(placed.verb.subroutines())
        for name, value in (getattr(placed.verb, field, None) or {}).items()
        if kept is None or name in kept
    ]
    while True:
        more = {name for name, reads in copies if reads & tainted and name not in tainted}
        if not more:
            break
        tainted |= more
    for place, placed in subject.verbs.items():
        for field, reads in placed.verb.exposes():
            found = sorted(reads & tainted)
            if found:
                where = {"tag": "the call's record", "log": "the log"}.get(placed.verb.name, f"{field!r}")
                message = f"the sensitive value {quoted(found[0])} would be seen in {where}"
                yield subject.at_verb(SENSITIVE_SHOWN, place, message, tuple(field.split(".")))
