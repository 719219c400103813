"""What a rule is, and what it finds."""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a plan must not do. Its texts are its page in the reference."""

    id: str
    severity: Severity
    """An error makes ``ivr check`` fail; a warning is for a person to judge."""
    title: str
    """What is wrong with a plan that breaks it."""
    why: str
    """What a caller would meet, and what is looked at. Plain sentences."""
    remedy: str
    """What to do, where a finding says nothing nearer."""
    in_schema: bool = False
    """It is found while the plan is read. Such a plan cannot be loaded, so the rule cannot be "
    "silenced."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a rule is broken. ``line`` and ``column`` count from 1; columns are characters."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity = "error"
    remedy: str = ""
    source: str = ""
    """The line as it stands in the file."""
    step: str = ""
    """The step it is in, where it is in one."""
    index: int = -1
    """The verb in that step, from 0; -1: the step itself."""

    def __str__(self) -> str:
        kind = "warning: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {kind}{self.message}"

    def shown(self) -> str:
        """With the quoted line, a caret under the place, and the remedy."""
        lines = [str(self)]
        if self.source.strip():
            gutter = f"{self.line:>5} | "
            # Tabs stay tabs, so that the caret stands right however wide the terminal makes them.
            lead = "".join("\t" if character == "\t" else " " for character in self.source[: self.column - 1])
            lines += [f"{gutter}{self.source.rstrip()}", f"{' ' * 5} | {lead}^"]
        if self.remedy:
            lines.append(f"{' ' * 5} = {self.remedy}")
        return "\n".join(lines)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        shown = {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "source": self.source,
        }
        return shown | ({"step": self.step, "verb": self.index} if self.step else {})
