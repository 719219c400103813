"""Barge-in by sound, on the detector's thread, within the window that decides: at the first sign of speech
the prompt is ducked; once speech is certain, and no rule of the prompt forbids it, it is stopped; if there
was no speech, it returns to full volume. What needs words is decided later, on the loop
(``interruptions.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.session.prompt.handle import SayHandle
from ivr.session.turn.barge_in_rules import SOUND_RULES, SoundRule
from ivr.vad.events import (
    SpeechContinued,
    SpeechDipped,
    SpeechEnded,
    SpeechPaused,
    SpeechRuledOut,
    SpeechStarted,
    SpeechSuspected,
    VadEvent,
)

REMEMBERED = 8
"""Turns whose words may still be on their way."""


class Note(Protocol):
    """Records a decision."""

    def __call__(self, at: int, stage: str, rule: str = "", **details: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class DismissedSpeech:
    """Speech of which the words so far were nothing: ``prompt`` resumed over it."""

    prompt: SayHandle
    onset: int | None
    """The speech that stops no prompt as long as it continues; None once the caller has paused: what follows
    a pause is new and may stop one."""


class BargeInControl:
    """Ducks and stops the prompts of a session. ``on_event`` belongs to the detector's thread; ``dismissed``
    is set by the loop and read there.
    """

    def __init__(
        self,
        head: Callable[[], SayHandle | None],
        note: Note,
        rules: tuple[SoundRule, ...] = SOUND_RULES,
    ) -> None:
        """``head`` returns the prompt that is playing, on any thread."""
        self._head, self._note, self._rules = head, note, rules
        self._ducked: SayHandle | None = None
        self._echo = 0.0
        """Share of the latest sound that was the echo of a prompt, 0 to 1."""
        self._noted: str | None = None
        """The rule, already noted, that keeps a prompt playing over the current speech."""
        self.dismissed: DismissedSpeech | None = None
        self._evidence: dict[int, dict[str, Any]] = {}
        """Speech by onset; each entry is replaced, never changed."""
        self._latest = 0
        """The latest onset."""

    def evidence(self, onset: int | None = None) -> dict[str, Any]:
        """What is logged of the speech that began at ``onset``, by default of the latest, where its words
        decide: its length, its highest probability, how much of its beginning was echo. Any thread.
        """
        return self._evidence.get(self._latest if onset is None else onset, {})

    def on_event(self, event: VadEvent) -> SayHandle | None:
        """Return the prompt that this event has stopped."""
        match event:
            case SpeechSuspected(at, probability, echo):
                self._echo = echo
                head = self._head()
                if head is not None:
                    rule = self._rule(head, 0)
                    if rule is None or rule.temporary:
                        self._duck(head, at, probability)
            case SpeechRuledOut(at):
                self._restore(at, "no speech")
            case SpeechStarted():
                self._echo = event.echo
                self._remember(event)
                return self._on_speech(event)
            case SpeechContinued() | SpeechDipped():
                self._remember(event)
                return self._on_speech(event)
            case SpeechPaused():
                self._remember(event)
            case SpeechEnded():
                self._remember(event)
                self._restore(event.at, self._noted or "speech ended")
                self._noted = None
        return None

    def _remember(
        self, event: SpeechStarted | SpeechContinued | SpeechDipped | SpeechPaused | SpeechEnded
    ) -> None:
        before = self._evidence.get(event.onset, {"probability": 0.0, "echo": 0.0})
        if isinstance(event, SpeechPaused | SpeechEnded):
            offset, probability = event.offset, 0.0
        else:
            offset, probability = event.at - 1, round(event.probability, 3)
        self._evidence[event.onset] = {
            "onset": event.onset,
            "offset": offset,
            "duration_ms": round(samples_to_ms(offset + 1 - event.onset, VAD_RATE)),
            "probability": max(before["probability"], probability),
            "echo": round(event.echo, 2) if isinstance(event, SpeechStarted) else before["echo"],
        }
        self._latest = event.onset
        if len(self._evidence) > REMEMBERED:
            del self._evidence[min(self._evidence)]

    def _on_speech(self, event: SpeechStarted | SpeechContinued | SpeechDipped) -> SayHandle | None:
        head = self._head()
        if head is None or head.stop_cause is not None:
            return None
        dismissed = self.dismissed
        if dismissed is not None and dismissed.onset == event.onset:
            return None
        rule = self._rule(head, event.at - event.onset)
        if rule is not None and rule.temporary:
            self._duck(head, event.at, event.probability)
        if rule is not None and rule.name == self._noted:
            return None
        duration = round(samples_to_ms(event.at - event.onset, VAD_RATE))
        details: dict[str, Any] = {
            "onset": event.onset,
            "probability": round(event.probability, 3),
            "prompt": head.number,
            "duration_ms": duration,
            "echo": round(self._echo, 2),
        }
        if rule is not None:
            self._noted = rule.name
            self._note(event.at, "ignore", rule.name, **details)
            return None
        if not head.stop("speech"):
            return None  # a key was quicker
        self._ducked = self._noted = None
        self._note(event.at, "stop", "speech", **details, latency_ms=duration, cause="speech")
        return head

    def _rule(self, head: SayHandle, speech: int) -> SoundRule | None:
        """The rule by which ``speech`` samples of speech leave the prompt playing."""
        for rule in self._rules:
            if rule.keeps_playing(head, speech):
                return rule
        return None

    def _duck(self, head: SayHandle, at: int, probability: float) -> None:
        if head.duck():
            self._ducked = head
            why = {"probability": round(probability, 3), "echo": round(self._echo, 2), "prompt": head.number}
            self._note(at, "duck", "first sign of speech", **why)

    def _restore(self, at: int, rule: str) -> None:
        head, self._ducked = self._ducked, None
        if head is not None and head.stop_cause is None:
            head.restore()
            self._note(at, "restore", rule, prompt=head.number)
