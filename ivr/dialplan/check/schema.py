"""The rules whose findings come from the loader: a plan that breaks one does not load."""

from collections.abc import Iterator
from pathlib import Path

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import lines_of
from ivr.dialplan.source.document import MAX_BYTES
from ivr.dialplan.source.errors import VERB_PACKAGE_RULE, PlanError

YAML = Rule(
    "yaml",
    "error",
    "a file that is not YAML",
    "The file cannot be read as one YAML 1.2 document of the size that a plan may have.",
    "correct the line; usually a quote, a colon in a text or the indentation is wrong",
    in_schema=True,
)
DUPLICATE_KEY = Rule(
    "duplicate-key",
    "error",
    "a name that is given twice",
    "Two steps, choices or fields of one mapping have the same name, and one of them would be lost.",
    "rename one of them, or remove it",
    in_schema=True,
)
SCHEMA = Rule(
    "schema",
    "error",
    "something that the language does not know",
    "A verb, a field or a value is not expected there. The message says what is expected. `ivr schema` "
    "prints a JSON Schema with which an editor completes and checks while you type.",
    "write what is expected; dialplans/README.md describes every verb and its fields",
    in_schema=True,
)
GOTO_NOWHERE = Rule(
    "goto-nowhere",
    "error",
    "a goto to a step that does not exist",
    "The rule applies to every field that names a step.",
    "correct the name, or add the step",
    in_schema=True,
)
SOUND_MISSING = Rule(
    "sound-missing",
    "error",
    "a sound file that is missing or cannot be read",
    "Sound files are read together with the plan, before a call needs them.",
    "put the file there, or correct the path, which is relative to the file that names it",
    in_schema=True,
)
SOUND_FORMAT = Rule(
    "sound-format",
    "error",
    "a sound file in a wrong format",
    "It is not a WAV file that can be played (PCM, float or G.711), or it is empty.",
    "convert it, for example: sox in.mp3 -r 8000 -c 1 -b 16 out.wav",
    in_schema=True,
)
VERB_PACKAGE = Rule(
    VERB_PACKAGE_RULE,
    "error",
    "an installed package whose verb cannot be used",
    "Packages add verbs (entry points of the group `ivr.verbs`). One of those that are installed cannot be "
    "imported, or takes the name of another verb; then no plan is read, whether it has the verb or not. The "
    "message names the package and what failed. Nothing is wrong with the plan.",
    "repair, upgrade or uninstall the package that the message names",
    in_schema=True,
)
NO_FILE = "give the path of a plan's YAML file"
"""The remedy where there is no file."""
RULES = (YAML, DUPLICATE_KEY, SCHEMA, GOTO_NOWHERE, SOUND_MISSING, SOUND_FORMAT, VERB_PACKAGE)


def findings_of(error: PlanError, rules: dict[str, Rule]) -> Iterator[Finding]:
    """Return the mistakes of a plan that does not load as findings. ``rules`` are all rules by id."""
    texts: dict[str, list[str]] = {}
    for problem in error.problems:
        file = problem.file or error.file
        if file not in texts:
            texts[file] = _lines(file)
        lines = texts[file]
        rule = rules.get(problem.rule, SCHEMA)
        yield Finding(
            file=file,
            line=problem.line,
            column=problem.column,
            rule=rule.id,
            message=problem.message,
            severity=rule.severity,
            remedy=rule.remedy if lines else NO_FILE,
            # The fault of a package is at no line of the plan.
            source=lines[problem.line - 1] if problem.line <= len(lines) and rule is not VERB_PACKAGE else "",
        )


def _lines(file: str) -> list[str]:
    """Return the printable lines of a file that may not be text at all."""
    try:
        path = Path(file)
        if not path.is_file():
            return []
        with path.open("rb") as handle:
            text = handle.read(MAX_BYTES).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return []
    return ["".join(c if c.isprintable() or c == "\t" else "�" for c in line) for line in lines_of(text)]
