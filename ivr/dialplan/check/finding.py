"""What a rule is, and what a finding is."""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One mistake that a plan can have. The texts are its section of the reference."""

    id: str
    severity: Severity
    """An error makes ``ivr check`` fail; a warning is for a person to judge."""
    title: str
    """The mistake, as a noun phrase."""
    why: str
    """What it would mean for a caller, and what the rule examines: full sentences."""
    remedy: str
    """What to do about it; a finding can have a remedy of its own."""
    in_schema: bool = False
    """Whether it is found while the plan is read: such a plan does not load, so the rule cannot be silenced.
    """


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a plan breaks a rule. ``line`` and ``column`` count from 1; columns are characters."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity = "error"
    remedy: str = ""
    source: str = ""
    """The line of the file."""
    step: str = ""
    """The name of the step, or "" outside of steps."""
    index: int = -1
    """The index of the verb in that step, from 0; -1 for the step itself."""

    def __str__(self) -> str:
        kind = "warning: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {kind}{self.message}"

    def shown(self) -> str:
        """Return the finding with the quoted line, a caret under the place, and the remedy."""
        lines = [str(self)]
        if self.source.strip():
            gutter = f"{self.line:>5} | "
            # Tabs stay tabs, so that the caret is at the right place however wide the terminal makes them.
            lead = "".join("\t" if character == "\t" else " " for character in self.source[: self.column - 1])
            lines += [f"{gutter}{self.source.rstrip()}", f"{' ' * 5} | {lead}^"]
        if self.remedy:
            lines.append(f"{' ' * 5} = {self.remedy}")
        return "\n".join(lines)

    def plain(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
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
