"""What a language model writes, as it can be spoken: no thinking, no markup, no emoji.

``SpokenText`` reads characters one by one, so the pieces in which a text arrives make no difference.
"""

import html
import re
from collections.abc import Callable

_THINKING = frozenset({"think", "thinking", "thought", "reasoning", "script", "style", "tool_call", "svg"})
"""Elements of which the content is left out too."""
_SPOKEN_FENCES = frozenset({"", "text", "txt", "plain", "plaintext", "markdown", "md"})
"""Languages of code blocks whose content is spoken; code is left out."""
MAX_TAG = 400
"""Characters of a tag, or of a link's address; a longer one is none."""
_NAME = re.compile(r"/?\s*([A-Za-z][\w-]*)")
_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?)*(?:#{1,6}(?=\s|$)|[-*+\u2022](?=\s)|\|)?[ \t]*")
_NUMBERED = re.compile(r"(\d{1,3})[.)](?=[ \t])")
_RULE = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}|[ \t|:-]*-{2,}[ \t|:-]*")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)[`~]*[ \t]*([\w+-]*).*", re.DOTALL)
_LINE_START = re.compile(r"[ \t>#*+\-\u2022|`~=_:.)\d]*")
_MAX_PREFIX = 200


class SpokenText:
    """A filter of one reply. ``feed`` each piece, then ``end`` once; what they return is spoken."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._lines = _Markdown(self._out.append)
        self._tags = _Tags(self._lines.feed)
        self._entities = _Entities(self._tags.feed)
        self._high = ""

    def feed(self, piece: str) -> str:
        """Return what can be spoken of the text so far and was not returned before."""
        for character in piece:
            self._character(character)
        return self._taken()

    def end(self) -> str:
        """Return the rest; the reply is over."""
        self._high = ""
        self._entities.end()
        self._tags.end()
        self._lines.end()
        return self._taken()

    def _taken(self) -> str:
        text = "".join(self._out)
        self._out.clear()
        return text

    def _character(self, c: str) -> None:
        code = ord(c)
        if 0xD800 <= code < 0xDC00:  # the first half of an emoji, perhaps
            self._high = c
            return
        if 0xDC00 <= code < 0xE000:
            if not self._high:
                return
            c = (self._high + c).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            code = ord(c)
        self._high = ""
        if c in "\r\x0b\x0c\x85\u2028\u2029":
            c = "" if c == "\r" else "\n"
        if c in "\t\u00a0\u2007\u202f":
            c = " "
        if not c or is_unspoken(code):
            return
        self._entities.feed(c)


def is_unspoken(code: int) -> bool:
    """Return whether a character is a control, a symbol or a part of an emoji, which no voice reads."""
    if code < 0x80:
        return (code < 0x20 and code != 0x0A) or code == 0x7F
    return (
        code < 0xA0
        or code in (0xFFFD, 0xFEFF, 0x200B, 0x200D, 0x2060, 0x20E3, 0x3030, 0x303D, 0x3297, 0x3299)
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
        or 0x2190 <= code <= 0x21FF
        or 0x2300 <= code <= 0x27BF
        or 0x2900 <= code <= 0x297F
        or 0x2B00 <= code <= 0x2BFF
        or 0xE000 <= code <= 0xF8FF
        or 0xFDD0 <= code <= 0xFDEF
        or 0xFE00 <= code <= 0xFE0F
        or 0x1F000 <= code <= 0x1FAFF
        or code >= 0xE0000
        or code & 0xFFFE == 0xFFFE
    )


class _Entities:
    """``&amp;`` is ``&``: before tags are looked for, so that none can be written so."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._out, self._held = out, ""

    def feed(self, c: str) -> None:
        if self._held:
            if c == ";":
                self._decoded()
                return
            if ((c.isascii() and c.isalnum()) or c == "#") and len(self._held) < 12:
                self._held += c
                return
            self.end()
        if c == "&":
            self._held = c
        else:
            self._out(c)

    def _decoded(self) -> None:
        text, self._held = self._held + ";", ""
        for c in html.unescape(text):
            if not is_unspoken(ord(c)) and not 0xD800 <= ord(c) < 0xE000:
                self._out(" " if c == "\u00a0" else c)

    def end(self) -> None:
        held, self._held = self._held, ""
        for c in held:
            self._out(c)


class _Tags:
    """Leaves out tags of every kind, and what is inside those that hold no words for the caller."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._out, self._held = out, ""
        self._inside = ""
        """The element of which everything is left out; empty outside of one."""

    def feed(self, c: str) -> None:
        if not self._held:
            if c == "<":
                self._held = c
            elif not self._inside:
                self._out(c)
            return
        if len(self._held) == 1 and not (c.isalpha() or c in "/!?|"):
            self._released()
            self.feed(c)
        elif c == ">":
            self._tag(self._held[1:])
        elif c == "<":
            self._held = c if self._inside or _NAME.match(self._held[1:]) else ""
            if not self._held:
                self._held = c
        elif len(self._held) >= MAX_TAG:
            self._held = ""
            self.feed(c)
        else:
            self._held += c

    def _tag(self, text: str) -> None:
        self._held = ""
        found = _NAME.match(text)
        name = found[1].lower() if found else ""
        if self._inside:
            if text.startswith("/") and name == self._inside:
                self._inside = ""
            return
        if name in _THINKING and not text.startswith("/") and not text.endswith("/"):
            self._inside = name
        elif name in ("br", "p", "div", "li", "tr", "h1", "h2", "h3"):
            self._out("\n")

    def _released(self) -> None:
        held, self._held = self._held, ""
        if not self._inside:
            for c in held:
                self._out(c)

    def end(self) -> None:
        # An unfinished tag is none that could be spoken; "<" alone is a sign.
        if self._held == "<":
            self._released()
        self._held = ""


class _Markdown:
    """Leaves out the marks of Markdown: of lines at their beginnings, and those inside of lines."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._emit = out
        self._start: str | None = ""
        """The beginning of a line that may be a mark; None inside of a line."""
        self._code = ""
        """The line of code so far, or "\\0" before its first character; empty outside of code."""
        self._skips = False
        self._last = ""
        """The last character that was written."""
        self._blank = False
        """Blanks come before the next character that is written."""
        self._run = ""
        """Marks such as ``**`` whose meaning the next character says."""
        self._before_run = ""
        self._held = ""
        """A "!", a "]" or a backslash whose meaning the next character says."""
        self._link = ""
        """The sign that ends a link's address; empty outside of one."""
        self._link_length = 0
        self._table = False

    def feed(self, c: str) -> None:
        if self._start is not None:
            self._at_start(c)
        else:
            self._inline(c)

    def end(self) -> None:
        if self._start is not None:
            self._line_begins(over=True)
        self._end_of_line()

    # -- the beginning of a line

    def _at_start(self, c: str) -> None:
        assert self._start is not None
        if c == "\n":
            self._line_begins(over=True)
            self._newline()
            return
        self._start += c
        known = not _LINE_START.fullmatch(self._start) and not self._names_fence()
        if known or len(self._start) > _MAX_PREFIX:
            self._line_begins(over=False)

    def _names_fence(self) -> bool:
        return self._start is not None and _FENCE.fullmatch(self._start) is not None

    def _line_begins(self, *, over: bool) -> None:
        """The beginning is known: leave its marks out, and read on with what follows them."""
        start, self._start = self._start or "", None
        fence = _FENCE.fullmatch(start)
        if fence is not None:
            if self._code:
                self._code, self._skips = "", False
            else:
                self._code, self._skips = "code", fence[1].lower() not in _SPOKEN_FENCES
            return
        if self._skips or (over and _RULE.fullmatch(start)):
            return
        if self._code:
            for c in start:
                self._write(c)
            return
        rest = start
        while found := _PREFIX.match(rest):
            if not found[0]:
                break
            self._table = self._table or "|" in found[0]
            rest = rest[found.end() :]
        numbered = _NUMBERED.match(rest)
        if numbered is not None:
            rest = f"{numbered[1]},{rest[numbered.end() :]}"
        for c in rest:
            self._inline(c)

    def _newline(self) -> None:
        self._end_of_line()
        self._start, self._table = "", False
        if self._last not in ("", "\n"):
            self._blank, self._last = False, "\n"
            self._emit("\n")

    def _end_of_line(self) -> None:
        self._end_run("")
        if self._held == "!":
            self._write("!")
        self._held = self._link = ""

    # -- inside of a line

    def _inline(self, c: str) -> None:
        if self._link:
            self._link_length += 1
            if c == self._link or self._link_length > MAX_TAG:
                self._link = ""
            if c != "\n":
                return
        if c == "\n":
            self._newline()
            return
        if self._skips:
            return
        if self._code:
            self._write(c)
            return
        if self._held and self._after_held(c):
            return
        if c in "*_~`":
            if self._run and c != self._run[0]:
                self._end_run(c)
            if not self._run:
                self._before_run = " " if self._blank else self._last
            self._run += c
            return
        self._end_run(c)
        if c in "!]\\":
            self._held = c
        elif c == "|":
            self._separator()
        elif c != "[":
            self._write(c)

    def _after_held(self, c: str) -> bool:
        """Decide on the sign before ``c``; True: ``c`` is done too."""
        held, self._held = self._held, ""
        if held == "\\":
            if c.isalnum() or c.isspace():
                return False
            self._end_run(c)
            self._write(c)
            return True
        if held == "!":
            if c != "[":
                self._write("!")
            return c == "["
        if c in "([":
            self._link, self._link_length = ")" if c == "(" else "]", 0
            return True
        return False

    def _end_run(self, after: str) -> None:
        run, self._run = self._run, ""
        if not run:
            return
        before = self._before_run
        inside_word = before.isalnum() and after.isalnum()
        alone = before in (" ", "") and after in (" ",)
        if (run[0] == "_" and inside_word) or (run == "*" and (alone or (inside_word and before.isdigit()))):
            for c in run:
                self._write(c)

    def _separator(self) -> None:
        """A bar between two cells is a pause."""
        if self._last.isalnum() or self._last in ")%":
            self._blank = False
            self._emit(",")
            self._last = ","
        self._blank = self._last not in ("", "\n")

    def _write(self, c: str) -> None:
        if c == " ":
            self._blank = self._last not in ("", "\n")
            return
        if self._blank or (self._last == "<" and (c.isalpha() or c in "/!?")):
            self._emit(" ")  # also so that no tag comes of what was left of others
            self._blank = False
        self._emit(c)
        self._last = c
