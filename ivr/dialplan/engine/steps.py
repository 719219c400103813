"""Reading a step: its node of the YAML tree to its verbs."""

from typing import Any

from pydantic import Field, ValidationError

from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.plan.verb import PlacedVerb, Step, Verb
from ivr.dialplan.source.document import Node
from ivr.dialplan.source.errors import Problem, did_you_mean, listed, quoted, rule_of
from ivr.dialplan.source.explain import explain, fields_of
from ivr.dialplan.values.fields import Fields, LoadContext, VariableNames


class StepFields(Fields):
    """The long form of a step: its parameters beside its verbs."""

    params: VariableNames = Field(
        default=(), description="a list of names that a call must give values in its with, such as [who]"
    )
    do: tuple[Any, ...] = Field(default=(), description="the step's verbs, a list")


def read_step(
    name: str, key: Node, node: Node, context: LoadContext, problems: list[Problem], file: str = ""
) -> Step:
    """Return a step with its correct verbs; mistakes go to ``problems``."""
    params: tuple[str, ...] = ()
    if node.kind == "map" and node.entries.keys() & {"params", "do"}:
        try:
            params = StepFields.model_validate(node.plain(), context=context).params
        except ValidationError as error:
            problems.extend(
                explain(detail, StepFields, node, f"the step {quoted(name)}", key)
                for detail in error.errors(include_url=False)
                if detail["loc"][:1] != ("do",)
            )
        key, node = node.entries.get("do", (key, Node("scalar", node.line, node.column)))
    placed: list[PlacedVerb] = []
    if node.kind != "list" or not node.items:
        found = "an empty list" if node.kind == "list" else node.describe()
        where = key if node.kind == "scalar" and node.text is None else node
        message = f"expected a list of verbs in the step {quoted(name)}, found {found}"
        problems.append(Problem(where.line, where.column, message))
    else:
        for item in node.items:
            verb = _verb(item, context, problems, file)
            if verb is not None:
                placed.append(verb)
    return Step(tuple(placed), params, key.line, key.column, file)


def _verb(item: Node, context: LoadContext, problems: list[Problem], file: str) -> PlacedVerb | None:
    named = _one_verb(item, problems)
    if named is None:
        return None
    key, value = named
    name = str(key.text)
    verb_class = all_verbs()[name]
    if value.kind == "map" and verb_class.mapping_field is not None:
        value = Node("map", value.line, value.column, entries={verb_class.mapping_field: (key, value)})
    if value.kind == "map":
        data = value.plain()
    elif value.kind == "scalar" and value.text is None and _needs_nothing(verb_class):
        data = {}
    elif verb_class.short_field is not None:
        data = {verb_class.short_field: value.plain()}
    else:
        fields = fields_of(verb_class)
        expected = f"a mapping of its fields ({listed(fields)})" if fields else "nothing after the colon"
        if verb_class.mapping_field is not None:
            expected = f"{verb_class.model_fields[verb_class.mapping_field].description}"
        message = f"{quoted(name)}: expected {expected}, found {value.describe()}"
        where = key if value.kind == "scalar" and value.text is None else value
        problems.append(Problem(where.line, where.column, message))
        return None
    for path, message in verb_class.cross_check(data, context.language):
        place = value.find(path)
        problems.append(Problem(place.line, place.column, message, rule=rule_of(message)))
    try:
        return PlacedVerb(verb_class.model_validate(data, context=context), key.line, key.column, file)
    except ValidationError as error:
        problems.extend(
            explain(detail, verb_class, value, name, key) for detail in error.errors(include_url=False)
        )
        return None


def _needs_nothing(verb: type[Verb]) -> bool:
    return verb.allows_no_fields and not any(field.is_required() for field in verb.model_fields.values())


def _one_verb(item: Node, problems: list[Problem]) -> tuple[Node, Node] | None:
    """Return the key and the value of a list item that names one verb; else report a mistake."""
    where, message = item, ""
    known = all_verbs()
    if item.kind != "map":
        hint = f"; write {quoted(str(item.text) + ':')}" if item.text in known else f" ({listed(known)})"
        message = f"expected a verb and a colon, found {item.describe()}{hint}"
    elif len(item.entries) != 1:
        verbs = [name for name in item.entries if name in known]
        hint = ""
        if len(verbs) > 1:
            where, hint = item.entries[verbs[1]][0], "; put a dash before the second"
        elif verbs:
            where = next(key for name, (key, _) in item.entries.items() if name not in known)
            hint = f"; if it is a field of {verbs[0]}, indent it further"
        found = " and ".join(quoted(name) for name in list(item.entries)[:4]) or "none"
        message = f"expected one verb in a list item, found {found}{hint}"
    else:
        ((name, (key, value)),) = item.entries.items()
        if name in known:
            return key, value
        hint = did_you_mean(name, known) or f"; the verbs are {listed(known)}"
        where, message = key, f"there is no verb {quoted(name)}{hint}"
    problems.append(Problem(where.line, where.column, message))
    return None
