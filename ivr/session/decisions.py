"""``Decision``: every decision of turn-taking in one form, for the log and for subscribers (a debug
recording, a test, a replay that compares).
"""

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ivr.text import json_text

STAGES: Mapping[str, str] = {
    "session": "first line of a recording: rate, options, the call's id",
    "state": "the session's state changed (name)",
    "say_started": "a prompt begins to play (prompt, text, options, planned_ms when known)",
    "say_ended": "it is over (prompt, heard_ms, heard_text, interrupted, planned_ms; word_times: what the "
    "speech engine timed: its words, each with the milliseconds at which it begins and ends)",
    "duck": "the prompt is ducked: the caller may have begun to speak",
    "restore": "it returns to full volume: there was no speech",
    "stop": "the prompt yields (cause; latency_ms from the onset on)",
    "confirm": "words came: the prompt that was stopped is over (words, confidence)",
    "resume": "it resumes after a false interruption (from_ms)",
    "ignore": "why an onset did not interrupt (words and confidence, once they are known)",
    "speech_began": "the caller speaks (onset, probability)",
    "paused": "the turn detector's answer about a short silence in the caller's turn (onset, offset; "
    "probability that the turn is over; answered_at, when it came)",
    "complete": "the turn is complete before silence alone would say so",
    "discard": "what was made at the pause, or before it, is thrown away: transcript and reply (asked; "
    "answered: the transcript had come)",
    "cut_in": "the caller has spoken for too long, and is interrupted",
    "turn_ended": "the caller's turn is over (onset, offset; reason: silence, complete, max_turn, flushed)",
    "transcript": "what the caller said (onset and offset of the speech; asked, the end of the sound that "
    "was transcribed; text, confidence; interim: not known, when it came, to be a whole turn)",
    "expect": "the question to the caller (kind, choices, asks)",
    "listen": "the plan waits for a turn (timeout_s)",
    "noinput": "nothing was said in time",
    "dtmf": "a key (digit)",
    "recording": "the recording was paused or resumed (paused)",
}
"""Stage to its meaning, with the details it has besides probability, duration_ms, words, echo (0 to 1),
latency_ms and prompt (its number in the call), which any may have. Where words decided, probability is the
highest of their speech. Positions (``onset``, ``offset``,
``asked``, ``answered_at``) are samples like ``at``."""

KEPT_TEXTS = frozenset({"reason", "name", "cause", "options", "kind", "choices", "asks"})
"""Details other than numbers that are kept of what is private: none is the caller's."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. ``details`` holds what JSON can hold, under names other than the fields'."""

    at: int
    """Samples of 16 kHz since the session's clock began."""
    stage: str
    """One of ``STAGES``."""
    rule: str = ""
    """The rule that decided, where there was a choice."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def flat(self) -> dict[str, Any]:
        """All fields side by side, the details among them; no rule when there was none."""
        rule = {"rule": self.rule} if self.rule else {}
        return {"at": self.at, "stage": self.stage, **rule, **self.details}

    def to_json(self) -> str:
        """One line, without its end."""
        return json_text(self.flat())

    def without_texts(self) -> Self:
        """What may be kept of it when it is about something private: marked ``hidden``."""
        kept = {
            name: value
            for name, value in self.details.items()
            if value is None or isinstance(value, bool | int | float) or name in KEPT_TEXTS
        }
        return dataclasses.replace(self, details={**kept, "hidden": True})

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The reverse of ``to_json``. Raises ValueError for anything else."""
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise ValueError("a decision is a JSON object")
        at, stage, rule = fields.pop("at", None), fields.pop("stage", None), fields.pop("rule", "")
        if type(at) is not int or not isinstance(stage, str) or not isinstance(rule, str):
            raise ValueError("a decision has at (a whole number of samples), stage and perhaps rule (text)")
        return cls(at, stage, rule, fields)


DecisionCallback = Callable[[Decision], None]


class Decisions:
    """Records the decisions of a session. Everything here may be called from any thread: the loop and the
    detector's thread do.
    """

    def __init__(self, log: Any, hides: Callable[[Decision], bool] = lambda decision: False) -> None:
        """``hides``: which decisions are about something private, and are noted without their texts."""
        self._log, self._hides = log, hides
        self._subscribers: tuple[DecisionCallback, ...] = ()  # replaced, never changed
        self._lock = threading.Lock()

    def note(self, at: int, stage: str, rule: str = "", **details: Any) -> Decision:
        """Log a decision as the line ``turn_taking`` at level debug and hand it to the subscribers, on this
        thread.
        """
        decision = Decision(int(at), stage, rule, details)
        if self._hides(decision):
            decision = decision.without_texts()
        self._log.debug("turn_taking", **decision.flat())
        for subscriber in self._subscribers:
            try:
                subscriber(decision)
            except Exception:
                # An error of a subscriber does not end the call; it gets no further decisions.
                self._log.exception("decision_subscriber_failed", stage=stage)
                self._drop(subscriber)
        return decision

    def subscribe(self, callback: DecisionCallback) -> Callable[[], None]:
        """``callback(Decision)`` is called on the thread of the decision and must not wait. One that raises
        is not called again. Returns an unsubscribe; calling it twice does no harm.
        """
        with self._lock:
            self._subscribers += (callback,)
        return lambda: self._drop(callback)

    def _drop(self, callback: DecisionCallback) -> None:
        with self._lock:
            self._subscribers = tuple(each for each in self._subscribers if each is not callback)
