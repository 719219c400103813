"""Text from outside: made valid Unicode where it comes in, and safe for each place where it goes out.

Two rules for the whole package. What comes in (SIP, HTTP, a model, a recogniser, a plan, the environment)
passes ``clean_text`` or ``clean_data`` once, at the edge. What goes out has one function a kind of sink:
``log_text`` for a log for people, ``json_text`` for JSON, ``header_text`` for a line of a header,
``file_name`` for a file's name. No function here raises for any text.
"""

import json
import re
from typing import Any

REPLACEMENT = "\ufffd"
"""Takes the place of what no text can hold."""
MAX_FILE_NAME = 80
"""Characters of a text that are kept in a file's name."""
MAX_DEPTH = 50
"""Levels of lists and objects that are kept of data from outside."""

_BIDI = "\u202a-\u202e\u2066-\u2069"
"""Controls that reorder what is shown (Unicode TR 36, "Trojan Source"); marks of direction stay."""
_NEVER = rf"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{_BIDI}\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_LINE_ENDS = "\\n\\r\\x0b\\x0c\\x1c-\\x1e\\x85\u2028\u2029"
"""Everything at which ``str.splitlines`` splits."""
_OF_A_LINE = re.compile(rf"[{_NEVER}\x1f{_LINE_ENDS}]")
_OF_LINES = re.compile(rf"[{_NEVER}\x1f]")
_LINE_END = re.compile(rf"\r\n|[{_LINE_ENDS}]")
_NOT_IN_JSON = re.compile(rf"[\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9@_-]+")


def clean_text(text: str, *, lines: bool = False) -> str:
    """Make text valid Unicode on one line.

    The halves of a surrogate pair are joined. A lone surrogate, a control character (an escape sequence of
    a terminal, NUL, a line end of any kind), one that reorders text (bidi) and a noncharacter become U+FFFD.
    With ``lines`` line ends stay, each as a line feed, and tabs too; without, a tab is a blank.
    """
    if text.isascii() and text.isprintable():
        return text
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if lines:
        return _OF_LINES.sub(REPLACEMENT, _LINE_END.sub("\n", text))
    return _OF_A_LINE.sub(REPLACEMENT, text.replace("\t", " "))


def clean_data(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return what JSON held (a back end's answer, the arguments of a model) with every text in it clean.

    Line ends in texts stay. What is nested deeper than ``depth`` becomes None.
    """
    if isinstance(value, str):
        return clean_text(value, lines=True)
    if isinstance(value, dict):
        if not depth:
            return None
        return {
            clean_text(name) if isinstance(name, str) else name: clean_data(item, depth - 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [clean_data(item, depth - 1) for item in value] if depth else None
    if isinstance(value, tuple):
        return tuple(clean_data(item, depth - 1) for item in value) if depth else None
    return value


def decode_text(data: bytes) -> str:
    """Decode bytes that should be UTF-8, else as Latin-1, which many phones send."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def log_text(text: str) -> str:
    """Write text on one line for a terminal: what is not printable as Python escapes it (``\\x1b``)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON (RFC 8259) that is valid UTF-8 and has no raw control character of any kind.

    What JSON does not know becomes text. Never raises: data that no JSON can hold becomes a text too.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain, indent=indent)
    except (ValueError, TypeError, RecursionError):
        text = json.dumps(repr(type(value)))
    return escape_json(text)


def escape_json(text: str) -> str:
    """Escape, in JSON that was written, what a terminal or a reader of lines would act on: C1 controls,
    U+2028, surrogates. Such characters are in strings alone, where the escape means the same.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return _NOT_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def header_text(value: str, limit: int = 1000) -> str:
    """Return ``value`` as one line for a header of SIP, HTTP or mail: valid UTF-8, no control character."""
    return clean_text(value).strip()[:limit]


def file_name(text: str, default: str, limit: int = MAX_FILE_NAME) -> str:
    """Return a name for a file or a folder: ASCII letters, digits, ``@``, ``_`` and ``-``, at most ``limit``.

    Everything else becomes ``_``; a text of which nothing is left becomes ``default``. No part of a path, no
    hidden file and no option of a command can come of it.
    """
    return _NOT_IN_FILE_NAMES.sub("_", text[: 4 * limit])[:limit].strip("_-") or default


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's; anything else that JSON does not know (a Path) as text."""
    return value.item() if hasattr(value, "item") else str(value)
