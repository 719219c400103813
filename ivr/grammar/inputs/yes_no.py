"""yes_no: yes or no, in any of the ways people say it; by keys 1 and 2."""

import functools
from typing import ClassVar

from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import BaseInput, TypedValue
from ivr.grammar.inputs.tokens import tokens
from ivr.grammar.languages import registry

LONGEST = 12
"""Words of an answer; a longer text is not an answer."""


class YesNoInput(BaseInput):
    """Parses yes and no. The value is true or false."""

    expected_kind: ClassVar[ExpectedKind] = "yes_no"

    def parse(self, text: str) -> TypedValue | None:
        answer = said_yes(text, self.language)
        return TypedValue(answer, text.strip()) if answer is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        return {"1": TypedValue(True, self._word(True)), "2": TypedValue(False, self._word(False))}.get(keys)

    def may_continue(self, text: str) -> bool:
        return False

    def accepts_more_keys(self, keys: str) -> bool:
        return not keys

    def _word(self, yes: bool) -> str:
        words = registry.vocabulary(self.language)
        return words.yes_word if yes else words.no_word


def said_yes(text: str, language: str) -> bool | None:
    """Return True, False, or None for neither and for both ("yes, no")."""
    words, found = registry.vocabulary(language), tokens(text)
    if not found or len(found) > LONGEST:
        return None
    found, said = _without_phrases(found, language)
    if None in said:
        return None
    yes = True in said or any(token in words.yes for token in found)
    no = False in said or any(token in words.no for token in found)
    if yes and no:
        return None
    if no:
        return False
    return True if yes or all(token in words.assent for token in found) else None


def _without_phrases(found: list[str], language: str) -> tuple[list[str], set[bool | None]]:
    """Return the tokens without the phrases of several words that mean yes or no ("why not"), and
    what these mean; None for neither. A longer phrase is looked for first: "of course not" is no."""
    said: set[bool | None] = set()
    for phrase, meaning in _phrases(language):
        at = next((n for n in range(len(found)) if tuple(found[n : n + len(phrase)]) == phrase), None)
        if at is not None:
            said.add(meaning)
            found = [*found[:at], *found[at + len(phrase) :]]
    return found, said


@functools.lru_cache(maxsize=64)
def _phrases(language: str) -> tuple[tuple[tuple[str, ...], bool | None], ...]:
    known = registry.find_language(language)
    if known is None:
        return ()
    each: list[tuple[tuple[str, ...], bool | None]] = [
        (tuple(tokens(text)), None) for text in known.neither_idioms
    ]
    each += [(tuple(tokens(text)), True) for text in (*known.yes_phrases, *known.yes_idioms)]
    each += [(tuple(tokens(text)), False) for text in (*known.no_phrases, *known.no_idioms)]
    return tuple(sorted((one for one in each if len(one[0]) > 1), key=lambda one: -len(one[0])))
