"""record: the caller leaves a message."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE
from ivr.audio.tones import beep
from ivr.dialplan.plan.verb import GoTo, Next, SpeakingVerb, names_in
from ivr.dialplan.runtime.menu import Menu
from ivr.dialplan.runtime.messages import Message, mail, message_folder, post, save_message
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.fields import (
    SWITCH_VALUES,
    AlsoWritten,
    Duration,
    Fields,
    Keys,
    KeysList,
    Span,
    StepName,
    Switch,
    TextList,
    TextOrFields,
    VariableName,
    refuse,
)
from ivr.dialplan.values.prompting import PROTECTED
from ivr.dialplan.values.texts import Said, TemplateText, say
from ivr.session import SessionEnded
from ivr.session.types import AudioClip
from ivr.tasks import child_task, run_to_end

REVIEW_TEXT = "To send it, press 1. To hear it, press 2. To record it again, press 3. To delete it, press 4."
DELETED_TEXT = "Your message was deleted."
BEEP = AudioClip(beep(), LINE_RATE)
TAIL_MS = 300
"""Silence that is kept after the last word."""
_MAX_LENGTH_S = 900.0


class Answer(Fields):
    """What may be said or pressed for one of the things to do with a message."""

    say: TextList = Field(default=(), description="a phrase, or a list of phrases")
    press: KeysList = Field(default=(), description="a key, or a list of keys")


class Review(Fields):
    """The caller decides what happens to the message. Without a decision it is saved."""

    prompt: Said | None = Field(
        default=None, description="said after the recording; a built-in text when not given"
    )
    save: Answer = Field(
        default=Answer(say=("send", "send it", "save", "keep"), press=("1",)),
        description="a mapping of say and press: keep the message",
    )
    hear: Answer = Field(
        default=Answer(say=("hear", "hear it", "play", "listen"), press=("2",)),
        description="a mapping of say and press: hear the message",
    )
    again: Answer = Field(
        default=Answer(say=("again", "record again", "record it again"), press=("3",)),
        description="a mapping of say and press: record it again",
    )
    delete: Answer = Field(
        default=Answer(say=("delete", "delete it", "cancel"), press=("4",)),
        description="a mapping of say and press: delete the message",
    )
    timeout: Duration = Field(default=5.0, description="how long to wait for an answer, such as 5s")
    tries: int = Field(default=2, ge=0, le=100, description="how many times to ask again")


def _review(value: Any) -> Any:
    """A switch in place of the mapping: all defaults, or no review."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return {"true": {}, "yes": {}, "on": {}, "false": None, "no": None, "off": None}.get(word, value)


class Mailed(Fields):
    """A letter with the message attached."""

    to: TemplateText = Field(description="an e-mail address, or several with commas")
    from_: TemplateText | None = Field(
        default=None, alias="from", description="the sender's address; that of the settings when not given"
    )
    subject: TemplateText | None = Field(default=None, description="the subject; who called when not given")
    text: TemplateText | None = Field(
        default=None, description="the text; who called, and when, when not given"
    )


class Hook(TextOrFields):
    """Where a message is delivered. A bare text is its ``url``."""

    text_field: ClassVar[str] = "url"

    url: TemplateText | None = Field(
        default=None, description="a URL; the JSON and the WAV file are sent there as a form (POST)"
    )
    headers: dict[str, TemplateText] = Field(default_factory=dict, description="a mapping of HTTP headers")
    timeout: Duration = Field(default=10.0, description="how long the request may take, such as 10s")
    mail: Mailed | None = Field(default=None, description="a mapping with to, and from, subject, text")

    @model_validator(mode="after")
    def _reports_somebody(self) -> "Hook":
        if self.url is None and self.mail is None:
            raise refuse("a hook needs a 'url' or a 'mail', or the message is delivered nowhere")
        return self


class Record(SpeakingVerb):
    """Record what the caller says: voicemail. A beep, the message, and, with ``review``, the caller's
    decision what happens to it.

    The message is a WAV file (PCM16, 8 kHz) in the service's folder for files, with a JSON file beside it;
    the variable ``into`` has what that says, and ``delivered``. If the caller hangs up while recording,
    what was said is kept. Nothing of it is transcribed.
    """

    name: ClassVar[str] = "record"
    events: ClassVar[Mapping[str, str]] = {
        "empty": "nothing was said, or less than `min_length`",
        "deleted": "the caller had it deleted",
    }
    errors: ClassVar[Mapping[str, str]] = {
        "not_configured": "no folder is set (`files.folder`)",
        "not_written": "the folder or the disk takes no files",
    }

    prompt: Said | None = Field(default=None, description="a text to say before the beep")
    beep: Switch = Field(default=True, description="true or false: a tone before the recording")
    max_length: Duration = Field(
        default=120.0, description="how long a message may be, such as 2m, at most 15m"
    )
    min_length: Span = Field(default=1.0, description="a message that is shorter counts as none, such as 1s")
    silence_end: Duration = Field(
        default=4.0, description="how long nothing is said before the message is over, such as 4s"
    )
    finish_on_key: Keys | None = Field(
        default="0123456789*#", description='the keys that end the message, such as "#", or none'
    )
    review: Annotated[Review | None, BeforeValidator(_review), AlsoWritten({"enum": SWITCH_VALUES})] = Field(
        default=None, description="true, or a mapping: let the caller review the message"
    )
    empty: StepName | None = Field(
        default=None, description="the step to go to when nothing was said; else the next verb follows"
    )
    deleted: StepName | None = Field(
        default=None, description="the step to go to when it was deleted; else the next verb follows"
    )
    hook: Hook | None = Field(
        default=None, description="a URL, or a mapping with url or mail: where the message is delivered"
    )
    into: VariableName = Field(default="message", description="the name of the variable for what was left")

    _menu: Menu | None = PrivateAttr(default=None)

    @field_validator("max_length")
    @classmethod
    def _not_too_long(cls, value: float) -> float:
        if value > _MAX_LENGTH_S:
            raise refuse("expected a duration of at most 15m")
        return value

    @field_validator("finish_on_key", mode="before")
    @classmethod
    def _no_key(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().lower() == "none" else value

    def model_post_init(self, context: Any, /) -> None:
        if self.review is not None:
            answers = {name: getattr(self.review, name) for name in ("save", "hear", "again", "delete")}
            self._menu = Menu({name: (answer.say, answer.press) for name, answer in answers.items()})

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        if self.empty is not None:
            yield "empty", self.empty
        if self.deleted is not None:
            yield "deleted", self.deleted

    def sets(self) -> Iterator[str]:
        yield self.into

    def sets_when(self, why: str) -> Iterator[str]:
        return self.sets()  # to nothing, where nothing was left

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        yield "hook", frozenset(names_in(self.hook))

    def prompts(self) -> Iterator[str]:
        if self.prompt is not None:
            yield from self.prompt.literals()
        if self.review is not None:
            yield from (self.review.prompt or say(REVIEW_TEXT)).literals()
            yield DELETED_TEXT

    async def run(self, run: Run) -> Next:
        folder = message_folder(run.world, run.plan.name)
        run.variables.set(self.into, None)
        sound = b""
        try:
            while True:
                sound = b""
                sound, ended_by = await self._take(run)
                run.log.info("message_recorded", seconds=_seconds(sound), ended_by=ended_by)
                if not sound:
                    return GoTo(self.empty) if self.empty is not None else None
                if ended_by == "hangup":
                    raise SessionEnded("the caller left meanwhile")
                chosen = await self._reviewed(run, sound)
                if chosen == "delete":
                    sound = b""
                    run.log.info("message_deleted")
                    await run.prompt(DELETED_TEXT, PROTECTED)
                    return GoTo(self.deleted) if self.deleted is not None else None
                if chosen != "again":
                    break
        except (SessionEnded, asyncio.CancelledError):
            # They have hung up, and what they said is not lost.
            if sound:
                await run_to_end(self._keep(run, folder, sound, "hangup"), "save message")
            raise
        await run_to_end(self._keep(run, folder, sound, ended_by), "save message")
        run.caller_answered()
        return None

    async def _take(self, run: Run) -> tuple[bytes, str]:
        """What was said, empty when that was nothing, and what ended it: ``silence``, ``length``, ``key`` or
        ``hangup``.
        """
        if self.prompt is not None:
            await run.prompt(self.prompt, self)
        await run.call.answer()
        if self.beep:
            await run.prompt(BEEP, PROTECTED)
        ended_by = "hangup"
        with (
            run.session.ignore_speech(discard_turns=True),
            run.session.capture_caller(self.silence_end, self.max_length) as captured,
        ):
            async with child_task(self._finish_key(run), "record keys") as pressing:
                try:
                    waits: set[asyncio.Future[Any]] = {pressing, captured.finished}
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                    if not captured.finished.done():
                        await pressing
                        ended_by = "key"
                    else:
                        ended_by = captured.finished.result()
                except (SessionEnded, asyncio.CancelledError):
                    pass  # the caller has left; what they said stays
        sound = captured.until_last_word(TAIL_MS)[: round(self.max_length * LINE_RATE) * BYTES_PER_SAMPLE]
        enough = captured.spoken and _seconds(sound) >= self.min_length
        if not enough and ended_by == "hangup":
            raise SessionEnded("the caller left meanwhile")
        return (sound if enough else b""), ended_by

    async def _finish_key(self, run: Run) -> None:
        """Wait for a key that ends the message."""
        while True:
            turn = await run.listen(2 * self.max_length)
            if turn.reason == "dtmf" and turn.text in (self.finish_on_key or ""):
                return

    async def _reviewed(self, run: Run, sound: bytes) -> str:
        """save, again or delete."""
        review, menu = self.review, self._menu
        if review is None or menu is None:
            return "save"
        left = review.tries
        with run.expecting(menu.expectation(run.language)):
            while True:
                await run.prompt(review.prompt or say(REVIEW_TEXT), self, listening_next=True)
                chosen = await menu.answer(run, review.timeout)
                if chosen == "hear":
                    run.stop_skipping()
                    await run.prompt(AudioClip(sound, LINE_RATE), self, listening_next=True)
                elif chosen is not None:
                    return chosen
                elif left == 0:
                    return "save"
                else:
                    left -= 1

    async def _keep(self, run: Run, folder: Path, sound: bytes, ended_by: str) -> None:
        facts = run.call.facts
        about = {
            "caller": facts.caller,
            "caller_name": facts.caller_name,
            "called": facts.called,
            "call": facts.id,
            "plan": run.plan.name,
            "step": run.position.step,
            "ended_by": ended_by,
        }
        message = await save_message(folder, sound, run.world.now(), about)
        run.log.info("message_saved", file=str(message.file), seconds=message.about["seconds"])
        value = {**message.about, "path": str(message.file), "delivered": False}
        run.variables.set(self.into, value)
        if self.hook is not None:
            try:
                await self._deliver(run, self.hook, message)
            except VerbFailed as error:
                # It is on disk, and the plan may look at ``delivered``: no reason to trouble the caller.
                reported = run.variables.redact(str(error))
                run.log.error("hook_failed", failure=error.event, error=reported, file=str(message.file))
            else:
                run.variables.set(self.into, {**value, "delivered": True})

    async def _deliver(self, run: Run, hook: Hook, message: Message) -> None:
        if hook.url is not None:
            headers = {name: run.render(value) for name, value in hook.headers.items()}
            await post(run.world, run.render(hook.url), headers, message, hook.timeout)
        if hook.mail is not None:
            about = message.about
            caller = about["caller"] or "an unknown number"
            reported = hook.mail
            headers = {
                "To": run.render(reported.to),
                "Subject": run.render(reported.subject) if reported.subject else f"Message from {caller}",
            }
            if reported.from_ is not None:
                headers["From"] = run.render(reported.from_)
            text = f"{caller} left a message of {about['seconds']:.0f} seconds at {about['time']}.\n"
            await mail(run.world, headers, run.render(reported.text) if reported.text else text, message)


def _seconds(pcm16: bytes) -> float:
    return len(pcm16) / BYTES_PER_SAMPLE / LINE_RATE
