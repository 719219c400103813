"""pattern: whatever fits a regular expression: an order's "AB 12", a colour out of some."""

import re

from ivr.grammar.inputs.base import MAX_SAID, Asked, Base, Typed
from ivr.grammar.inputs.tokens import each_number, tokens
from ivr.grammar.inputs.words import words_of
from ivr.grammar.linear_regex import LinearRegex

KEYS = "0123456789"


class Fits(Base):
    """The value is the text that fits: letters and digits run together where they were said one by one,
    capitals where the expression has them."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._pattern = LinearRegex(asked.pattern)

    def parse(self, text: str) -> Typed | None:
        for each in self._readings(text):
            if self._pattern.fullmatch(each):
                value = self._written(each)
                return Typed(value, self.spelled(value) if re.search(r"\d", value) else value)
        return None

    def press(self, keys: str) -> Typed | None:
        return Typed(keys, self.spelled(keys)) if keys and self._pattern.fullmatch(keys) else None

    def may_continue(self, text: str) -> bool:
        return any(self._pattern.may_continue(each) for each in self._readings(text))

    def more_keys(self, keys: str) -> bool:
        return len(keys) < self.asked.max_digits and self._pattern.may_continue(keys, KEYS)

    def _readings(self, text: str) -> list[str]:
        """What the words may be written as."""
        words = words_of(self.language)
        plain = " ".join(re.sub(r"[^\w\s.@/+-]", " ", text[:MAX_SAID]).split()).strip(" .-").casefold()
        row = "".join(
            str(each) if isinstance(each, int) else words.letters.get(each, "0" if each in words.oh else each)
            for each in each_number(_kept(tokens(text), words.as_in), words)
        )
        spoken = [token for token in tokens(text) if token not in words.noise or len(token) == 1]
        kept = "".join(
            str(each) if isinstance(each, int) else words.letters.get(each, each)
            for each in each_number(_kept(spoken, words.as_in), words)
        )
        return list(dict.fromkeys(each for each in (plain, plain.replace(" ", ""), row, kept) if each))

    def _written(self, text: str) -> str:
        return text.upper() if re.search("[A-Z]", re.sub(r"\\.", "", self.asked.pattern)) else text


def _kept(found: list[str], as_in: frozenset[str]) -> list[str]:
    """Without "as in Bravo" behind a letter."""
    kept: list[str] = []
    at = 0
    while at < len(found):
        kept.append(found[at])
        rest = found[at + 1 : at + 4]
        skipped = 3 if rest[1:2] == ["in"] else 2
        said = len(found[at]) == 1 and len(rest) >= skipped and rest[0] in as_in
        at += 1 + (skipped if said and rest[skipped - 1][0] == found[at] else 0)
    return kept
