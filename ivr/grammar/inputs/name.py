"""name: a person's or a place's name, said or spelled: "Smith", "S M I T H", "B as in Bravo"."""

import re
from typing import ClassVar

from ivr.grammar.inputs.base import MAX_SAID, BaseInput, TypedValue
from ivr.grammar.inputs.letters import example, spelled_whole
from ivr.grammar.inputs.spoken_forms import without_fillers
from ivr.grammar.inputs.tokens import tokens
from ivr.grammar.languages import registry

MOST_WORDS = 6
"""Words of a name; more are not a name."""
MIN_CODED = 3
"""Words of the spelling alphabet from which on they spell; fewer may be names themselves (Mike, Oscar)."""


class NameInput(BaseInput):
    """Parses a name. The value is a text with capitals where names have them."""

    free_form: ClassVar[bool] = True
    accepts_keys: ClassVar[bool] = False

    def parse(self, text: str) -> TypedValue | None:
        letters = spelled(text, self.language) or spelled_whole(
            tokens(without_fillers(text, self.language)), self.language
        )
        if len(letters) >= 2 and letters.isalpha():
            name = letters.capitalize()
            return TypedValue(name, f"{name}, {self.spelled(name)}")
        said = re.sub(r"[’`´]", "'", " ".join(text[:MAX_SAID].split()))
        prefix = registry.vocabulary(self.language).name_prefix
        said = re.sub(f"^{prefix}", "", said, count=1, flags=re.IGNORECASE).strip(" .,!?;:\"'")
        parts = said.split()
        if not 1 <= len(parts) <= MOST_WORDS or not re.search(r"[^\W\d_]", said):
            return None
        name = " ".join(part if part != part.lower() else _capital(part) for part in parts)
        return TypedValue(name, name)


def _capital(word: str) -> str:
    return re.sub(r"(^|[-'])(\w)", lambda found: found[1] + found[2].upper(), word)


def spelled(text: str, language: str) -> str:
    """Return the letters and digits that are spelled somewhere in ``text``, in small letters, or "". The
    longest row of them counts: "Smith, S M I T H".
    """
    words, rules = registry.vocabulary(language), registry.answer_rules(language)
    found = tokens(re.sub(r"(?<=[A-Za-z])[-.](?=[A-Za-z]\b)", " ", text))
    best, row = "", ""
    at, times, coded = 0, 1, 0
    while at < len(found):
        token = found[at]
        follows = at + 1 < len(found) and (len(found[at + 1]) == 1 or found[at + 1] in words.letters)
        if token in words.times:
            times, at = words.times[token], at + 1
            continue
        if len(token) == 1 and token.isalpha() and (token != "a" or row or follows):
            row += token * times
            coded = MIN_CODED  # letters are no names
            letter, more = example(found, at + 1, token, rules)
            row = row[: len(row) - times] + letter * times
            at += more
        elif token in words.letters and (row or follows):
            row += words.letters[token] * times
            coded += 1
        elif row and token.isdecimal():
            row += token
        elif row and words.small.get(token, 10) < 10:
            row += str(words.small[token]) * times
        else:
            best, row, coded = _longer(best, row, coded), "", 0
        times, at = 1, at + 1
    return _longer(best, row, coded)


def _longer(best: str, row: str, coded: int) -> str:
    return row if coded >= MIN_CODED and len(row) > len(best) else best
