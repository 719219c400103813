"""transfer: put the caller through to somebody else."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from ivr.audio.frames import LINE_RATE
from ivr.audio.tones import ringing
from ivr.dialplan.plan.verb import End, GoTo, Next, SpeakingVerb, names_in
from ivr.dialplan.runtime.control import Dial, TransferResult
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import VerbFailed, quoted
from ivr.dialplan.values.expressions import Template
from ivr.dialplan.values.fields import Duration, SoundFile, StepName, TextOrFields, refuse
from ivr.dialplan.values.markup import has_markup, pieces
from ivr.dialplan.values.texts import Said, Spoken, Target, Targets, TemplateText, say
from ivr.session.options import BargeIn
from ivr.session.types import AudioClip

FAILED_TEXT = "Sorry, I could not put you through."
BUSY_TEXT = "Sorry, that line is busy."
NO_ANSWER_TEXT = "Sorry, nobody answered there."
RINGING = AudioClip(ringing(), LINE_RATE)

_HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+'~-]{1,100}")
_OWN = (
    "via from to call-id cseq contact max-forwards route record-route allow supported require user-agent"
    " session-expires min-se authorization proxy-authorization f t i m v l c k x"
)
_OWN_HEADERS = frozenset(_OWN.split())
"""Headers that the service writes itself; a second one would break the request (RFC 3261, 20)."""
_BY_US = ("caller_id", "headers", "whisper", "ringback")
"""Fields that need a call of ours."""


class Route(TextOrFields):
    """What happens when nobody could be reached. A bare step name is its ``goto``."""

    text_field: ClassVar[str] = "goto"

    say: Said | None = Field(default=None, description="said to the caller; a built-in text when not given")
    goto: StepName | None = Field(
        default=None, description="the step to go to; without it the next verb of this step follows"
    )


class Transfer(SpeakingVerb):
    """Put the caller through to somebody else.

    ``blind``: the caller's side is asked to call them instead of us (SIP REFER); when that is answered the
    plan is over. ``attended``: we call them first, and the caller's side is asked to take that call over
    (REFER with Replaces); when it has, the plan is over. ``bridged``: we call them, connect both calls and
    stay in between; when they leave, the caller is back in the plan. When nobody can be reached, the
    caller hears that and stays in the plan.
    """

    name: ClassVar[str] = "transfer"
    short_field: ClassVar[str | None] = "to"
    reaches_a_person: ClassVar[bool] = True
    events: ClassVar[Mapping[str, str]] = {
        "after": "they have talked and the other side has left (`type: bridged`)",
        "busy": "the line is busy",
        "noanswer": "nobody answers within `timeout`, or nothing is known about it",
        "failed": "everything else: no such number, refused, transfers are not supported, no line is free",
    }
    errors: ClassVar[Mapping[str, str]] = {"bad_value": "a value is missing, or sensitive"}

    to: Targets = Field(
        description='who to call: an extension such as "101", an address such as sip:101@pbx.example.org, '
        "or a list of them"
    )
    type: Literal["blind", "attended", "bridged"] = Field(
        default="blind", description="blind, attended or bridged"
    )
    hunt: Literal["in_order", "all"] = Field(
        default="in_order",
        description="in_order (one of the list after the other) or all (all at once, the first answer wins)",
    )
    timeout: Duration = Field(default=30.0, description="how long to wait for an answer of each, such as 30s")
    caller_id: Target | None = Field(
        default=None,
        description='the caller ID of our call, such as "{{ call.from }}"; the account\'s own when not given',
    )
    headers: dict[str, TemplateText] = Field(
        default_factory=dict, description="a mapping of SIP headers to put into our call, such as {X-Id: a}"
    )
    whisper: Said | None = Field(
        default=None, description="said to the person who answers, before they are connected with the caller"
    )
    ringback: SoundFile | None = Field(
        default=None, description="a WAV file for the caller to hear while it rings; ringing when not given"
    )
    after: StepName | None = Field(
        default=None,
        description="the step to go to when they have talked (bridged); else the next verb follows",
    )
    busy: Route | None = Field(default=None, description="what to do when the line is busy")
    noanswer: Route | None = Field(default=None, description="what to do when nobody answers in time")
    failed: Route = Field(
        default_factory=Route,
        description="what to do when it fails in another way, and in those that are left out",
    )
    barge_in: BargeIn | None = Field(
        default="none",  # who could not be put through is to hear it, whatever they said meanwhile
        description="what cuts short what is said then: any, speech, dtmf (a key) or none",
    )

    @field_validator("headers")
    @classmethod
    def _may_be_set(cls, value: dict[str, Template]) -> dict[str, Template]:
        for name in value:
            if _HEADER_NAME.fullmatch(name) is None:
                raise refuse(f"expected the name of a SIP header such as X-Customer, found {quoted(name)}")
            if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
                raise refuse(f"{quoted(name)} is the service's own; choose a name such as X-{name}")
        return value

    def may_end(self) -> bool:
        return self.type != "bridged"

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        if self.after is not None:
            yield "after", self.after
        for outcome in ("busy", "noanswer", "failed"):
            goto = self._route(outcome)[1]
            if goto is not None:
                yield outcome, goto

    def always_leaves(self) -> bool:
        comes_back = self.type == "bridged" and self.after is None
        return not comes_back and all(
            self._route(outcome)[1] is not None for outcome in ("busy", "noanswer", "failed")
        )

    def prompts(self) -> Iterator[str]:
        if self.whisper is not None:
            yield from self.whisper.literals()
        for outcome in ("busy", "noanswer", "failed"):
            yield from self._route(outcome)[0].literals()

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        for field in ("to", "caller_id", "headers"):
            yield field, frozenset(names_in(getattr(self, field)))

    @classmethod
    def cross_check(cls, data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
        kind = data.get("type", "blind")
        if kind == "blind":
            remedy = "; write type: attended or type: bridged beside it"
            for name in _BY_US:
                if name in data:
                    yield (
                        (name,),
                        f"{quoted(name)} needs a call of ours, which a blind transfer has not{remedy}",
                    )
            if data.get("hunt") == "all":
                yield ("hunt",), f"a blind transfer can only try one after the other{remedy}"
        if "after" in data and kind in ("blind", "attended"):
            message = f"nobody comes back from a transfer that is {kind}; write type: bridged beside it"
            yield ("after",), message

    async def run(self, run: Run) -> Next:
        targets = tuple(plainly(run, target) for target in self.to)
        run.log.info("transfer_started", to=", ".join(targets), type=self.type)
        await run.call.answer()
        with run.session.ignore_speech():
            if self.type == "blind":
                result = await self._blind(run, targets)
            else:
                result = await run.call.dial(self._dial(run, targets))
        reported = {"to": result.to or ", ".join(targets), "outcome": result.outcome}
        if result.outcome == "transferred":
            return End("transferred")
        if result.outcome == "completed":
            run.caller_answered()
            run.log.info("transfer_completed", **reported, seconds=round(result.seconds, 1))
            return GoTo(self.after) if self.after is not None else None
        run.log.info("transfer_failed", **reported, status=result.status, reason=result.reason)
        text, goto = self._route(result.outcome)
        await run.prompt(text, self)
        return GoTo(goto) if goto is not None else None

    async def _blind(self, run: Run, targets: tuple[str, ...]) -> TransferResult:
        result = TransferResult("failed")
        for target in targets:
            result = await run.call.transfer(target, self.timeout)
            if result.outcome == "transferred":
                break
        return result

    def _dial(self, run: Run, targets: tuple[str, ...]) -> Dial:
        return Dial(
            to=targets,
            at_once=self.hunt == "all",
            timeout_s=self.timeout,
            hand_over=self.type == "attended",
            caller_id=plainly(run, self.caller_id) if self.caller_id is not None else "",
            headers={name: plainly(run, value) for name, value in self.headers.items()},
            whisper=whispered(run, self.whisper),
            ringback=run.plan.sounds[self.ringback] if self.ringback is not None else RINGING,
        )

    def _route(self, outcome: str) -> tuple[Spoken, str | None]:
        """What is said, and the step that follows."""
        own, text = {
            "busy": (self.busy, BUSY_TEXT),
            "noanswer": (self.noanswer, NO_ANSWER_TEXT),
            "failed": (self.failed, FAILED_TEXT),
        }[outcome]
        route = own or self.failed
        return route.say or say(text), route.goto


def plainly(run: Run, template: Template) -> str:
    """What goes into SIP messages, and with them into logs and traces: nothing sensitive may. Raises
    VerbFailed.
    """
    if not run.variables.sensitive.isdisjoint(template.names):
        raise VerbFailed("bad_value", f"{template.source}: a sensitive value cannot be sent in SIP")
    return run.render(template)


def whispered(run: Run, said: Spoken | None) -> str:
    """What is said to somebody else than the caller: words alone, for it is no prompt of the session."""
    text = run.render(said.in_language(run.language)) if said is not None else ""
    if not has_markup(text):
        return text
    return " ".join(piece for piece in pieces(text, run.language) if isinstance(piece, str))
