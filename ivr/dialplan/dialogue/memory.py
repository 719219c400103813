"""``ivr test`` in memory: the real session and the real plan on virtual time, without sound and engines."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from ivr.audio.frames import BYTES_PER_SAMPLE
from ivr.dialplan.dialogue.call import KEY_MS, LocalCall
from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.observed_session import ObservedSession
from ivr.dialplan.dialogue.plan_log import DiscardLog
from ivr.dialplan.dialogue.reader import Dialogue, DialogueFile
from ivr.dialplan.dialogue.runner import DialogueRunner, Outcome
from ivr.dialplan.dialogue.virtual_time import VirtualTimeLoop
from ivr.dialplan.plan.plan import Plan
from ivr.session import AudioClip, SessionConfig
from ivr.session.scripted.engines import ScriptedPlayer, ScriptedStt, ScriptedTts, speech_ms
from ivr.session.scripted.vad import ScriptedVad


class MemoryCall(LocalCall):
    """A ``DialogueCall`` without sound: words and times of the caller come from the dialogue."""

    def __init__(
        self,
        plan: Plan,
        dialogue: Dialogue,
        files: Path,
        config: SessionConfig | None = None,
    ) -> None:
        """``files`` is the folder for the messages that callers leave."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop), "a call in memory runs on a VirtualTimeLoop"
        self._loop = loop
        self._began = loop.time()
        event_log = EventLog(lambda: self.now)
        self._player = ScriptedPlayer(self._on_prompt_change)
        self._vad = ScriptedVad(lambda: self._player.playing)
        session = ObservedSession(
            event_log,
            plan,
            stt=ScriptedStt(),
            tts=ScriptedTts(),
            vad=self._vad,
            player=self._player,
            config=config,
            log=DiscardLog(),
            warn_without_audio_s=None,
        )
        super().__init__(plan, dialogue, files, session, event_log)
        self._keys: list[asyncio.TimerHandle] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for key in self._keys:
            key.cancel()
        await super().__aexit__(*exc)

    def _on_prompt_change(self) -> None:
        self._vad.stream.on_prompt_change()

    # -- ``DialogueCall``

    @property
    def now(self) -> float:
        return self._loop.time() - self._began

    @property
    def waiting(self) -> bool:
        return self.session.waiting and not self.caller_busy and not self._player.playing

    @property
    def caller_busy(self) -> bool:
        return bool(self._keys) or self._vad.stream.busy

    async def settle(self) -> None:
        await self._loop.idle()

    async def advance(self, until: float | None = None) -> bool:
        if until is None:
            return await self._loop.advance()
        alarm = self._loop.call_at(self._began + until, lambda: None)
        try:
            return await self._loop.advance()
        finally:
            alarm.cancel()

    async def say(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        length_ms = speech_ms(text) if lasts_s is None else lasts_s * 1000
        self._vad.stream.say(text, length_ms, confidence, after_s * 1000)

    async def play(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        length_ms = len(clip.pcm16) / BYTES_PER_SAMPLE / clip.sample_rate * 1000
        self._vad.stream.say(text, length_ms, 1.0, after_s * 1000)

    def press(self, keys: str, *, after_s: float) -> None:
        for place, key in enumerate(keys):
            at = self._loop.time() + after_s + place * KEY_MS / 1000
            self._keys.append(self._loop.call_at(at, self._press, key))

    async def hang_up(self) -> None:
        await self.session.stop()
        self.runner.caller_left()
        while not self._task.done() and await self._loop.advance():
            pass

    def _press(self, key: str) -> None:
        del self._keys[0]
        self.session.process_dtmf(key)


def run_in_memory(
    file: DialogueFile,
    dialogues: Iterable[Dialogue] | None = None,
    *,
    config: SessionConfig | None = None,
    coverage: Coverage | None = None,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Run the dialogues of a file (``dialogues``: only those), each in a call of its own, without sound,
    engines or waiting.

    ``config`` is the session part of the service's settings; ``done`` receives each outcome as it comes.
    """
    chosen: Sequence[Dialogue] = file.dialogues if dialogues is None else tuple(dialogues)
    outcomes: list[Outcome] = []

    async def run_all(files: Path) -> None:
        for dialogue in chosen:
            outcome = await _run(file, dialogue, files, config, coverage)
            outcomes.append(outcome)
            done(outcome)

    loop = VirtualTimeLoop()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-test-") as files:
            loop.run_until_complete(run_all(Path(files)))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    return outcomes


async def _run(
    file: DialogueFile,
    dialogue: Dialogue,
    files: Path,
    config: SessionConfig | None,
    coverage: Coverage | None,
) -> Outcome:
    began = time.perf_counter()
    async with MemoryCall(file.plan, dialogue, files, config) as call:
        if coverage is not None:
            call.listen(coverage.visitor(call.runner))
        outcome = await DialogueRunner(dialogue, call, file.sounds).run()
    outcome.took_s = time.perf_counter() - began
    return outcome
