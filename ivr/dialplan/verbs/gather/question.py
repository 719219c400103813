"""What a gather can be answered with: its choices, a typed value, the plan's universals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from ivr.grammar.answers import Choices, expected_answers
from ivr.grammar.expectation import Expectation
from ivr.grammar.fusion import THRESHOLDS, UnderstandingLevel
from ivr.grammar.inputs import InputSpec, TypedValue, make_input
from ivr.grammar.matching import MIN_CONFIDENCE, Matcher, content_words
from ivr.grammar.recognition import Hypothesis

Meant = Literal["choice", "universal"]
UNIVERSAL = "universals."
"""Prefix of the names of universals among those of choices."""


class Answerable(Protocol):
    """A choice or a universal."""

    @property
    def say(self) -> tuple[str, ...]: ...

    @property
    def press(self) -> tuple[str, ...]: ...


class Question:
    """What one gather accepts in one language on one day. ``finish``: the key that ends digits, or empty."""

    def __init__(
        self,
        choices: Mapping[str, Answerable],
        universals: Mapping[str, Answerable],
        asked: InputSpec | None,
        finish: str,
        language: str = "en",
        level: UnderstandingLevel = "balanced",
    ) -> None:
        self._language = language
        self.finish = finish
        self.input = make_input(asked) if asked is not None else None
        own_keys = {key: name for name, choice in choices.items() for key in choice.press}
        own_phrases = {
            content_words(phrase, language) for choice in choices.values() for phrase in choice.say
        }
        self.keys: dict[str, tuple[Meant, str]] = {key: ("choice", name) for key, name in own_keys.items()}
        listed: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        # Where digits are typed a digit that is said is a digit, not somebody's key.
        typed = self.input is not None
        for name, choice in choices.items():
            listed[name] = (choice.say, () if typed else choice.press)
        for name, universal in universals.items():
            for key in universal.press:
                self.keys.setdefault(key, ("universal", name))
            phrases = tuple(
                phrase for phrase in universal.say if content_words(phrase, language) not in own_phrases
            )
            keys = () if typed else tuple(key for key in universal.press if key not in own_keys)
            listed[f"{UNIVERSAL}{name}"] = (phrases, keys)
        behind = [name for name in listed if name.startswith(UNIVERSAL)]
        self._matcher = Matcher(listed, language, behind)
        self._listed = frozenset(listed)
        own: Choices = {name: each for name, each in listed.items() if not name.startswith(UNIVERSAL)}
        kind = expected_answers(own, spec=asked, language=language).kind
        expected = expected_answers(listed, self._matcher, asked, language)
        self.expected: Expectation = dataclasses.replace(expected, kind=kind, thresholds=THRESHOLDS[level])

    # -- speech

    def meant(self, text: str, confidence: float) -> tuple[Meant, str, str] | None:
        """The choice or universal that was said, by its name and its phrase."""
        match = self._matcher.match(text, confidence)
        if match is None:
            return None
        whole = self._words(text) == self._words(match.phrase)
        if self.input is not None and self.input.free_form and not whole:
            return None  # among other words it means nothing: "I need help with my bill"
        universal = match.choice.startswith(UNIVERSAL)
        if universal and not whole and self.typed(text, confidence) is not None:
            return None
        name = match.choice.removeprefix(UNIVERSAL) if universal else match.choice
        return ("universal" if universal else "choice"), name, match.phrase

    def unsure(self, hypotheses: Sequence[Hypothesis]) -> tuple[Meant, str, str] | None:
        """The choice or universal that may have been said, to be confirmed, by its name and its phrase."""
        expected = self.expected
        best = next((each for each in hypotheses if each.meaning not in expected.rejected), None)
        if (
            best is None
            or not best.meaning
            or best.confidence < expected.thresholds.confirm
            or best.meaning not in self._listed
        ):
            return None
        universal = best.meaning.startswith(UNIVERSAL)
        return "universal" if universal else "choice", best.meaning.removeprefix(UNIVERSAL), best.phrase

    def unsure_value(self, hypotheses: Sequence[Hypothesis]) -> tuple[TypedValue, Hypothesis] | None:
        """The typed value that may have been said, to be confirmed, and the hypothesis that says it."""
        expected = self.expected
        best = next((each for each in hypotheses if each.phrase not in expected.rejected), None)
        if best is None or best.meaning or best.confidence < expected.thresholds.confirm:
            return None
        value = self.input.parse(best.phrase) if self.input is not None else None
        return (value, best) if value is not None else None

    def doubts(self, value: TypedValue, hypotheses: Sequence[Hypothesis]) -> bool:
        """Whether the sound says another value, or this one not surely. False where no value was compared
        with the sound."""
        best = next((each for each in hypotheses if not each.meaning), None)
        if best is None or self.input is None:
            return False
        likeliest = self.input.parse(best.phrase)
        sure = best.confidence >= self.expected.thresholds.accept
        return not sure or likeliest is None or likeliest.value != value.value

    def reject(self, choice: str) -> None:
        """Do not offer a choice, or a text of a typed value, again: the caller has denied it."""
        self.expected = dataclasses.replace(self.expected, rejected=self.expected.rejected | {choice})

    def _words(self, text: str) -> tuple[str, ...]:
        return content_words(text, self._language)

    def typed(self, text: str, confidence: float) -> TypedValue | None:
        """The value that was said."""
        if self.input is None or 0.0 < confidence < MIN_CONFIDENCE:
            return None
        return self.input.parse(text)

    # -- keys

    @property
    def takes_keys(self) -> bool:
        """Somebody who cannot be understood can answer all the same."""
        return any(kind == "choice" for kind, _ in self.keys.values()) or (
            self.input is not None and self.input.accepts_keys
        )

    def names_keys(self, keys: str) -> bool:
        """Some choice's or universal's keys begin with these."""
        return any(each.startswith(keys) for each in self.keys)

    def more_keys(self, keys: str) -> bool:
        """An answer may be longer than these."""
        listed = any(each.startswith(keys) and len(each) > len(keys) for each in self.keys)
        return listed or (self.input is not None and self.input.accepts_more_keys(keys))

    def pressed(self, keys: str, *, finished: bool) -> tuple[Meant, str] | TypedValue | None:
        """What ``keys`` mean, now that no more come. A universal is meant by its key alone, where nothing
        says that a value was typed: ``finished`` with the key for that, or complete by its length."""
        meant = self.keys.get(keys)
        if meant is not None and meant[0] == "choice":
            return meant
        typed = self.input.parse_keys(keys) if self.input is not None else None
        if meant is not None and (typed is None or not finished):
            return meant
        return typed
