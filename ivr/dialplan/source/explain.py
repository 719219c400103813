"""A pydantic error as a place in the file and a sentence for the plan's author."""

import inspect
import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ivr.dialplan.source.document import Node
from ivr.dialplan.source.errors import Problem, did_you_mean, listed, quoted

Location = tuple[str | int, ...]


def explain(detail: ErrorDetails, model: type[BaseModel], node: Node, what: str, owner: Node) -> Problem:
    """``detail`` came from validating ``node`` as ``model``; ``owner`` is blamed for a field that is missing.

    ``what`` is the verb (or "plan"), for the sentence.
    """
    location: Location = detail["loc"]
    kind = detail["type"]
    # A key that is not allowed has its own name before this.
    names = [part for part in location if isinstance(part, str) and part != "[key]"]
    if kind == "extra_forbidden":
        place = node.find(location, key=True)
        fields = list(_fields_at(model, location[:-1]))
        inside = names[-2] if len(names) > 1 else what
        hint = did_you_mean(names[-1], fields)
        expected = f"expected {listed(fields)}" if fields else "it takes no fields"
        return _at(place, f"{quoted(names[-1])} is not a field of {inside}; {expected}{hint}")
    if kind == "missing":
        place = owner if len(location) == 1 else node.find(location[:-1], key=True)
        inside = names[-2] if len(names) > 1 else what
        field = _fields_at(model, location[:-1]).get(str(location[-1]))
        meaning = f": {field.description}" if field is not None and field.description else ""
        return _at(place, f"{inside} needs {quoted(names[-1])}{meaning}")
    short_form = node.kind != "map"
    label = what if short_form or not names else names[-1]
    # In a list the whole list's name is the label, its item the place.
    place = node.find(location)
    message = f"{quoted(label)}: {_sentence(detail, model, location, node)}"
    return Problem(place.line, place.column, message, rule=str(detail.get("ctx", {}).get("rule", "schema")))


def _at(node: Node, message: str) -> Problem:
    return Problem(node.line, node.column, message)


def _sentence(detail: ErrorDetails, model: type[BaseModel], location: Location, node: Node) -> str:
    kind = detail["type"]
    context: dict[str, Any] = detail.get("ctx", {})
    place = node.find(location)
    # A short form, such as a bare text for the one field of a mapping, is not where its long form would be.
    short = place.kind == "map" and isinstance(detail["input"], str)
    nothing = detail["input"] is None and place.kind != "scalar"
    found = "nothing" if nothing else quoted(detail["input"]) if short else place.describe()
    if kind == "plan":
        return str(context["message"])
    if kind == "literal_error":
        allowed = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ",").split(",")]
        hint = did_you_mean(str(detail["input"]), allowed)
        return f"expected one of {listed(allowed)}, found {found}{hint}"
    if kind.startswith("int_"):
        return f"expected a whole number, found {found}"
    if kind == "greater_than_equal":
        return f"expected {context['ge']} or more, found {found}"
    if kind == "less_than_equal":
        return f"expected {context['le']} or less, found {found}"
    if kind == "too_short":
        return "expected at least one in here, found none"
    field = _field_at(model, location)
    if field is not None and field.description:
        return f"expected {field.description}, found {found}"
    if kind in ("model_type", "dict_type"):
        fields = list(_fields_at(model, location))
        return f"expected a mapping{f' of {listed(fields)}' if fields else ''}, found {found}"
    return f"expected {'a text' if kind == 'string_type' else 'something else'}, found {found}"


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """The field that ``location`` is, or is an item of."""
    while location and isinstance(location[-1], int):
        location = location[:-1]
    return _fields_at(model, location[:-1]).get(str(location[-1])) if location else None


def _fields_at(model: type[BaseModel], location: Location) -> dict[str, FieldInfo]:
    """The fields of the model at ``location``; empty where there is none."""
    annotation: Any = model
    for part in location:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = fields_of(annotation).get(str(part))
            annotation = field.annotation if field is not None else None
        else:
            # A mapping or a list of models: what its values are.
            annotation = next((arg for arg in reversed(typing.get_args(annotation)) if arg is not ...), None)
        annotation = _without_none(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return fields_of(annotation)
    return {}


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Its fields by the names that a plan has for them: its own, then those that it shares with others."""
    declaring = (inspect.get_annotations(each) for each in model.__mro__)
    own = next((names for names in declaring if names.keys() & model.model_fields.keys()), {})
    names = [*own, *model.model_fields]
    fields = {name: model.model_fields[name] for name in dict.fromkeys(names) if name in model.model_fields}
    return {field.alias or name: field for name, field in fields.items()}


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return next((arg for arg in typing.get_args(annotation) if arg is not type(None)), None)
    return annotation
