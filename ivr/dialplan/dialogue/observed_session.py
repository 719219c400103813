"""Adds to an event log what happens in a call: in its session, and in the log of its plan."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.plan_log import LogListener
from ivr.dialplan.plan.plan import Plan
from ivr.session import AudioClip, Decision, SayHandle, SessionState, Turn, VoiceSession
from ivr.session.prompt.synthesis import SaySource


class _Said(NamedTuple):
    text: str
    file: str = ""
    """Name of the sound file in the plan."""
    sound: bool = False


class ObservedSession(VoiceSession):
    """A session that adds its prompts to an event log when they begin and end, and knows when the plan waits
    for the caller.
    """

    def __init__(self, event_log: EventLog, plan: Plan, **parts: Any) -> None:
        """``plan`` has the names of its sounds. The rest goes to ``VoiceSession``."""
        super().__init__(**parts)
        self._event_log = event_log
        self._files = {id(clip): name for name, clip in plan.sounds.items()}
        self._said: dict[int, _Said] = {}
        self._saying: _Said | None = None
        self._written: set[int] = set()
        """Numbers of the prompts whose text was not complete when they began."""
        self._listeners = 0
        self.waits_s: float | None = None
        """Seconds of the current ``listen`` until no-input; None while the plan does not listen."""
        self.on_decision(self._noted)

    @property
    def waiting(self) -> bool:
        """Whether the plan listens or records, and no turn of the caller is in progress."""
        if self.state in (SessionState.INITIAL, SessionState.ENDED):
            return False
        return (self._listeners > 0 or self.waits_for_audio) and not self.caller_active

    async def say(self, source: SaySource, **how: Any) -> SayHandle:
        # It may begin before its handle is known. Decisions have no texts while a plan asks for something
        # private; a dialogue has to know them all the same.
        match source:
            case str():
                self._saying = _Said(source)
            case AudioClip():
                self._saying = _Said(source.text, self._files.get(id(source), ""), sound=True)
            case _:
                self._saying = _Said("")
        handle = await super().say(source, **how)
        self._said[handle.number] = self._saying
        if isinstance(source, AsyncIterator):
            self._written.add(handle.number)
        return handle

    async def listen(self, timeout: float | None = None) -> Turn:  # noqa: ASYNC109  (as in the base class)
        self._listeners += 1
        self.waits_s = timeout
        try:
            return await super().listen(timeout)
        finally:
            self._listeners -= 1
            self.waits_s = None

    def _noted(self, decision: Decision) -> None:
        details = decision.details
        if decision.stage == "say_started":
            number = details["prompt"]
            said = self._said.get(number) or self._saying or _Said("")
            text = said.text or str(details.get("text", ""))
            kind = "pause" if said.sound and not said.file and not text else "prompt"
            self._event_log.add(kind, text, number, file=said.file)
        elif decision.stage == "say_ended":
            if details["prompt"] in self._written:  # now it is known what was said
                self._event_log.add("prompt", str(details.get("heard_text", "")), details["prompt"])
            kind = "cut" if details["interrupted"] else "said"
            self._event_log.add(kind, str(details.get("heard_text", "")), details["prompt"])


def record_plan_events(event_log: EventLog) -> LogListener:
    """Return a listener for a plan's log that adds the events that dialogues can ask for."""

    def note(event: str, fields: dict[str, Any]) -> None:
        if event == "step_entered":
            event_log.add("step", fields["step"])
        elif event == "noinput":
            event_log.add("noinput", f"{fields.get('attempt', '')} of {fields.get('attempts', '')}")
        elif event == "verb_failed":
            event_log.add("failed", f"{fields['verb']} on line {fields['line']}: {fields.get('error', '')}")
        elif event == "plan_ended":
            event_log.add("ended", fields["reason"])

    return note
