"""Who has the floor while a prompt plays, decided where the speech is heard: on the detector's thread, within
the window that decides. What needs words is decided later, on the loop (``interruption.py``).

Two stages: at the first sign of speech the prompt is ducked; once speech is certain, and every rule of the
prompt allows it, it is stopped; if it was nothing, it comes back up.
"""

from typing import Any, Protocol

from ivr.audio.frames import VAD_RATE, ms_to_samples, samples_to_ms
from ivr.session.prompt.handle import SayHandle
from ivr.vad.base import (
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


class Head(Protocol):
    """What plays."""

    @property
    def head(self) -> SayHandle | None:
        """The prompt that is playing now. Any thread."""


class Note(Protocol):
    def __call__(self, at: int, stage: str, rule: str = "", **details: Any) -> None: ...


class BargeInControl:
    """One session's. ``hear`` belongs to the detector's thread; ``dismissed`` is set by the loop and cleared
    here when the speech it is about has ended.
    """

    def __init__(self, playlist: Head, note: Note) -> None:
        self._playlist, self._note = playlist, note
        self._ducked: SayHandle | None = None
        self._echo = 0.0
        """How much of what was heard last was our own echo, 0 to 1."""
        self._told: str | None = None
        """The rule that last kept a prompt playing over the speech that goes on."""
        self.dismissed = False
        """The speech that goes on was found to be nothing: it stops no prompt."""
        self._evidence: dict[int, dict[str, Any]] = {}
        """By onset; each is replaced, never changed."""
        self._latest = 0
        """Onset."""

    def evidence(self, onset: int | None = None) -> dict[str, Any]:
        """What is logged of the speech that began at ``onset``, by default of the latest, where its words
        decide: how long it was, its highest probability, how much of its beginning was echo. Any thread.
        """
        return self._evidence.get(self._latest if onset is None else onset, {})

    def hear(self, event: VadEvent) -> SayHandle | None:
        """The prompt that this event has stopped."""
        if isinstance(event, SpeechStarted | SpeechContinued | SpeechDipped | SpeechPaused | SpeechEnded):
            self._keep(event)
        match event:
            case SpeechSuspected(at, probability, echo):
                self._echo = echo
                head = self._playlist.head
                if head is not None and self._may_stop(head):
                    self._duck(head, at, probability)
            case SpeechRuledOut(at):
                self._restore(at, "it was nothing")
            case SpeechStarted(onset, at, probability, echo):
                self._echo = echo
                return self._speech(onset, at, probability)
            case SpeechContinued(onset, at, probability) | SpeechDipped(onset, at, probability):
                return self._speech(onset, at, probability)
            case SpeechEnded():
                self._restore(event.at, self._told or "speech ended")
                self._told = None
                self.dismissed = False
        return None

    def _keep(
        self, event: SpeechStarted | SpeechContinued | SpeechDipped | SpeechPaused | SpeechEnded
    ) -> None:
        was = self._evidence.get(event.onset, {"probability": 0.0, "echo": 0.0})
        if isinstance(event, SpeechPaused | SpeechEnded):
            offset, probability = event.offset, 0.0
        else:
            offset, probability = event.at - 1, round(event.probability, 3)
        self._evidence[event.onset] = {
            "onset": event.onset,
            "offset": offset,
            "duration_ms": round(samples_to_ms(offset + 1 - event.onset, VAD_RATE)),
            "probability": max(was["probability"], probability),
            "echo": round(event.echo, 2) if isinstance(event, SpeechStarted) else was["echo"],
        }
        self._latest = event.onset
        if len(self._evidence) > REMEMBERED:
            del self._evidence[min(self._evidence)]

    def _speech(self, onset: int, at: int, probability: float) -> SayHandle | None:
        head = self._playlist.head
        if head is None or head.done or head.yielding or self.dismissed:
            return None
        rule = self._rule(head, at - onset)
        duration = round(samples_to_ms(at - onset, VAD_RATE))
        why: dict[str, Any] = {"onset": onset, "probability": round(probability, 3), "prompt": head.number}
        why |= {"duration_ms": duration, "echo": round(self._echo, 2)}
        if rule is not None:
            if rule in ("min_speech", "words"):
                self._duck(head, at, probability)
            if rule != self._told:
                self._told = rule
                self._note(at, "ignore", rule, **why)
            return None
        head.yielding = True
        head.buffer.stop()
        self._ducked = self._told = None
        self._note(at, "stop", "speech", **why, latency_ms=duration, cause="speech")
        return head

    def _may_stop(self, head: SayHandle) -> bool:
        return not self.dismissed and self._rule(head, 0) in (None, "min_speech", "words")

    @staticmethod
    def _rule(head: SayHandle, speech: int) -> str | None:
        """Why ``speech`` samples of it do not stop the prompt; None when they do."""
        if not head.yields_to("speech"):
            return "barge_in"
        if head.protected("speech"):
            return "protect"
        if speech < ms_to_samples(head.options.min_speech_ms, VAD_RATE):
            return "min_speech"
        return "words" if head.options.by_words else None

    def _duck(self, head: SayHandle, at: int, probability: float) -> None:
        if self._ducked is head or not head.options.duck_db:
            return
        self._ducked = head
        head.buffer.set_gain(10 ** (-head.options.duck_db / 20))
        why = {"probability": round(probability, 3), "echo": round(self._echo, 2), "prompt": head.number}
        self._note(at, "duck", "first sign of speech", **why)

    def _restore(self, at: int, rule: str) -> None:
        head, self._ducked = self._ducked, None
        if head is not None and not head.yielding:
            head.buffer.set_gain(1.0)
            self._note(at, "restore", rule, prompt=head.number)
