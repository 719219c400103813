"""What a recording tells of the plan that ran: how prompts yielded, what was expected of the caller."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ivr.dialplan.expecting import expectation
from ivr.service.layers import Source
from ivr.session.decisions import Decision
from ivr.session.options import BargeInOptions, Expectation, ExpectedKind
from ivr.session.presets import DEFAULT, Preset, preset

_OPTIONS = TypeAdapter(BargeInOptions)
_CHOICES = TypeAdapter(dict[str, tuple[tuple[str, ...], tuple[str, ...]]])
_KIND: TypeAdapter[ExpectedKind] = TypeAdapter(ExpectedKind)


def prompt_options(act: Decision, service: Mapping[str, Any], now: BargeInOptions) -> BargeInOptions:
    """Those of a prompt (a ``say_started``) in a replay in which ``session.barge_in`` is ``now``: what its
    plan or its verb had set stays, the rest follows the settings. ``service``: what ``session.barge_in`` was.

    Raises ValueError for what no session writes.
    """
    was = _barge_in(service)
    recorded = _known(act.details.get("options") or {})
    options = _barge_in(recorded)
    own = {name: getattr(options, name) for name in recorded if getattr(options, name) != getattr(was, name)}
    return dataclasses.replace(now, **own)


def expected(act: Decision) -> Expectation:
    """That of an ``expect``. Raises ValueError for what no session writes."""
    try:
        kind = _KIND.validate_python(act.details.get("kind") or "free")
        choices = _CHOICES.validate_python(act.details.get("choices") or {})
    except ValidationError as error:
        raise ValueError(f"kind or choices cannot be: {_first(error)}") from None
    return dataclasses.replace(expectation(choices), kind=kind) if choices else Expectation(kind=kind)


def preset_over(name: str, options: Mapping[str, Any]) -> Source:
    """The preset ``name`` for a call that ran with ``options``: what these owe to their own preset is as in
    the new one; what was set beside it stays. Raises ValueError for an unknown name.
    """
    new = _tables(preset(name))
    old = _tables(preset(options.get("session", {}).get("preset", DEFAULT)))
    values: dict[str, Any] = {}
    for table, changed in new.items():
        recorded: Any = options
        target = values
        for part in table.split("."):
            recorded = recorded.get(part, {})
            target = target.setdefault(part, {})
        for option, value in changed.items():
            was = old[table][option]
            if value != was and recorded.get(option, was) == was:
                target[option] = value
    return Source(values, lambda _: f"preset {name}")


def _tables(chosen: Preset) -> dict[str, dict[str, Any]]:
    """All it says, by the tables of the settings."""
    parts = ("endpointing", "barge_in", "turn")
    session = {f"session.{part}": dataclasses.asdict(getattr(chosen.config, part)) for part in parts}
    return {"vad": dataclasses.asdict(chosen.detector), **session}


def _barge_in(options: Mapping[str, Any]) -> BargeInOptions:
    try:
        return _OPTIONS.validate_python(_known(options))
    except ValidationError as error:
        raise ValueError(f"options cannot be: {_first(error)}") from None


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    names = {option.name for option in dataclasses.fields(BargeInOptions)}
    return {name: value for name, value in options.items() if name in names}


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
