"""Regular expressions that match in linear time, for patterns and routes that a plan gives.

The expression becomes a nondeterministic automaton, and all its states are followed at once (K. Thompson,
"Regular expression search algorithm", CACM 11(6), 1968). So there is no backtracking, and no expression or
text takes more than linear time. The syntax has characters, ``.``, classes ``[A-Z0-9]``, ``\\d \\w \\s``,
groups, ``|``, ``? * +`` and ``{m,n}``; case does not matter.
"""

from dataclasses import dataclass, field

MAX_SOURCE = 200
MAX_STATES = 2000
MAX_REPEAT = 64
_CLASSES = {"d": "0123456789", "s": " ", "w": "abcdefghijklmnopqrstuvwxyz0123456789_"}
_ENDS = -1


class RegexError(ValueError):
    """The expression is not valid; the text says why, for the author of a plan."""


@dataclass(slots=True)
class _Node:
    """A state. If it ``reads``, one of ``characters`` (None: any) leads to ``to``; else ``empty`` has the
    states to which it leads without a character.
    """

    reads: bool = False
    characters: frozenset[str] | None = None
    negated: bool = False
    to: int = _ENDS
    empty: list[int] = field(default_factory=list)

    def takes(self, character: str) -> bool:
        if self.characters is None:
            return True
        return (character in self.characters) is not self.negated


class LinearRegex:
    """A compiled expression. It has no state, so all calls can share it."""

    def __init__(self, source: str) -> None:
        """Compile ``source``. Raises RegexError."""
        self.source = source
        self._text, self._at = source.removeprefix("^").removesuffix("$"), 0
        if not self._text or len(source) > MAX_SOURCE:
            raise RegexError(f"expected a regular expression of 1 to {MAX_SOURCE} characters")
        self._nodes: list[_Node] = [_Node()]
        self._end = 0
        tree = self._choice(0)
        if self._at < len(self._text):
            raise RegexError(f"the {self._text[self._at]!r} at {self._at + 1} is not expected there")
        self._start = self._build(tree, self._end)

    def fullmatch(self, text: str) -> bool:
        """Return whether the expression matches all of ``text``."""
        return self._end in self._after(text)

    def may_continue(self, text: str, more: str = "") -> bool:
        """Return whether a longer text that begins with ``text`` matches; with ``more``, whether one matches
        that continues with one of these characters.
        """
        open_ = [self._nodes[at] for at in self._after(text) if self._nodes[at].reads]
        return any(not more or any(node.takes(each) for each in more.casefold()) for node in open_)

    def _after(self, text: str) -> set[int]:
        states = self._closed({self._start})
        for character in text.casefold():
            if not states:
                break
            states = self._closed(
                {
                    node.to
                    for node in (self._nodes[at] for at in states)
                    if node.reads and node.takes(character)
                }
            )
        return states

    def _closed(self, states: set[int]) -> set[int]:
        todo, seen = list(states), set(states)
        while todo:
            for after in self._nodes[todo.pop()].empty:
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return seen

    # -- from text to a tree: ("set", characters, negated), ("row", …), ("any of", …), ("times", tree, m, n)

    def _choice(self, depth: int) -> tuple[object, ...]:
        if depth > 20:
            raise RegexError("its groups are nested too deeply")
        options = [self._row(depth)]
        while self._next() == "|":
            self._at += 1
            options.append(self._row(depth))
        return ("any of", *options) if len(options) > 1 else options[0]

    def _row(self, depth: int) -> tuple[object, ...]:
        items: list[object] = []
        while self._next() not in ("", "|", ")"):
            items.append(self._repeated(self._atom(depth)))
        return ("row", *items)

    def _atom(self, depth: int) -> tuple[object, ...]:
        character = self._take()
        if character == "(":
            if self._text[self._at : self._at + 2] == "?:":
                self._at += 2
            elif self._next() == "?":
                raise RegexError("groups that begin with (? are not supported, except (?:")
            inner = self._choice(depth + 1)
            if self._next() != ")":
                raise RegexError("a ( is not closed")
            self._at += 1
            return inner
        if character == "[":
            return self._set()
        if character == ".":
            return ("set", None, False)
        if character == "\\":
            return ("set", frozenset(self._escaped()), False)
        if character in "*+?{^$":
            raise RegexError(f"{character!r} at {self._at} has nothing before it that it could apply to; "
                               "write a backslash before it for the character itself")  # fmt: skip
        return ("set", frozenset(character.casefold()), False)

    def _escaped(self) -> str:
        character = self._take()
        if not character:
            raise RegexError("a backslash at the end has no meaning")
        if character in _CLASSES:
            return _CLASSES[character]
        if character.isalnum():
            raise RegexError(f"\\{character} is not supported; use \\d, \\w or \\s")
        return character

    def _set(self) -> tuple[object, ...]:
        negated = self._next() == "^"
        self._at += negated
        found: set[str] = set()
        while (character := self._take()) != "]":
            if not character:
                raise RegexError("a [ is not closed")
            if character == "\\":
                found |= set(self._escaped())
            elif self._next() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                last = self._take()
                if not character <= last or ord(last) - ord(character) > 256:
                    raise RegexError(f"{character}-{last} is not a range")
                found |= {chr(code).casefold() for code in range(ord(character), ord(last) + 1)}
            else:
                found |= set(character.casefold())
        if not found:
            raise RegexError("a [] is empty")
        return ("set", frozenset(found), negated)

    def _repeated(self, tree: tuple[object, ...]) -> tuple[object, ...]:
        simple = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        while (sign := self._next()) and sign in "?*+{":
            self._at += 1
            least, most = simple[sign] if sign != "{" else self._counts()
            if self._next() == "?":
                self._at += 1  # a lazy repetition matches the same texts
            tree = ("times", tree, least, most)
        return tree

    def _counts(self) -> tuple[int, int | None]:
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at : end if end >= 0 else None].partition(",")
        self._at = end + 1
        numbers = [int(each) for each in (least, most) if each.isdecimal() and len(each) < 4]
        given = bool(least) + bool(most)
        if (
            end < 0
            or not least
            or len(numbers) != given
            or max(numbers) > MAX_REPEAT
            or numbers != sorted(numbers)
        ):
            raise RegexError(f"expected a count such as {{4}} or {{2,8}}, of at most {MAX_REPEAT}")
        return numbers[0], None if comma and not most else numbers[-1]

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    # -- from the tree to states, from the end to the beginning

    def _new(self, node: _Node) -> int:
        if len(self._nodes) >= MAX_STATES:
            raise RegexError(f"it becomes larger than {MAX_STATES} states; use smaller counts")
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _build(self, tree: tuple[object, ...], after: int) -> int:
        """Return the state from which ``tree`` leads to ``after``."""
        match tree:
            case ("set", characters, negated):
                assert characters is None or isinstance(characters, frozenset)
                return self._new(_Node(True, characters, bool(negated), after))
            case ("row", *items):
                for item in reversed(items):
                    assert isinstance(item, tuple)
                    after = self._build(item, after)
                return after
            case ("any of", *options):
                begins = [self._build(option, after) for option in options if isinstance(option, tuple)]
                return self._new(_Node(empty=begins))
            case ("times", inner, least, most):
                assert isinstance(inner, tuple) and isinstance(least, int)
                return self._build_times(inner, least, most if isinstance(most, int) else None, after)
        raise AssertionError(tree)

    def _build_times(self, inner: tuple[object, ...], least: int, most: int | None, after: int) -> int:
        if most is None:
            loop = self._new(_Node(empty=[after]))
            self._nodes[loop].empty.append(self._build(inner, loop))
            after = loop
        else:
            end = after
            for _ in range(most - least):
                after = self._new(_Node(empty=[self._build(inner, after), end]))
        for _ in range(least):
            after = self._build(inner, after)
        return after
