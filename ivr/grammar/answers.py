"""Makes the ``Expectation`` of a question: of the choices of a menu, of a typed value, or of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ivr.grammar.expectation import Expectation, ExpectedKind
from ivr.grammar.inputs import Input, InputSpec, make_input
from ivr.grammar.inputs.yes_no import YesNoInput
from ivr.grammar.languages.registry import find_language, vocabulary, yes_no_answers
from ivr.grammar.matching import Matcher, content_words

YES, NO = "yes_no.yes", "yes_no.no"
"""Names of yes and no among the meanings of a question."""
Choices = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Name to (phrases, keys), as ``Matcher`` takes them."""


def expected_answers(
    choices: Choices,
    matcher: Matcher | None = None,
    spec: InputSpec | None = None,
    language: str = "en",
) -> Expectation:
    """Return what a caller is expected to say: one of ``choices``, or the typed value of ``spec``.
    ``matcher`` is that of the choices where there is one already; ``language`` is that of their phrases.
    """
    matcher = matcher or Matcher(choices, language)
    listed = {name: (tuple(say), tuple(press)) for name, (say, press) in choices.items()}
    phrases = _phrases(listed, language)
    if spec is None:
        return Expectation(
            kind=_kind(choices, language),
            fits=matcher.fits,
            may_continue=matcher.may_continue,
            choices=listed,
            phrases=phrases,
            meaning=matcher.meaning,
            language=language,
        )
    typed = make_input(spec)
    if typed.free_form:
        # Any words are an answer, and no words are a complete one.
        return Expectation(kind=typed.expected_kind, choices=listed, asks=spec.plain(), language=language)
    either = _Either(matcher, typed)
    if isinstance(typed, YesNoInput):
        phrases = {**phrases, **yes_no_phrases(language)}
    return Expectation(
        kind=typed.expected_kind,
        fits=either.fits,
        may_continue=either.may_continue,
        choices=listed,
        asks=spec.plain(),
        phrases=phrases,
        meaning=matcher.meaning,
        is_typed=either.is_typed,
        language=language,
    )


def yes_no_phrases(language: str) -> dict[str, tuple[str, ...]]:
    """Return how people say yes and no, under the names ``YES`` and ``NO``; empty where the language has no
    words for them."""
    found = find_language(language)
    return {YES: found.yes_phrases, NO: found.no_phrases} if found is not None and found.yes_phrases else {}


def _phrases(
    listed: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]], language: str
) -> dict[str, tuple[str, ...]]:
    """Return what may be said for each choice: its phrases, and the numbers of its keys."""
    words = vocabulary(language).small
    numbers: dict[str, str] = {}
    for word, number in words.items():
        numbers.setdefault(str(number), word)
    found = {}
    for name, (say, press) in listed.items():
        keys = tuple(numbers[key] for key in press if key in numbers)
        if say or keys:
            found[name] = (*say, *(key for key in keys if key not in say))
    return found


@dataclass(frozen=True, slots=True)
class _Either:
    """A choice or a typed value."""

    matcher: Matcher
    typed: Input

    def is_typed(self, text: str) -> bool:
        return self.typed.parse(text) is not None

    def fits(self, text: str) -> bool:
        return self.typed.parse(text) is not None or self.matcher.fits(text)

    def may_continue(self, text: str) -> bool:
        whole = self.matcher.fits(text) and self.typed.parse(text) is None
        return self.matcher.may_continue(text) or (not whole and self.typed.may_continue(text))


def _kind(choices: Choices, language: str) -> ExpectedKind:
    phrases = [content_words(phrase, language) for say, _ in choices.values() for phrase in say]
    words = [word for phrase in phrases for word in phrase]
    if words and yes_no_answers().issuperset(words):
        return "yes_no"
    digits = [key for _, press in choices.values() for key in press if key.isdigit()]
    if (words or digits) and all(word.isdigit() for word in words):
        return "digits"
    return "menu"
