"""Makes ``dialplans/README.md``: the prose of this folder, with tables from the models and rules.

The line ``<!-- fields: NAME -->`` is replaced by the table of a model's fields, ``<!-- verbs -->`` by a
section for every verb, ``<!-- rules -->`` by one for every rule of ``ivr check``, and ``<!-- expressions
-->`` by the functions of expressions.
"""

import inspect
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ivr.dialplan.check.checker import RULES
from ivr.dialplan.engine.loader import Document, Library
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.engine.steps import StepFields
from ivr.dialplan.plan.routes import Route
from ivr.dialplan.plan.verb import SpeakingVerb, Verb
from ivr.dialplan.source.explain import fields_of
from ivr.dialplan.values.expressions import FILTERS, METHODS, TESTS
from ivr.dialplan.values.fields import Unit
from ivr.dialplan.values.hours import Calendar
from ivr.dialplan.values.prompting import PromptOptions

HERE = Path(__file__).parent
FILE = "README.md"
MODELS: dict[str, type[BaseModel]] = {
    "plan": Document,
    "library": Library,
    "step": StepFields,
    "hours": Calendar,
    "route": Route,
}
_PLACE = re.compile(r"^<!-- (\w+)(?:: (\w+))? -->$", re.MULTILINE)


def page() -> str:
    """Return the whole page, in Markdown."""
    prose = (HERE / "_page.md").read_text(encoding="utf-8")
    return _PLACE.sub(lambda found: "\n".join(_made(found[1], found[2])).rstrip("\n"), prose)


def _made(what: str, name: str | None) -> Iterator[str]:
    match what:
        case "fields" if name in MODELS:
            yield from _fields(MODELS[name])
        case "verbs":
            yield from _verbs()
        case "rules":
            yield from _rules()
        case "expressions":
            for title, names in (("filters", FILTERS), ("tests", TESTS), ("methods", METHODS)):
                listing = ", ".join(f"`{name}`" for name in sorted(names))
                yield from textwrap.wrap(f"- {title}: {listing}", 110, subsequent_indent="  ")
        case _:
            raise ValueError(f"_page.md: there is no part called {what} {name or ''}")


# -- verbs


def _verbs() -> Iterator[str]:
    yield "| verb | short form | what it does |"
    yield "|---|---|---|"
    for name, verb in all_verbs().items():
        yield f"| [`{name}`](#{name}) | {_short(verb)} | {_sentence(verb)} |"
    for name, verb in all_verbs().items():
        yield from ("", f"### {name}", "")
        yield from _prose(inspect.cleandoc(verb.__doc__ or ""))
        own = {field: info for field, info in _own_fields(verb).items() if field != "on_error"}
        if own:
            yield from ("", *_table(own))
        yield from _inner_tables(own)
        if issubclass(verb, SpeakingVerb):
            yield from ("", "It also has the fields of [barge-in](#barge-in), and `on_error`.")
        elif own:
            yield from ("", "It also has `on_error`.") if verb.mapping_field is None else ()
        for title, listed in (("Events", verb.events), ("Errors, for `on_error`", verb.errors)):
            if listed:
                yield from ("", f"{title}:", "", *(f"- `{event}`: {text}" for event, text in listed.items()))
        extra = HERE / f"{name}.md"
        if extra.is_file():
            yield from ("", extra.read_text(encoding="utf-8").strip("\n"))


def _short(verb: type[Verb]) -> str:
    if verb.mapping_field is not None:
        return f"`{verb.name}: {{…}}`, its `{verb.mapping_field}`"
    needs = not verb.allows_no_fields or any(info.is_required() for info in verb.model_fields.values())
    if verb.short_field is None:
        return "" if needs else f"`{verb.name}:`"
    return f"`{verb.name}: …`, its `{verb.short_field}`" + ("" if needs else f"; `{verb.name}:`")


def _sentence(verb: type[Verb]) -> str:
    text = " ".join(inspect.cleandoc(verb.__doc__ or "").replace("``", "`").split())
    return re.split(r"(?<=[.:]) ", text, maxsplit=1)[0].rstrip(":.")


def _own_fields(verb: type[Verb]) -> dict[str, FieldInfo]:
    """Return the verb's fields without those of every prompt; one of these that it describes itself stays."""
    shared = PromptOptions.model_fields if issubclass(verb, SpeakingVerb) else {}
    return {
        name: info
        for name, info in fields_of(verb).items()
        if name not in shared or info.description != shared[name].description
    }


def _inner_tables(fields: dict[str, FieldInfo], above: str = "") -> Iterator[str]:
    """Return the tables of mappings inside the fields, and of mappings inside those. Verbs have their own
    tables.
    """
    for names, model in _inner(fields):
        if not issubclass(model, Verb):
            yield from ("", f"{names}{above}:", "", *_table(fields_of(model)))
            yield from _inner_tables(fields_of(model), f" of {names}{above}")


def _inner(fields: dict[str, FieldInfo]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Return the models inside the fields, each once: (the names of the fields, the model)."""
    holders: dict[type[BaseModel], list[str]] = {}
    for name, info in fields.items():
        for model in _models(info.annotation):
            holders.setdefault(model, []).append(name)
    for model, names in holders.items():
        yield ", ".join(f"`{name}`" for name in names), model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _models(inner)


# -- tables


def _fields(model: type[BaseModel]) -> Iterator[str]:
    fields = fields_of(model)
    yield from _table(fields)


def _table(fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield "| field | what it is | default |"
    yield "|---|---|---|"
    for name, info in fields.items():
        meaning = (info.description or "").replace("|", "\\|")
        yield f"| `{name}` | {meaning} | {_default(info)} |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is PydanticUndefined or value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    unit = next((item.symbol for item in info.metadata if isinstance(item, Unit)), "")
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}{unit}" if isinstance(value, float) else str(value)


# -- rules


def _rules() -> Iterator[str]:
    yield "| rule | finds | severity |"
    yield "|---|---|---|"
    for rule in RULES.values():
        yield f"| [`{rule.id}`](#{rule.id}) | {rule.title} | {rule.severity} |"
    for rule in RULES.values():
        yield from ("", f"#### {rule.id}", "")
        kind = "An error" if rule.severity == "error" else "A warning"
        silence = "It cannot be silenced. " if rule.in_schema or rule.id.startswith("ignore-") else ""
        yield from _prose(f"{kind}: {rule.title}. {rule.why}")
        yield from ("", *_prose(f"{silence}Remedy: {rule.remedy}."))


def _prose(text: str) -> Iterator[str]:
    for at, paragraph in enumerate(text.split("\n\n")):
        if at:
            yield ""
        flat = " ".join(paragraph.replace("``", "`").split())
        yield from textwrap.wrap(flat, 118, break_long_words=False, break_on_hyphens=False)
