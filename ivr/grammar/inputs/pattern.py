"""pattern: a text that matches a regular expression: an order number such as "AB 12"."""

import re

from ivr.grammar.inputs.base import MAX_SAID, InputSpec, TypedValue
from ivr.grammar.inputs.letters import rows
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import tokens
from ivr.grammar.languages import registry
from ivr.grammar.linear_regex import LinearRegex

KEYS = "0123456789"


class PatternInput(SpokenInput):
    """Parses a text that matches. The value is that text: letters and digits run together where they were
    said one by one, in capitals where the expression has capitals.
    """

    kind = "pattern"

    def __init__(self, spec: InputSpec) -> None:
        super().__init__(spec)
        self._pattern = LinearRegex(spec.pattern)

    def parse_words(self, text: str) -> TypedValue | None:
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
        said = tokens(text)
        spoken = [token for token in said if token not in words.noise or len(token) == 1]
        written = (*rows(said, self.language), *rows(spoken, self.language))
        return list(dict.fromkeys(each for each in (plain, plain.replace(" ", ""), *written) if each))

    def _written(self, text: str) -> str:
        return text.upper() if re.search("[A-Z]", re.sub(r"\\.", "", self.spec.pattern)) else text
