"""Words that were retired do not come back: in names, log events, comments, docstrings, messages and READMEs.

``ivr/README.md`` has the words that are used. A name is looked at as a whole and as its words
(``told_values``: told, values). Ordinary English is left alone: "the rest of the call" is a sentence,
``rest()`` was a riddle.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.test_layout import ROOT, tracked

NAMES = {
    "Above": "ServerObserver",
    "Aside": "CallerCapture",
    "aside": "caller_capture",
    "but": "exclude",
    "Endings": "EndOfTurn",
    "Errand": "OutboundTask",
    "Floor": "BargeInControl",
    "fluent": "what it is",
    "gather_ms": "batch_window_ms",
    "human": "what it is: recorded, spoken_form",
    "lent": "borrowed, shared",
    "LineEars": "BatchedVad",
    "lends": "shares",
    "Patience": "CallTimeouts",
    "Rehearsal": "DialogueRunner",
    "rest_db": "noise_margin_db",
    "SpeechDips": "SpeechDipped",
    "SpeechGoes": "SpeechContinued",
    "told": "reported, logged, received",
    "TurnTaker": "TurnQueue",
    "well": "healthy",
    "AudioLoop": "AudioClockLoop",
    "by_words": "wait_for_words",
    "EndsOfTurn": "EndOfTurn",
    "HintDropped": "SpeechRuledOut",
    "PumpedVad": "PushAdapter",
    "plan_says": "plan_log",
    "CallersCall": "CallerCall",
    "JumpingLoop": "VirtualTimeLoop",
    "NotingSession": "ObservedSession",
    "Understood": "RecordedTranscript",
    "false_stops": "false_interruptions",
    "may_go_on": "may_continue",
    "RehearsedCall": "ReportingCall",
    "SipStage": "SipDialogueCall",
    "worker_up": "worker_started",
    "plans_not_changed": "plan_change_failed",
    "vad_thread_hangs": "vad_thread_unresponsive",
}
"""Retired names of classes, functions, arguments, attributes, settings and modules, and what to write
instead.
"""

DEFINITIONS = {
    "rest": "mark_down",
    "quiet": "what is silent, and how long",
    "human": "what it is",
    "heed": "take into account",
    "tell": "report, send",
}
"""Names that no function, method or class may have; as variables they are ordinary words."""

WORDS_IN_NAMES = {
    "actor": "caller",
    "anew": "again",
    "ears": "detectors",
    "errand": "outbound task",
    "heed": "ignore_speech()",
    "jumping": "virtual time",
    "owe": "requires, inherits",
    "owes": "requires, inherits",
    "patience": "timeout",
    "rehearsal": "dialogue run",
    "rehearsed": "tested",
    "rehearse": "test, run",
    "tells": "shows, reports",
    "told": "reported, shown",
    "tongue": "engines_for_call(), language",
    "unheeded": "ignored",
    "untold": "omitted",
}
"""Words that no name contains."""

PROSE = {
    r"\b(?:told|tells)\b(?! apart| from)": "what happens: reports, receives, says, shows, logs",
    r"\bwhom\b": "who, or another subject",
    r"\banew\b": "again",
    r"\bowe[sd]?\b": "requires, comes from",
    r"\bwhat becomes of\b": "what happens to",
    r"\b(?:has|have|had) the floor\b": "speaks",
    r"\bword of it\b": "a report, a line of the log",
    r"^\W*It (?:had|has) not\.": "a whole sentence with a subject",
    r'"""Of\b': "a verb or a noun first: Options of one session",
    r"\brehears(?:al|als|e|ed|es)\b": "dialogue, test",
    r"\bstands (?:beside|still|apart|there|between|below|above)\b": "is",
    r"\bstands? (?:in|inside|behind|wherever)\b": "is",
    r"\bheed(?:s|ed)?\b": "take into account, obey",
}
"""Retired phrases in comments, docstrings, messages and READMEs, and what to write instead."""

PREPOSITION_FIRST = re.compile(r'"{3}(?:As|At|By|For|From|In|Of|On|To|Who|Whom|With|Without)\b')
"""The beginning of a docstring that hides what is described."""

NOT_PROSE = frozenset({"dialplans/demo.yaml", "tests/test_vocabulary.py"})
"""Files whose sentences are prompts, or this list."""


class Finding(NamedTuple):
    """A retired word and where it is."""

    line: int
    found: str
    instead: str


def names(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line and text of every name in a module; whether it defines a function or a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, True
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, False
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr, False
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, False
        elif isinstance(node, ast.alias):
            yield node.lineno, node.asname or "", False
        elif event := logged_event(node):
            yield node.lineno, event, False


def logged_event(node: ast.AST) -> str:
    """The event of a call such as ``log.info("call_started", ...)``; empty for anything else."""
    levels = ("debug", "info", "warning", "error", "exception", "critical")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in levels:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return first.value
    return ""


def words_of(name: str) -> list[str]:
    """``toldValues`` and ``told_values``: told, values."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def retired_names(source: str) -> Iterator[Finding]:
    """The retired names of a module."""
    for line, name, defines in names(ast.parse(source)):
        plain = name.strip("_")
        if plain in NAMES:
            yield Finding(line, name, NAMES[plain])
        elif defines and plain in DEFINITIONS:
            yield Finding(line, name, DEFINITIONS[plain])
        else:
            yield from (Finding(line, name, WORDS_IN_NAMES[w]) for w in words_of(name) if w in WORDS_IN_NAMES)


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every comment and string of a module."""
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            for number, text in enumerate(token.string.splitlines()):
                yield token.start[0] + number, text


def retired_phrases(lines: Iterator[tuple[int, str]]) -> Iterator[Finding]:
    """The retired phrases in lines of text."""
    for number, text in lines:
        for pattern, instead in PROSE.items():
            if match := re.search(pattern, text, re.IGNORECASE):
                yield Finding(number, match[0].strip(), instead)


def findings(path: Path) -> list[Finding]:
    """All retired words of a file, its own name included."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    found = [Finding(0, word, WORDS_IN_NAMES[word]) for word in words_of(path.stem) if word in WORDS_IN_NAMES]
    if path.suffix == ".py":
        found += retired_names(text)
        if name not in NOT_PROSE:
            found += retired_phrases(prose_of(text))
    elif name not in NOT_PROSE:
        lines = text.splitlines()
        if path.suffix == ".yaml":  # its texts are what callers and services say
            lines = [line.partition("#")[2] for line in lines]
        found += retired_phrases(enumerate(lines, 1))
    return found


def checked_files() -> list[Path]:
    """Code and text of the project."""
    kinds = {".py", ".md", ".toml", ".yaml", ".sh"}
    return [path for path in tracked() if path.suffix in kinds or path.name in ("Makefile", "run")]


def test_retired_words_do_not_come_back() -> None:
    report = [
        f"{path.relative_to(ROOT)}:{line}: {found!r} is retired; write: {instead}"
        for path in checked_files()
        for line, found, instead in sorted(set(findings(path)))
    ]
    assert not report, f"{len(report)} retired words (ivr/README.md has those in use)\n" + "\n".join(report)


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    """A preposition hides it: what it is or does comes first."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {text.strip()[:60]}"
        for folder in ("ivr", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for number, text in prose_of(path.read_text(encoding="utf-8"))
        if PREPOSITION_FIRST.match(text.strip())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "class Aside: ...",
        "class _Patience: ...",
        "def tongue(): ...",
        "def rest(self): ...",
        "def create(but): ...",
        "settings.vad.gather_ms",
        "told_values = 1",
        "log.info('engine_told')",
        "import ivr.x as rehearsal",
        "def test_a_conversation_tells_its_decisions(): ...",
    ],
)
def test_a_retired_name_is_found(source: str) -> None:
    assert list(retired_names(source))


@pytest.mark.parametrize(
    "text",
    [
        '"""Of one session."""',
        "# the caller is told what happened",
        "# whom to call",
        '"""It had not."""',
        "f'{plan} was told'",
    ],
)
def test_a_retired_phrase_is_found(text: str) -> None:
    assert list(retired_phrases(prose_of(text + "\n")))


@pytest.mark.parametrize(
    "source",
    [
        "first, *rest = values",
        "quiet = level < 3",
        "for part in parts: part.strip()",
        "# the rest of the prompt is part of the call, which is quiet; a human speaks well",
        "'the caller stands for anybody who tries to tell a story'",
        "stage = 'stop'",
        "restart(); settle(); whisper = 1; year = 2",
    ],
)
def test_ordinary_words_are_left_alone(source: str) -> None:
    assert not list(retired_names(source)) and not list(retired_phrases(prose_of(source + "\n")))
