"""Compares phrases with a sound: how probable Whisper finds each of them, given that sound.

Each phrase is forced through the decoder (teacher forcing), all in one batch on one encoded sound. From its
mean log probability a token is taken what the same phrase has on a line without speech: common phrases
("thank you") are probable by themselves (Church and Hanks, "Word Association Norms, Mutual Information, and
Lexicography", 1990). Scores are natural logarithms.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper.tokenizer import Tokenizer

from ivr.grammar.languages.registry import matching_rules
from ivr.grammar.matching import normalize
from ivr.grammar.recognition import Hypothesis

LINE_NOISE = 20.0 / 32768
"""RMS of the noise that stands for a line without speech: -64 dBFS."""
LINE_NOISE_S = 1.0
PRIOR_WEIGHT = 0.5
"""Share of a phrase's score without speech that is taken from its score."""
MAX_PRIORS = 20_000
"""Phrases whose score without speech is kept."""
MAX_LEAD = 3.0
"""Lead from which more says nothing; that of a phrase without a rival."""

_F32 = npt.NDArray[np.float32]


class Calibration(NamedTuple):
    """Logistic regression (Platt, 1999) from a phrase's score and its lead to a probability. Chosen on the
    *choose* split of ``tests/bench/understanding``."""

    bias: float
    score: float
    """Weight of the score."""
    lead: float
    """Weight of the lead over the best phrase of another meaning."""
    likelihood: float
    """Weight of the difference to the score of the best free transcript."""

    def probability(self, score: float, lead: float, likelihood: float) -> float:
        x = self.bias + self.score * score + self.lead * lead + self.likelihood * likelihood
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))


CALIBRATION = Calibration(bias=2.94, score=0.19, lead=0.75, likelihood=0.85)

MULTILINGUAL = CALIBRATION
"""The same for Whisper base, which knows 99 languages."""


class Comparison(NamedTuple):
    """A meaning compared with a sound; see ``Calibration`` for the numbers."""

    meaning: str
    phrase: str
    score: float
    lead: float
    likelihood: float


class PhraseScorer:
    """Compares phrases with encoded sounds."""

    def __init__(
        self,
        model: ctranslate2.models.Whisper,
        tokenizer: Tokenizer,
        silent: _F32,
        language: str,
        calibration: Calibration = CALIBRATION,
    ) -> None:
        """``silent``: encoded line noise, one sound."""
        self._model, self._tokenizer, self._language = model, tokenizer, language
        self._silent, self._calibration = silent, calibration
        self._priors: dict[str, float] = {}

    def hypotheses(
        self, encoded: _F32, frames: int, phrases: Mapping[str, Sequence[str]], free: str
    ) -> list[Hypothesis]:
        """Return the meanings of ``phrases`` with their best phrase and its confidence, the likeliest first;
        see ``compare``."""
        return [
            Hypothesis(
                each.meaning,
                each.phrase,
                self._calibration.probability(each.score, each.lead, each.likelihood),
            )
            for each in self.compare(encoded, frames, phrases, free)
        ]

    def compare(
        self, encoded: _F32, frames: int, phrases: Mapping[str, Sequence[str]], free: str
    ) -> "list[Comparison]":
        """Return the meanings of ``phrases`` with their best phrase, the highest score first.

        ``encoded`` is one sound, of which ``frames`` frames of 10 ms are not padding; ``free`` is its free
        transcript.
        """
        listed = [(meaning, each) for meaning, several in phrases.items() for each in several]
        texts = [_as_written(each) for _, each in listed]
        if not texts:
            return []
        scores = self._scores(encoded, frames, [*texts, f" {free}"] if free else texts)
        best_free = scores.pop() if free else 0.0
        self._learn_priors(texts)
        begun = self._carrier(free)
        if begun:
            inside = self._scores(encoded, frames, [f" {each}" for _, each in listed], f" {begun}")
            scores = [max(pair) for pair in zip(scores, inside, strict=True)]
        best: dict[str, tuple[float, float, str]] = {}
        for (meaning, phrase), text, score in zip(listed, texts, scores, strict=True):
            relative = score - PRIOR_WEIGHT * self._priors[text]
            if meaning not in best or relative > best[meaning][0]:
                best[meaning] = relative, score, phrase
        ranked = sorted(best.items(), key=lambda item: -item[1][0])
        found = []
        for place, (meaning, (relative, score, phrase)) in enumerate(ranked):
            rivals = [other[1][0] for at, other in enumerate(ranked) if at != place]
            lead = min(MAX_LEAD, relative - max(rivals)) if rivals else MAX_LEAD
            found.append(Comparison(meaning, phrase, relative, lead, score - best_free))
        return found

    def _learn_priors(self, texts: Sequence[str]) -> None:
        unknown = [text for text in dict.fromkeys(texts) if text not in self._priors]
        if not unknown:
            return
        if len(self._priors) + len(unknown) > MAX_PRIORS:
            self._priors = {text: self._priors[text] for text in texts if text in self._priors}
        frames = round(100 * LINE_NOISE_S)
        self._priors |= zip(unknown, self._scores(self._silent, frames, unknown), strict=True)

    def _carrier(self, free: str) -> str:
        """Return the words with which a free transcript begins and that people say before an answer ("I'd
        like"): phrases are compared after them too."""
        rules = matching_rules(self._language)
        words = free.split()
        count = 0
        while (
            count < len(words)
            and set(normalize(words[count], self._language)) <= rules.carriers | rules.noise
        ):
            count += 1
        return " ".join(words[:count]) if count < len(words) else ""

    def _scores(self, encoded: _F32, frames: int, texts: Sequence[str], begun: str = "") -> list[float]:
        """Return the mean log probability a token of each text, said after ``begun``."""
        first = self._tokenizer.encode(begun) if begun else []
        tokens = [[*first, *self._tokenizer.encode(text)] for text in texts]
        batch = np.ascontiguousarray(np.repeat(encoded, len(texts), axis=0))
        aligned: list[Any] = self._model.align(
            ctranslate2.StorageView.from_array(batch),
            list(self._tokenizer.sot_sequence),
            tokens,
            [frames] * len(texts),
        )
        return [
            float(np.mean(np.log(np.maximum(each.text_token_probs[len(first) :], 1e-9)))) for each in aligned
        ]


def _as_written(phrase: str) -> str:
    """Return a phrase as Whisper writes a whole sentence."""
    text = phrase.strip()
    return f" {text[:1].upper()}{text[1:]}{'' if text[-1:] in '.?!' else '.'}"
