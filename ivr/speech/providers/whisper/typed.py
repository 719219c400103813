"""Decodes a typed value inside its vocabulary: where the free transcript says none, the decoder may only
write the words and figures of which such a value is made, and the result must parse (W3C SRGS 1.0: a grammar
is a recogniser's language model). The tokens that are left out are suppressed at each step.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import ctranslate2
from faster_whisper.tokenizer import Tokenizer

from ivr.grammar.inputs import Input, InputSpec, make_input
from ivr.grammar.languages.registry import vocabulary
from ivr.grammar.recognition import Hypothesis

MAX_LENGTH = 448
"""Tokens of prompt and text. CTranslate2 writes half as many, whatever the length of the prompt."""
BEAM = 5
"""Hypotheses that are followed at once, and returned."""
MAX_LEAD = 1.0
"""Lead from which more says nothing; that of a value without a rival."""
MAX_SIZED = 6
"""Digits of a value whose length is given to the decoder. In longer ones it slips a digit."""
SIZED = "sized"
_REPEATED = re.compile(r"(.{1,60}?)(?:[\s.,!?]+\1)+", re.IGNORECASE)
_FIGURES = ",-.:"
_SPACE = "Ġ"
"""How a tokenizer of bytes writes a space (Radford et al., GPT-2, 2019)."""
_NUMBER_WORDS = ("small", "tens", "hundred", "scales", "joints", "oh", "times", "point", "minus", "half")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "digits": (),
    "phone": (),
    "number": _NUMBER_WORDS,
    "money": (*_NUMBER_WORDS, "currencies", "cents"),
    "time": (*_NUMBER_WORDS, "parts", "night", "noon", "midnight", "hour_words", "clock_words"),
    "date": (
        *_NUMBER_WORDS,
        *("ordinals", "months", "weekdays", "days", "day_phrases", "units", "ahead", "last", "this"),
        *("next_week", "definite"),
    ),
    "pattern": ("letters",),
}
"""Kind of value to the parts of the language's vocabulary that it is made of, beside figures."""


class Calibration(NamedTuple):
    """Logistic regression (Platt, 1999) from how a decoded value fits to the probability that it is right.
    Chosen on the *choose* split of ``tests/bench/understanding``."""

    bias: float
    lead: float
    """Weight of the lead over the next value, at most ``MAX_LEAD``."""
    forced: float
    """Added where the vocabulary was limited."""
    sized: float
    """Added where the length was given too."""
    letters: float
    """Added where letters are spelled."""

    def probability(self, decoded: "Decoded", kind: str) -> float:
        x = self.bias + self.lead * decoded.lead
        x += self.sized if decoded.way == "sized" else self.forced if decoded.way == "forced" else 0.0
        x += self.letters if kind == "pattern" else 0.0
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))


CALIBRATION = Calibration(bias=0.37, lead=4.57, forced=-1.87, sized=-2.51, letters=-1.35)

Way = Literal["free", "forced", "sized"]


class Decoded(NamedTuple):
    """A text that says a value."""

    text: str
    value: Any
    likelihood: float
    """Mean log probability a token."""
    lead: float
    """How much more likely it is than the next value."""
    way: Way
    """How it was decoded: freely, in the vocabulary of its kind, or with its length given as well."""


class TypedDecoder:
    """Decodes encoded sounds as typed values of one language."""

    def __init__(
        self, model: ctranslate2.models.Whisper, tokenizer: Tokenizer, prompt: Sequence[int], language: str
    ) -> None:
        self._model, self._tokenizer, self._prompt = model, tokenizer, list(prompt)
        self._language = language
        self._suppressed: dict[str, list[int]] = {}

    def hypotheses(
        self, encoded: ctranslate2.StorageView, most: int, asked: Mapping[str, Any]
    ) -> list[Hypothesis]:
        """Return the values that may have been said, the likeliest first; none for a kind that is not made of
        a few words. ``most``: tokens of a text at most.
        Raises ValueError for what is no spec."""
        spec = InputSpec.from_plain(asked)
        if spec.kind not in _WORDS:
            return []
        found = self.decode(encoded, most, spec)
        return [Hypothesis("", each.text, CALIBRATION.probability(each, spec.kind)) for each in found]

    def decode(self, encoded: ctranslate2.StorageView, most: int, spec: InputSpec) -> list[Decoded]:
        """Return what parses: of the free transcripts, or where none does of those in the vocabulary."""
        typed = make_input(spec)
        found = _parsed(self._texts(encoded, most, [-1]), typed, "free")
        if not found:
            found = _parsed(self._texts(encoded, most, self._outside(spec.kind)), typed, "forced")
        if not found and spec.kind == "digits" and spec.min_digits == spec.max_digits <= MAX_SIZED:
            found = _parsed(self._texts(encoded, spec.max_digits, self._outside(SIZED)), typed, "sized")
        return found

    def _texts(
        self, encoded: ctranslate2.StorageView, most: int, suppressed: list[int]
    ) -> Iterator[tuple[str, float]]:
        result = self._model.generate(
            encoded,
            [self._prompt],
            beam_size=BEAM,
            num_hypotheses=BEAM,
            max_length=min(MAX_LENGTH, 2 * most),
            return_scores=True,
            suppress_tokens=suppressed,
        )[0]
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
            # The end token counts too.
            yield self._tokenizer.decode(tokens).strip(), score * len(tokens) / (len(tokens) + 1)

    def _outside(self, kind: str) -> list[int]:
        """Return the tokens that no value of that kind is made of."""
        if kind not in self._suppressed:
            written = self._tokenizer.tokenizer.get_vocab()
            allowed = set(self._allowed(kind, written))
            self._suppressed[kind] = sorted(
                token for token in written.values() if token not in allowed and token <= self._tokenizer.eot
            )
        return self._suppressed[kind]

    def _allowed(self, kind: str, written: Mapping[str, int]) -> Iterator[int]:
        if kind == SIZED:  # one token a digit, and no end before the last
            yield from (written[f"{_SPACE}{digit}"] for digit in range(10))
            return
        yield self._tokenizer.eot
        for text, token in written.items():
            bare = text.removeprefix(_SPACE)
            if not bare or bare.isdecimal() or bare in _FIGURES:
                yield token
        for word in self._words(kind):
            for each in {word, word.capitalize(), word.upper()}:
                yield from self._tokenizer.encode(each)
                yield from self._tokenizer.encode(f" {each}")

    def _words(self, kind: str) -> Iterator[str]:
        words = vocabulary(self._language)
        for name in _WORDS[kind]:
            part = getattr(words, name)
            for each in (*part, *part.values()) if isinstance(part, Mapping) and name == "letters" else part:
                yield from str(each).split()
        if kind == "pattern":
            yield from "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _parsed(texts: Iterator[tuple[str, float]], typed: Input, way: Way) -> list[Decoded]:
    """Return the texts that say a value, each value once, the likeliest first."""
    values: dict[Any, tuple[str, float]] = {}
    for text, likelihood in texts:
        for each in (text, _once(text)):
            value = typed.parse(each)
            if value is not None:
                values.setdefault(value.value, (each, likelihood))
                break
    found = []
    ranked = sorted(values.items(), key=lambda item: -item[1][1])
    for place, (value, (text, likelihood)) in enumerate(ranked):
        rivals = [other[1][1] for at, other in enumerate(ranked) if at != place]
        lead = min(MAX_LEAD, likelihood - max(rivals)) if rivals else MAX_LEAD
        found.append(Decoded(text, value, likelihood, lead, way))
    return found


def _once(text: str) -> str:
    """Return a text that a decoder wrote twice or more ("9am 9am") once."""
    repeated = _REPEATED.fullmatch(text.strip(" .,!?"))
    return repeated[1] if repeated else text
