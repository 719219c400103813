"""Options of an engine given as keywords, checked with the nearest right name in the error."""

import dataclasses
import difflib
from typing import Any, TypeVar

_Options = TypeVar("_Options")


def options_of(kind: type[_Options], engine: str, given: dict[str, Any]) -> _Options:
    """``kind(**given)`` for an options dataclass. Raises ValueError naming what is known."""
    known = [item.name for item in dataclasses.fields(kind) if item.init]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            raise ValueError(
                f"{engine} has no option {name!r}{nearest(name, known)}; it has: {', '.join(known)}"
            )
    return kind(**given)


def nearest(name: str, known: list[str]) -> str:
    """ ", did you mean 'x'?" when something known is like ``name``, else nothing."""
    like = difflib.get_close_matches(name, known, 1)
    return f", did you mean {like[0]!r}?" if like else ""
