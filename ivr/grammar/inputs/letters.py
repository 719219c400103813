"""Letters and digits that are said one by one: "A B double one", "T as in Tango", "are why" for R Y."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ivr.grammar.inputs.tokens import number_at
from ivr.grammar.languages import registry
from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.vocabulary import Vocabulary

MIN_SPELLED = 3
"""Letters that are spelled by their names alone ("jay oh aitch en"); fewer may be a person's name."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to read words that mean two things."""

    names: bool
    """Words are names of letters: "are" is R."""
    oh_is_zero: bool
    double_names: bool
    """ "Double u" is W, not UU."""


_WAYS = tuple(_Way(*each) for each in itertools.product((False, True), (True, False), (True, False)))


def rows(found: Sequence[str], language: str) -> Iterator[str]:
    """Return the ways to write tokens as one row of letters and digits, in small letters. Other words stay
    whole: what they are good for the caller's pattern decides."""
    words, rules = registry.vocabulary(language), registry.answer_rules(language)
    yield from dict.fromkeys("".join(_row(found, words, rules, way)) for way in _WAYS)


def spelled_whole(found: Sequence[str], language: str) -> str:
    """Return the letters of an answer that consists of letters alone, by whatever names; "" for any other,
    and for fewer than ``MIN_SPELLED``.
    """
    words, rules = registry.vocabulary(language), registry.answer_rules(language)
    row = list(_row(found, words, rules, _Way(True, False, True)))
    letters = all(len(each) == 1 or each in rules.letter_names.values() for each in row)
    text = "".join(row)
    return text if letters and text.isalpha() and len(row) >= MIN_SPELLED else ""


def example(found: Sequence[str], at: int, letter: str, rules: AnswerRules) -> tuple[str, int]:
    """Return the letter that was meant, and how many tokens from ``at`` on only say which: "b as in Bravo"
    has 3 after b. Where the word begins with a letter that sounds alike, that one was meant; the word may
    have been misheard too.
    """
    for phrase in (*rules.as_in, *rules.as_in_same):
        end = at + len(phrase)
        if tuple(found[at:end]) == phrase and end < len(found) and found[end][0].isalpha():
            first = found[end][0]
            alike = any(letter in group and first in group for group in rules.confusable_letters)
            if alike or first == letter or phrase in rules.as_in:
                return (first if alike else letter), len(phrase) + 1
    return letter, 0


def _row(found: Sequence[str], words: Vocabulary, rules: AnswerRules, way: _Way) -> Iterator[str]:
    at, times = 0, 1
    while at < len(found):
        token = found[at]
        if way.names and way.double_names and tuple(found[at : at + 2]) in rules.letter_names:
            yield rules.letter_names[tuple(found[at : at + 2])] * times
            at, times = at + 2, 1
            continue
        if token in words.times and at + 1 < len(found):
            times, at = words.times[token], at + 1
            continue
        letter, length = _letter(found, at, words, rules, way)
        if letter:
            at += length
            if len(letter) == 1:
                letter, more = example(found, at, letter, rules)
                at += more
            yield letter[0] * (times - 1) + letter
        elif token in words.oh and way.oh_is_zero:
            yield "0" * times
            at += 1
        elif (number := number_at(found, at, words)) is not None:
            said = token if token.isdecimal() and number[1] == at + 1 else str(number[0])
            yield said[0] * (times - 1) + said
            at = number[1]
        else:
            yield token * times
            at += 1
        times = 1


def _letter(
    found: Sequence[str], at: int, words: Vocabulary, rules: AnswerRules, way: _Way
) -> tuple[str, int]:
    """Return the letter or letters that token ``at`` names, and how many tokens name it; ("", 0) for none."""
    token = found[at]
    if len(token) == 1 and token.isalpha() and not (token in words.oh and way.oh_is_zero):
        return token, 1
    if token in words.letters and token not in words.small:
        return words.letters[token], 1
    if way.names and not (token in words.oh and way.oh_is_zero) and (token,) in rules.letter_names:
        return rules.letter_names[(token,)], 1
    return "", 0
