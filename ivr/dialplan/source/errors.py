"""What is wrong with a plan, and where."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from ivr.errors import IvrError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1; columns are characters."""

    line: int
    column: int
    message: str
    """What was found and what was expected, in an operator's words."""
    file: str = ""
    """The file, when it is not the plan's own but one that it includes."""
    rule: str = "schema"
    """The id of the rule that it breaks (``ivr.dialplan.check``)."""


VERB_PACKAGE_RULE = "verb-package"
"""The rule of a problem that is an installed package's and not the plan's."""


class Ruled(str):
    """A message that says which rule was broken, for places that hand on messages alone."""

    rule: str

    def __new__(cls, message: str, rule: str) -> "Ruled":
        made = super().__new__(cls, message)
        made.rule = rule
        return made


def rule_of(message: str) -> str:
    """The rule of a message; ``schema`` where it names none."""
    return message.rule if isinstance(message, Ruled) else "schema"


class PlanError(IvrError):
    """A plan was refused. ``str()`` has one line ``file:line:column: message`` per mistake, sorted by place.

    ``line``, ``column`` and ``message`` are those of the first.
    """

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        if not self.problems:
            raise ValueError("a PlanError needs at least one problem")
        super().__init__(
            "\n".join(f"{p.file or file}:{p.line}:{p.column}: {p.message}" for p in self.problems)
        )

    @property
    def line(self) -> int:
        return self.problems[0].line

    @property
    def column(self) -> int:
        return self.problems[0].column

    @property
    def message(self) -> str:
        return self.problems[0].message


class VerbFailed(IvrError):
    """A verb could not do its work, and its own routes lead nowhere: the plan's ``on_error`` is next.

    ``event`` is one word for routes and logs, such as ``request_failed``.
    """

    def __init__(self, event: str, message: str) -> None:
        super().__init__(message)
        self.event = event


def quoted(text: object, limit: int = 40) -> str:
    """``text`` in quotes for a message: one line, printable, not longer than ``limit`` characters."""
    shown = str(text)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return "'" + "".join(c if c.isprintable() else "�" for c in shown) + "'"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest of ``names``, or nothing when none is near."""
    near = difflib.get_close_matches(name[:80].lower(), list(names), n=1, cutoff=0.6)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """``a, b, c`` for a message, cut short when there are many."""
    all_names = list(names)
    shown = ", ".join(all_names[:12])
    return shown + (", …" if len(all_names) > 12 else "")
