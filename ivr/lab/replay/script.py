"""What the plan and the caller's keys did on a recorded call, repeated at the same samples in a replay."""

import contextlib
import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Any

from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import InputSpec
from ivr.lab.replay.engines import RealSTT, RecordedSTT
from ivr.lab.replay.prompts import PromptOptions, sound_of
from ivr.service.recording.recording import Recording
from ivr.session import Decision, Expectation, SayHandle, SessionEnded, SessionState, VoiceSession
from ivr.tasks import TaskSupervisor

ACTIONS = ("say_started", "say_ended", "listen", "expect", "transcript")
"""Stages that show what the plan did, and what it reacted to."""


class RecordedScript:
    """The actions of the plan and the keys of the caller, in order.

    A prompt at which the caller was silent on the call waits while the caller speaks in the replay.
    """

    def __init__(
        self,
        recording: Recording,
        session: VoiceSession,
        stt: RecordedSTT | RealSTT,
        options: PromptOptions,
    ) -> None:
        self._recording, self._session, self._stt, self._options = recording, session, stt, options
        self._keys = deque(_recorded(recording, "dtmf"))
        self._actions = deque(_recorded(recording, *ACTIONS))
        self._stopped = _stopped_by_caller(recording)
        self._playing: SayHandle | None = None
        self._prompt: Any = None
        """The number of the playing prompt in the recording."""
        self._cut_short = True
        """The playing prompt did not come to its end in the recording."""
        self._tasks = TaskSupervisor()
        self._onset: int | None = None
        """Where the caller's running turn began, in the replay; None while the caller is silent."""
        self.numbers: dict[int, Any] = {}
        """A prompt's number in the replay to that in the recording."""
        self._over_speech = _begun_over_speech(recording)

    def note(self, decision: Decision) -> None:
        """Take in a decision of the replay."""
        if decision.stage in ("speech_began", "turn_ended"):
            self._onset = decision.details["onset"] if decision.stage == "speech_began" else None

    async def step(self, clock: int) -> bool:
        """Do the next action if it is due at ``clock`` (samples of the session); False when none is."""
        if self._keys and self._keys[0].at <= clock:
            digit = self._keys.popleft().details.get("digit")
            if isinstance(digit, str):
                self._session.process_dtmf(digit)
            return True
        if not self._actions or self._actions[0].at > clock or self._must_wait(self._actions[0]):
            return False
        action = self._actions.popleft()
        match action.stage:
            case "say_started":
                await self._say(action)
            case "say_ended":
                self._cancel(action)
            case "listen":
                await self._listen(action.details.get("timeout_s"))
            case "expect":
                self._session.set_expectation(recorded_expectation(action))
        return True

    def _must_wait(self, action: Decision) -> bool:
        """What the action followed in the recording has not happened yet."""
        match action.stage:
            case "say_started":
                return self._onset is not None and action.details.get("prompt") not in self._over_speech
            case "transcript":
                until = action.details.get("offset", action.at)
                return self._stt.busy > 0 or (self._onset is not None and self._onset <= until)
            case "listen":
                return self._tasks.running > 0 and (self._onset is not None or self._stt.busy > 0)
        return False

    async def aclose(self) -> None:
        """Stop listening."""
        await self._tasks.aclose()

    async def _say(self, action: Decision) -> None:
        if self._playing is not None and self._cut_short:
            self._playing.cancel()
        ended = next((d for d in self._actions if _is_end(d, action)), None)
        self._prompt = action.details.get("prompt")
        self._cut_short = ended is None or bool(ended.details.get("interrupted"))
        clip = sound_of(self._recording, action)
        self._playing = await self._session.say(clip, options=self._options.for_prompt(action))
        self.numbers[self._playing.number] = self._prompt

    def _cancel(self, action: Decision) -> None:
        """End a prompt that the plan, or the end of the call, cut short; not one that the caller stopped."""
        prompt = action.details.get("prompt")
        cut = action.details.get("interrupted") and prompt == self._prompt and prompt not in self._stopped
        if cut and self._playing is not None:
            self._playing.cancel()

    async def _listen(self, timeout_s: float | None) -> None:
        await self._tasks.aclose()
        self._tasks.start(self._turn(timeout_s), "listening of the plan")

    async def _turn(self, timeout_s: float | None) -> None:
        with contextlib.suppress(SessionEnded):
            await self._session.listen(timeout_s)


def _recorded(recording: Recording, *stages: str) -> Iterator[Decision]:
    """The decisions of these stages up to the end of the session, which ends everything by itself; without
    what the session said by itself, for it does so again.
    """
    own = False
    for decision in recording.decisions:
        if decision.stage == "state" and decision.details.get("name") == SessionState.ENDED:
            return
        if decision.stage == "cut_in":
            own = True
        elif own and decision.stage == "say_started":
            own = False
        elif decision.stage in stages and not decision.details.get("interim"):
            yield decision


def recorded_expectation(decision: Decision) -> Expectation:
    """The expectation that a decision ``expect`` recorded; free speech for a question of another version."""
    choices = {name: (say, press) for name, (say, press) in (decision.details.get("choices") or {}).items()}
    asks = decision.details.get("asks")
    try:
        asked = InputSpec.from_plain(asks) if asks else None
        expected = expected_answers(choices, spec=asked) if choices or asked else Expectation()
    except (KeyError, ValueError):
        expected = Expectation()
    return dataclasses.replace(expected, kind=decision.details.get("kind") or expected.kind)


def _stopped_by_caller(recording: Recording) -> set[Any]:
    """The numbers of the prompts that the caller stopped and that did not resume."""
    found: set[Any] = set()
    for decision in recording.of("stop", "resume"):
        change = found.add if decision.stage == "stop" else found.discard
        change(decision.details.get("prompt"))
    return found


def _is_end(decision: Decision, of: Decision) -> bool:
    return decision.stage == "say_ended" and decision.details.get("prompt") == of.details.get("prompt")


def _begun_over_speech(recording: Recording) -> set[Any]:
    """The numbers of the prompts that began while the caller was speaking."""
    speaking, found = False, set()
    for decision in recording.of("speech_began", "turn_ended", "say_started"):
        if decision.stage == "say_started":
            if speaking:
                found.add(decision.details.get("prompt"))
        else:
            speaking = decision.stage == "speech_began"
    return found
