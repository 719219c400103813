"""One answer of a caller: a turn of speech, or keys until they can mean only one thing.

The timers are VoiceXML's (2.0, appendix D): ``timeout`` until the caller begins, ``interdigittimeout``
between keys, ``termtimeout`` for the key that ends what is complete already.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from ivr.audio.frames import VAD_RATE
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.verbs.gather.question import Question
from ivr.grammar.inputs import TypedValue
from ivr.grammar.inputs.digits import DigitsInput
from ivr.grammar.inputs.phone import PhoneInput
from ivr.grammar.recognition import Hypothesis
from ivr.session.types import Turn

LATE_KEY_S = 2.0
"""Seconds in which a finish key still belongs to a value that was complete without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, or the lack of one."""

    kind: Literal["choice", "universal", "typed", "noinput", "nomatch"]
    by: Literal["speech", "keys"] = "speech"
    name: str = ""
    """The name of the choice or universal."""
    typed: TypedValue | None = None
    text: str = ""
    """What was said or pressed."""
    phrase: str = ""
    """The words of a choice that were meant."""
    confidence: float = 1.0
    private: bool = False
    """It was said when the caller was asked for something sensitive: hide it in logs."""
    unsure: bool = False
    """It fits the sound, but not so well that it could be taken without confirmation."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """What else it may have been (see ``Turn``)."""
    not_transcribed: bool = False
    """Something was said while no recogniser was available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """Timeouts of a gather, in seconds."""

    timeout: float
    first_digit: float | None
    inter_digit: float
    term: float

    def first(self, keys_only: bool) -> float:
        """Return the time until the caller must begin."""
        if self.first_digit is None:
            return self.timeout
        return self.first_digit if keys_only else max(self.first_digit, self.timeout)


class _Pieces:
    """What was said and pressed of one value, in the order in which each piece began."""

    def __init__(self, pieces: tuple[tuple[int, str], ...] = ()) -> None:
        self._pieces = pieces

    def including(self, at: int, text: str) -> "_Pieces":
        """Return them with one more, which began at sample ``at``: words may be known after later keys."""
        return _Pieces(tuple(sorted((*self._pieces, (at, text)), key=lambda piece: piece[0])))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __str__(self) -> str:
        return "".join(text for _, text in self._pieces)


class AnswerCollector:
    """Collects the answers to one gather in a call."""

    def __init__(self, run: Run, question: Question, timers: Timers, *, confirms: bool = False) -> None:
        """``confirms``: whoever asks confirms an answer that is ``unsure``."""
        self._run, self._question, self._timers = run, question, timers
        self._confirms = confirms
        self._private = False

    async def answer(self) -> Answer:
        """Return the next answer. Raises SessionEnded."""
        self._private = False
        answer = await self._answer()
        return dataclasses.replace(answer, private=self._private)

    async def _answer(self) -> Answer:
        pieces, by_speech = _Pieces(), False
        while True:
            pressed = str(pieces)
            first = self._timers.first(self._run.session.recogniser_down)
            turn = await self._run.listen(self._timers.inter_digit if pressed else first)
            self._private = self._private or turn.private
            if turn.reason == "dtmf":
                key = turn.text.upper()
                if not pressed and self._is_late_key(key):
                    continue
                if pressed and key == self._question.finish and not self._question.names_keys(pressed + key):
                    return self._pressed(pressed, finished=True)
                pieces, by_speech = pieces.including(turn.at, key), False
                if not self._question.more_keys(str(pieces)):
                    return await self._complete(str(pieces))
                continue
            if turn.reason == "speech":
                answer = self._said(turn, pieces)
                if answer is not None:
                    return dataclasses.replace(answer, hypotheses=turn.hypotheses)
                begun = self._begun(turn, pieces)
                if begun is None and not pressed and (possible := self._unsure(turn)) is not None:
                    return possible
                if begun is not None:
                    pieces, by_speech = begun, True
                    continue
                if not pressed or self._question.pressed(pressed, finished=False) is None:
                    not_transcribed = not turn.text and self._run.session.recogniser_down
                    return Answer(
                        kind="nomatch",
                        text=turn.text,
                        confidence=turn.confidence,
                        not_transcribed=not_transcribed,
                    )
            if pressed:
                # Nothing further came, or nothing that fits: what was pressed is the answer.
                return self._pressed(pressed, finished=by_speech)
            return Answer(kind="noinput")

    # -- speech

    def _said(self, turn: Turn, pieces: "_Pieces") -> Answer | None:
        """The answer that ``turn`` is, or that it completes; None when there is none yet."""
        text, confidence = turn.text, turn.confidence
        found = self._question.meant(text, confidence)
        if found is not None:
            kind, name, phrase = found
            return Answer(kind=kind, name=name, phrase=phrase, text=text, confidence=confidence)
        digits = self._digits(text)
        if turn.key_follows and digits and self._question.more_keys(str(pieces.including(turn.at, digits))):
            return None
        typed = self._question.typed(text, confidence) if not pieces else None
        if typed is None and pieces and digits:
            found_typed = self._question.pressed(str(pieces.including(turn.at, digits)), finished=True)
            typed = found_typed if isinstance(found_typed, TypedValue) else None
        typed = typed or (self._question.typed(text, confidence) if pieces else None)
        if typed is None:
            return None
        unsure = self._confirms and self._question.doubts(typed, turn.hypotheses)
        return Answer(kind="typed", typed=typed, text=text, confidence=confidence, unsure=unsure)

    def _unsure(self, turn: Turn) -> Answer | None:
        """A choice or a value that may have been meant; a universal is not worth a question."""
        if not self._confirms:
            return None
        typed = self._question.unsure_value(turn.hypotheses)
        if typed is not None:
            value, best = typed
            return Answer(
                kind="typed",
                typed=value,
                text=best.phrase,
                confidence=best.confidence,
                unsure=True,
                hypotheses=turn.hypotheses,
            )
        found = self._question.unsure(turn.hypotheses)
        if found is None or found[0] == "universal":
            return None
        return Answer(
            kind="choice",
            name=found[1],
            phrase=found[2],
            text=turn.text,
            confidence=turn.hypotheses[0].confidence,
            unsure=True,
            hypotheses=turn.hypotheses,
        )

    def _begun(self, turn: Turn, pieces: "_Pieces") -> "_Pieces | None":
        """The digits so far of a value that comes in pieces: "four seven" ... "one nine"."""
        digits = self._digits(turn.text)
        so_far = pieces.including(turn.at, digits or "")
        return so_far if digits and self._question.more_keys(str(so_far)) else None

    def _digits(self, text: str) -> str | None:
        kind = self._question.input
        return kind.digits_in(text) if isinstance(kind, DigitsInput | PhoneInput) else None

    # -- keys

    async def _complete(self, pressed: str) -> Answer:
        """No longer answer is possible. The key that ends a value may follow all the same."""
        answer = self._pressed(pressed, finished=True)
        if answer.kind != "typed" or not self._question.finish:
            return answer
        if self._timers.term == 0:
            self._run.late_key = (self._question.finish, self._run.session.clock)
            return answer
        turn = await self._run.listen(self._timers.term)
        if turn.reason == "speech" or (turn.reason == "dtmf" and turn.text.upper() != self._question.finish):
            self._run.push_back(turn)
        return answer

    def _pressed(self, pressed: str, *, finished: bool) -> Answer:
        found = self._question.pressed(pressed, finished=finished)
        if found is None:
            return Answer(kind="nomatch", by="keys", text=pressed)
        if isinstance(found, TypedValue):
            return Answer(kind="typed", by="keys", typed=found, text=pressed)
        kind, name = found
        return Answer(kind=kind, by="keys", name=name, text=pressed)

    def _is_late_key(self, key: str) -> bool:
        late, self._run.late_key = self._run.late_key, None
        if late is None or late[0] != key or self._question.names_keys(key):
            return False
        return self._run.session.clock - late[1] <= LATE_KEY_S * VAD_RATE
