"""pattern: a text that matches a regular expression: an order number such as "AB 12"."""

import re
from collections.abc import Sequence

from ivr.grammar.inputs.base import MAX_SAID, BaseInput, InputSpec, TypedValue
from ivr.grammar.inputs.tokens import each_number, example_length, tokens
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary
from ivr.grammar.linear_regex import LinearRegex

KEYS = "0123456789"


class PatternInput(BaseInput):
    """Parses a text that matches. The value is that text: letters and digits run together where they were
    said one by one, in capitals where the expression has capitals.
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__(spec)
        self._pattern = LinearRegex(spec.pattern)

    def parse(self, text: str) -> TypedValue | None:
        for each in self._readings(text):
            if self._pattern.fullmatch(each):
                value = self._written(each)
                return TypedValue(value, self.spelled(value) if re.search(r"\d", value) else value)
        return None

    def parse_keys(self, keys: str) -> TypedValue | None:
        return TypedValue(keys, self.spelled(keys)) if keys and self._pattern.fullmatch(keys) else None

    def may_continue(self, text: str) -> bool:
        return any(self._pattern.may_continue(each) for each in self._readings(text))

    def accepts_more_keys(self, keys: str) -> bool:
        return len(keys) < self.spec.max_digits and self._pattern.may_continue(keys, KEYS)

    def _readings(self, text: str) -> list[str]:
        """Return the ways to write what was said."""
        words = registry.vocabulary(self.language)
        plain = " ".join(re.sub(r"[^\w\s.@/+%:-]", " ", text[:MAX_SAID]).split()).strip(" .:-").casefold()
        row = "".join(
            str(each) if isinstance(each, int) else words.letters.get(each, "0" if each in words.oh else each)
            for each in each_number(_without_examples(tokens(text), words), words)
        )
        spoken = [token for token in tokens(text) if token not in words.noise or len(token) == 1]
        kept = "".join(
            str(each) if isinstance(each, int) else words.letters.get(each, each)
            for each in each_number(_without_examples(spoken, words), words)
        )
        return list(dict.fromkeys(each for each in (plain, plain.replace(" ", ""), row, kept) if each))

    def _written(self, text: str) -> str:
        return text.upper() if re.search("[A-Z]", re.sub(r"\\.", "", self.spec.pattern)) else text


def _without_examples(found: Sequence[str], words: Vocabulary) -> list[str]:
    """Return the tokens without "as in Bravo" after a letter."""
    kept: list[str] = []
    at = 0
    while at < len(found):
        kept.append(found[at])
        at += 1 + (example_length(found, at, words) if len(found[at]) == 1 else 0)
    return kept
