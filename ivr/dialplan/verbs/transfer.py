"""transfer: hand the caller over to somebody else."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from ivr.dialplan.fields import Address, Duration, StepName
from ivr.dialplan.flow import End, GoTo, Next
from ivr.dialplan.texts import Said, Spoken, say
from ivr.dialplan.verbs.base import Fields
from ivr.dialplan.verbs.speaking import Speaking
from ivr.session.options import BargeIn

if TYPE_CHECKING:
    from ivr.dialplan.run import Run

FAILED_TEXT = "Sorry, I could not put you through."
BUSY_TEXT = "Sorry, that line is busy."
NO_ANSWER_TEXT = "Sorry, nobody answered there."


class Route(Fields):
    """What happens when nobody could be reached. A bare step name is its ``goto``."""

    say: Said | None = Field(default=None, description="said to the caller; a built-in text when not given")
    goto: StepName | None = Field(
        default=None, description="the step to go to; without it the next verb of this step follows"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"goto": value} if isinstance(value, str) else value


class Transfer(Speaking):
    """Ask the caller's side to call somebody else instead (SIP REFER). When that is answered the plan is
    over; when it is not, the caller is still here and is told so.
    """

    name: ClassVar[str] = "transfer"
    short: ClassVar[str | None] = "to"

    to: Address = Field(
        description='whom to call: an extension such as "101", or an address such as sip:101@pbx.example.org'
    )
    type: Literal["blind"] = "blind"
    timeout: Duration = Field(default=30.0, description="how long to wait for an answer, such as 30s")
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

    def may_end(self) -> bool:
        return True

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        for outcome in ("busy", "noanswer", "failed"):
            goto = self._route(outcome)[1]
            if goto is not None:
                yield outcome, goto

    def always_leaves(self) -> bool:
        return all(self._route(outcome)[1] is not None for outcome in ("busy", "noanswer", "failed"))

    def prompts(self) -> Iterator[str]:
        for outcome in ("busy", "noanswer", "failed"):
            yield from self._route(outcome)[0].literals()

    async def run(self, run: "Run") -> Next:
        run.log.info("transfer_started", to=self.to)
        result = await run.call.transfer(self.to, self.timeout)
        if result.outcome == "transferred":
            return End("transferred")
        run.log.info(
            "transfer_failed", to=self.to, outcome=result.outcome, status=result.status, reason=result.reason
        )
        text, goto = self._route(result.outcome)
        await run.prompt(text, self)
        return GoTo(goto) if goto is not None else None

    def _route(self, outcome: str) -> tuple[Spoken, str | None]:
        """What is said, and the step that follows."""
        own, text = {
            "busy": (self.busy, BUSY_TEXT),
            "noanswer": (self.noanswer, NO_ANSWER_TEXT),
            "failed": (self.failed, FAILED_TEXT),
        }[outcome]
        route = own or self.failed
        return route.say or say(text), route.goto
