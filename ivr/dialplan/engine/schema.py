"""The language as JSON Schema (draft 2020-12), made of the verbs' models: for editors, which complete and
check by it while a plan is written.

What the loader accepts the schema accepts; it knows nothing of names (steps, variables, files). A plan's
scalars are texts to the loader, so a number or a boolean may be written wherever a text may.
"""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ivr.dialplan.engine.loader import Document, Library
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.engine.steps import StepFields
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import SWITCH_VALUES

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FILE = "plan.schema.json"
"""The schema's file, beside the example plans that name it: ``# yaml-language-server: $schema=…``."""

_SCALAR = ["string", "number", "boolean"]


def plan_schema() -> dict[str, Any]:
    """Return the schema of a plan and of a file that plans include."""
    unique: list[type[BaseModel]] = [Document, Library, StepFields, *all_verbs().values()]
    made, defs = models_json_schema(
        [(model, "validation") for model in unique],
        ref_template="#/$defs/{model}",
    )
    definitions: dict[str, Any] = {name: _tidy(schema) for name, schema in defs["$defs"].items()}
    refs = {model: made[model, "validation"] for model in unique}

    def definition(model: type[BaseModel]) -> dict[str, Any]:
        found: dict[str, Any] = definitions[refs[model]["$ref"].rpartition("/")[2]]
        return found

    for model in (Document, Library):
        definition(model)["properties"]["steps"]["additionalProperties"] = {"$ref": "#/$defs/step"}
    definition(StepFields)["properties"]["do"] = {"$ref": "#/$defs/verbs"}
    verbs = {name: _verb(verb, refs[verb], definition(verb)) for name, verb in all_verbs().items()}
    # A verb inside of another, such as an agent's tool, has its short form too.
    inner = {refs[verb]["$ref"]: f"#/$defs/verb/properties/{name}" for name, verb in all_verbs().items()}
    definitions = {name: _pointed(schema, inner) for name, schema in definitions.items()}
    definitions |= {
        "step": {"anyOf": [{"$ref": "#/$defs/verbs"}, refs[StepFields]]},
        "verbs": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/verb"}},
        "verb": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": verbs,
        },
    }
    top = {
        "$schema": DRAFT,
        "title": "Dialplan",
        "description": "A plan of the telephone service, or a file that plans include.",
        "type": "object",
        "if": {"required": ["library"]},
        "then": refs[Library],
        "else": refs[Document],
    }
    return top | {"$defs": {name: definitions[name] for name in sorted(_used(top, definitions))}}


def schema_text() -> str:
    """Return the schema as it is in ``FILE``."""
    return json.dumps(plan_schema(), indent=1, ensure_ascii=False) + "\n"


def _verb(verb: type[Verb], ref: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what may follow a verb's colon."""
    fields = definition["properties"]
    description = " ".join((verb.__doc__ or "").split())
    if verb.mapping_field is not None:
        return {**fields[verb.mapping_field], "description": description}
    forms: list[dict[str, Any]] = [ref]
    if verb.short_field is not None:
        short = {key: value for key, value in fields[verb.short_field].items() if key != "default"}
        forms.append(_no_mapping(short))  # a mapping is always the long form
    if verb.allows_no_fields and not definition.get("required"):
        forms.append({"type": "null"})
    return {"description": description, "anyOf": forms}


def _no_mapping(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` without what it lets a mapping be, at its top."""
    if "anyOf" not in schema:
        return schema
    forms = [_no_mapping(form) for form in schema["anyOf"] if form.get("type") != "object"]
    return schema | {"anyOf": forms}


def _pointed(schema: Any, targets: dict[str, str]) -> Any:
    """``schema`` with other targets of its references."""
    if isinstance(schema, list):
        return [_pointed(item, targets) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: targets.get(value, value) if key == "$ref" else _pointed(value, targets)
        for key, value in schema.items()
    }


def _used(top: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The names of the definitions that ``top`` leads to."""
    todo: list[Any] = [top]
    used: set[str] = set()
    while todo:
        match todo.pop():
            case {"$ref": str(ref), **rest}:
                name = ref.split("/")[2]
                todo.append(rest)
                if name not in used:
                    used.add(name)
                    todo.append(definitions[name])
            case dict(inner):
                todo.extend(inner.values())
            case list(items):
                todo.extend(items)
    return used


def _tidy(schema: Any) -> Any:
    """Remove titles and defaults of nothing, and keep every scalar that the loader takes for a text."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "default":
            if value not in (None, {}, []):
                tidy[key] = value
        elif key in ("properties", "$defs"):  # names of the plan's fields, not of the schema's
            tidy[key] = {name: _tidy(item) for name, item in value.items()}
        elif key in ("required", "enum", "const"):
            tidy[key] = value
        elif key == "description":
            tidy[key] = " ".join(value.split())
        else:
            tidy[key] = _tidy(value)
    match tidy.get("type"):
        case "string" if "enum" not in tidy and "const" not in tidy:
            tidy["type"] = _SCALAR
        case "integer" | "number" as kind:
            tidy["type"] = [kind, "string"]
        case "boolean":
            return {**{key: value for key, value in tidy.items() if key != "type"}, "enum": SWITCH_VALUES}
    return tidy
