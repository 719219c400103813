"""queue: the caller waits until somebody is free."""

import asyncio
import contextlib
import dataclasses
import functools
import math
from collections.abc import Coroutine, Iterator, Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from ivr.audio.frames import LINE_RATE, VAD_RATE
from ivr.audio.resample import resample
from ivr.audio.tones import waiting
from ivr.dialplan.plan.verb import GoTo, Next, Verb, names_in
from ivr.dialplan.runtime.control import Dial, TransferResult
from ivr.dialplan.runtime.menu import Menu
from ivr.dialplan.runtime.queues import Ticket
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.fields import (
    Duration,
    Fields,
    KeysList,
    OneOrMany,
    SoundFiles,
    Span,
    StepName,
    TextList,
    refuse,
)
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Said, Target, Targets, TemplateText, say
from ivr.dialplan.verbs.transfer import plainly, whispered
from ivr.session.types import AudioClip
from ivr.tasks import child_task

POSITION_TEXT = "You are number {{ position }} in the queue."
OWN_NAMES = frozenset({"position", "wait_minutes"})
"""What an announcement may read besides the variables."""
_BY_VOICE = PromptOptions.model_validate({"barge_in": "any", "hotword": "true"})
_BY_KEY = PromptOptions(barge_in="dtmf")
_FRAME = LINE_RATE // 50


class Leave(Fields):
    """A way out of the queue that the caller may choose."""

    say: TextList = Field(default=(), description="a phrase, or a list of phrases")
    press: KeysList = Field(default=(), description="a key, or a list of keys")
    goto: StepName = Field(description="the step to go to, such as one that offers to call back")

    @model_validator(mode="after")
    def _can_be_chosen(self) -> "Leave":
        if not self.say and not self.press:
            raise refuse("a way out needs a 'say' or a 'press', or nobody can choose it")
        return self


class Queue(Verb):
    """Let the caller wait, with music and announcements of their position, until one of ``agents`` is free,
    and connect them.

    Callers of one ``name`` are served in the order in which they came; the next caller gets the first free
    agent, who talks with one caller at a time. An agent who is busy or does not answer is tried again
    later. The order is that of one process: with several workers each serves its own callers.
    """

    name: ClassVar[str] = "queue"
    listens: ClassVar[bool] = True
    reaches_a_person: ClassVar[bool] = True
    events: ClassVar[Mapping[str, str]] = {
        "after": "the caller has talked with one of `agents`, who has left",
        "too_long": "nobody was free for `max_wait`",
        "full": "`max_callers` are waiting already",
    }
    errors: ClassVar[Mapping[str, str]] = {"bad_value": "a value is missing, or sensitive"}

    queue: TemplateText = Field(
        default="main", alias="name", description="the queue's name", validate_default=True
    )
    agents: Targets = Field(
        description='who callers wait for: extensions such as "201" or addresses, the first is tried first'
    )
    music: SoundFiles = Field(
        default=(), description="a WAV file to hear while waiting, or a list; a soft tone when not given"
    )
    announce: Said | None = Field(
        default=None,
        description="a text said now and then, which may have {{ position }} and {{ wait_minutes }} in it; a "
        "built-in one when not given",
    )
    every: Duration = Field(default=45.0, description="how long between two announcements, such as 45s")
    first: Span = Field(
        default=0.0, description="how long before the first announcement, such as 10s; 0s is at once"
    )
    max_wait: Duration = Field(default=600.0, description="how long a caller may wait, such as 10m")
    max_callers: int = Field(
        default=100, ge=1, le=10_000, description="how many may wait; further ones go to `full`"
    )
    timeout: Duration = Field(default=20.0, description="how long each agent is rung, such as 20s")
    whisper: Said | None = Field(
        default=None, description="said to the agent who answers, before they are connected"
    )
    caller_id: Target | None = Field(
        default=None, description="the caller ID that the agents see; that of the account when not given"
    )
    leave: Annotated[tuple[Leave, ...], OneOrMany(dict)] = Field(
        default=(),
        description="a way out for the caller: a mapping of say, press and goto, or a list of them",
    )
    after: StepName | None = Field(
        default=None, description="the step to go to when they have talked; else the next verb follows"
    )
    too_long: StepName | None = Field(
        default=None, description="the step to go to after max_wait; else the next verb follows"
    )
    full: StepName | None = Field(
        default=None, description="the step to go to when too many wait; that of too_long when not given"
    )

    _menu: Menu = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._menu = Menu({str(at): (way.say, way.press) for at, way in enumerate(self.leave)})

    @property
    def _by_voice(self) -> bool:
        return any(way.say for way in self.leave)

    @property
    def _prompt_options(self) -> PromptOptions:
        """Talk in the room stops nothing, only words that lead out of here do, and keys."""
        return _BY_VOICE if self._by_voice else _BY_KEY

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        for way in self.leave:
            yield " or ".join((*way.say[:1], *way.press[:1])), way.goto
        for why in ("after", "too_long", "full"):
            goto = getattr(self, why)
            if goto is not None:
                yield why, goto

    def always_leaves(self) -> bool:
        return self.after is not None and self.too_long is not None

    def prompts(self) -> Iterator[str]:
        for text in (self.whisper, self.announce):
            if text is not None:
                yield from text.literals()

    def reads(self) -> Iterator[str]:
        return self._names("names")

    def requires(self) -> Iterator[str]:
        return self._names("needed")

    def _names(self, which: str) -> Iterator[str]:
        for field in type(self).model_fields:
            own = OWN_NAMES if field == "announce" else frozenset()
            yield from (name for name in names_in(getattr(self, field), which) if name not in own)

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        for field, value in (("name", self.queue), ("agents", self.agents), ("caller_id", self.caller_id)):
            yield field, frozenset(names_in(value))

    async def run(self, run: Run) -> Next:
        queues = run.world.queues
        name = plainly(run, self.queue)
        agents = tuple(plainly(run, agent) for agent in self.agents)
        await run.call.answer()
        if queues.length(name) >= self.max_callers:
            run.log.info("queue_full", queue=name, waiting=queues.length(name))
            return self._to(self.full or self.too_long)
        ticket = queues.join(name, agents)
        began = run.session.clock
        run.log.info("queue_joined", queue=name, position=queues.position(ticket))
        connected = asyncio.Event()
        try:
            async with child_task(self._served(run, ticket, connected), "queue agents") as serving:
                left = await self._wait(run, ticket, connected, serving)
                waited = round((run.session.clock - began) / VAD_RATE, 1)
                if left is not None:
                    reason = "too_long" if left == "too_long" else "left"
                    run.log.info("queue_left", queue=name, reason=reason, waited_s=waited)
                    timed_out = reason == "too_long"
                    return self._to(self.too_long) if timed_out else GoTo(self.leave[int(left)].goto)
                run.log.info("queue_answered", queue=name, waited_s=waited)
                result = await serving
        finally:
            queues.leave(ticket)
        run.caller_answered()
        run.log.info("queue_served", queue=name, to=result.to, seconds=round(result.seconds, 1))
        return self._to(self.after)

    @staticmethod
    def _to(step: str | None) -> Next:
        return GoTo(step) if step is not None else None

    # -- the agents' side

    async def _served(self, run: Run, ticket: Ticket, connected: asyncio.Event) -> TransferResult:
        """Dial agents until one has answered and the talk is over."""
        queues = run.world.queues

        def answered() -> None:
            queues.leave(ticket)
            connected.set()

        caller_id = plainly(run, self.caller_id) if self.caller_id is not None else ""
        whisper = whispered(run, self.whisper)
        while True:
            agent = await queues.agent(ticket)
            result: TransferResult | None = None
            try:
                dial = Dial((agent,), timeout_s=self.timeout, caller_id=caller_id, whisper=whisper)
                result = await run.call.dial(dataclasses.replace(dial, on_answer=answered))
            finally:
                if result is None or result.outcome == "completed":  # None: the caller has left
                    queues.release(agent)
                else:
                    queues.not_reached(agent)
            if result.outcome == "completed":
                queues.record_talk(ticket, result.seconds)
                return result
            run.log.info("queue_agent_not_reached", to=agent, outcome=result.outcome, status=result.status)

    # -- the caller's side

    async def _wait(
        self,
        run: Run,
        ticket: Ticket,
        connected: asyncio.Event,
        serving: "asyncio.Future[TransferResult]",
    ) -> str | None:
        """None once somebody has answered; ``too_long``, or the way out that the caller chose."""
        music = _Music([run.plan.sounds[file] for file in self.music])
        end = run.session.clock + round(self.max_wait * VAD_RATE)
        announced = run.session.clock + round(self.first * VAD_RATE)
        async with child_task(connected.wait(), "queue answer") as answer:
            # Where the way out is by key alone, speech reaches no recogniser.
            speech = contextlib.nullcontext() if self._by_voice else run.session.ignore_speech()
            with speech, run.expecting(self._menu.expectation(run.language)):
                while not connected.is_set():
                    if serving.done():
                        await serving  # it has failed, and says why
                    now = run.session.clock
                    if now >= end:
                        return "too_long"
                    if now >= announced:
                        await _unless(answer, self._announce(run, ticket))
                        announced = run.session.clock + round(self.every * VAD_RATE)
                        continue
                    seconds = max(0.1, (min(end, announced) - now) / VAD_RATE)
                    chosen = await self._play_music(run, music, seconds, answer, serving)
                    if chosen is not None:
                        return chosen
        return None

    async def _announce(self, run: Run, ticket: Ticket) -> None:
        queues = run.world.queues
        if not queues.position(ticket):
            return  # somebody has answered this very moment
        minutes = max(1, math.ceil(queues.wait_s(ticket) / 60))
        run.stop_skipping()
        await run.prompt(
            self.announce or say(POSITION_TEXT),
            self._prompt_options,
            listening_next=True,
            position=queues.position(ticket),
            wait_minutes=minutes,
        )

    async def _play_music(
        self,
        run: Run,
        music: "_Music",
        seconds: float,
        answer: "asyncio.Future[Any]",
        serving: "asyncio.Future[TransferResult]",
    ) -> str | None:
        """Play music for so many seconds; returns the way out that the caller chose meanwhile."""
        options = self._prompt_options.applied_to(run.session.config.barge_in)
        handle = await run.session.say(music.next(seconds), options=options)
        async with (
            child_task(handle.wait_for_playout(), "queue music") as playing,
            child_task(self._menu.answer(run, self.max_wait), "queue menu") as choosing,
        ):
            waits: set[asyncio.Future[Any]] = {playing, choosing, answer, serving}
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                if playing.done() and playing.result().interrupted and not choosing.done():
                    # By a key or a word; the menu is about to know which.
                    waits.discard(playing)
                    await asyncio.wait(waits, timeout=self.max_wait, return_when=asyncio.FIRST_COMPLETED)
                if choosing.done():
                    return choosing.result()
                return None
            finally:
                handle.cancel()
                music.heard((await handle.wait_for_playout()).heard_ms / 1000)


class _Music:
    """Music on hold: each piece continues where the last one ended."""

    def __init__(self, clips: list[AudioClip]) -> None:
        self._pcm = b"".join(_on_line(clip) for clip in clips) or waiting()
        self._at = 0

    def next(self, seconds: float) -> AudioClip:
        """Return the next so many seconds."""
        size = max(1, round(seconds * LINE_RATE)) * 2
        piece = self._pcm[self._at : self._at + size]
        while len(piece) < size:
            piece += self._pcm[: size - len(piece)]
        return AudioClip(piece, LINE_RATE)

    def heard(self, seconds: float) -> None:
        frames = round(seconds * LINE_RATE / _FRAME)
        self._at = (self._at + frames * _FRAME * 2) % len(self._pcm)


@functools.lru_cache(maxsize=32)
def _on_line(clip: AudioClip) -> bytes:
    if clip.sample_rate == LINE_RATE:
        return clip.pcm16
    return resample(np.frombuffer(clip.pcm16, np.int16), clip.sample_rate, LINE_RATE).tobytes()


async def _unless(stop: "asyncio.Future[Any]", work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``, and cancel it when ``stop`` is done first. Raises what it raises."""
    async with child_task(work, "queue announcement") as task:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
