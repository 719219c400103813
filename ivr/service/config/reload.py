"""What changed in the settings, and whether a running service takes it up or needs a restart."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import structlog

from ivr.service.config.options import EngineOptions
from ivr.service.config.settings import Settings

log: Any = structlog.get_logger("ivr.settings")

NEW_CALLS = (
    "plans",
    "session",
    "sip.ring_s",
    "sip.drain_s",
    "log.level",
    "http",
    "mail",
    "agent",
    "files",
)
"""The settings, and whole tables of them, of which a change is in force for the next call."""

ReadSettings = Callable[[], Settings]
"""Reads the settings as the start of the service did. Raises SettingsError."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What changed between two settings, by full names."""

    settings: Settings
    """The old settings with those new values that are in force for the next call."""
    applied: tuple[str, ...]
    """The settings whose change is in force for the next call."""
    needs_restart: tuple[str, ...]
    """The settings whose change needs a restart."""

    def report(self) -> None:
        """Log what changed, by the names of the settings; their values may be secret."""
        if self.applied:
            log.info("settings_reloaded", settings=self.applied)
        if self.needs_restart:
            log.warning(
                "settings_need_restart",
                settings=self.needs_restart,
                remedy="the service goes on with the old values: restart it",
            )


def applies_to_new_calls(name: str) -> bool:
    """Return whether a change of the setting ``name`` is in force for the next call, without a restart."""
    return any(name == each or name.startswith(f"{each}.") for each in NEW_CALLS)


def compare_settings(old: Settings, new: Settings) -> SettingsChange:
    """Return what changed from ``old`` to ``new``."""
    before, after = dict(_values(old)), dict(_values(new))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return SettingsChange(
        with_new_calls(old, new),
        tuple(name for name in names if applies_to_new_calls(name)),
        tuple(name for name in names if not applies_to_new_calls(name)),
    )


def with_new_calls(old: Settings, new: Settings) -> Settings:
    """Return ``old`` with those values of ``new`` that are in force for the next call."""
    return reduce(lambda found, name: _replaced(found, new, name), ("preset", *NEW_CALLS), old)


def _replaced(old: Any, new: Any, name: str) -> Any:
    """Return ``old`` with the value that ``new`` has for ``name``, which may lie in a nested dataclass."""
    first, _, rest = name.partition(".")
    value = getattr(new, first)
    if rest:
        value = _replaced(getattr(old, first), value, rest)
    return dataclasses.replace(old, **{first: value})


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    for item in dataclasses.fields(Settings):
        value = getattr(settings, item.name)
        if item.name == "preset":
            yield "session.preset", value
        elif isinstance(value, EngineOptions):
            yield f"{item.name}.{'name' if item.name == 'turn' else 'order'}", value.order
            for engine, options in value.options.items():
                yield from ((f"{item.name}.{engine}.{key}", each) for key, each in options.items())
        else:
            yield from _leaves(item.name, value)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        yield name, value
        return
    for item in dataclasses.fields(value):
        yield from _leaves(f"{name}.{item.name}", getattr(value, item.name))
