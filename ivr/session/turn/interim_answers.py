"""An interim answer that fitted the question is not thrown away for a final one that fits nothing: a cough or
a few unclear words after "sales" leave "sales".
"""

import dataclasses

from ivr.grammar.expectation import Expectation
from ivr.grammar.inputs.spoken_forms import has_correction
from ivr.grammar.transcripts import transcript_words
from ivr.speech.base import Transcript

MOST_MORE_WORDS = 2
"""Words that a final text may have more than the interim one; more of them are a sentence of its own."""


class InterimAnswers:
    """Remembers the last answer that fitted during one stretch of speech."""

    def __init__(self) -> None:
        self._onset = -1
        self._expected: Expectation | None = None
        self._fitted: Transcript | None = None

    def settled(self, onset: int, transcript: Transcript, expected: Expectation) -> Transcript:
        """Return ``transcript``, of speech from sample ``onset`` on, or the answer that it must not replace;
        that one has the rule ``interim``.
        """
        if expected.fits is None:
            return transcript
        if (onset, expected) != (self._onset, self._expected):
            self._onset, self._expected, self._fitted = onset, expected, None
        text = transcript.text
        if expected.fits(text):
            # What may go on ("four seven") is no answer yet.
            unfinished = expected.may_continue is not None and expected.may_continue(text)
            self._fitted = None if unfinished else transcript
            return transcript
        if self._fitted is None or (transcript.hypotheses and transcript.rule == "unsure"):
            return transcript
        more = len(transcript_words(text)) - len(transcript_words(self._fitted.text))
        if more > MOST_MORE_WORDS or has_correction(text, expected.language):
            return transcript
        return dataclasses.replace(self._fitted, rule="interim")
