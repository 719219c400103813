"""hangup and reject: end the call, or do not take it."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from ivr.dialplan.plan.verb import End, Next, Verb
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.texts import TemplateText

REJECTIONS = {"busy": 486, "declined": 603, "unavailable": 480, "forbidden": 403, "not_found": 404}
"""Words for the final statuses of SIP (RFC 3261, 21)."""


class Hangup(Verb):
    """End the call."""

    name: ClassVar[str] = "hangup"
    short_field: ClassVar[str | None] = "reason"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    reason: TemplateText | None = Field(
        default=None,
        description="a word for the call's record and for SIP's Reason header; hangup when not given",
    )

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        if self.reason is not None:
            yield "reason", self.reason.names

    def may_end(self) -> bool:
        return True

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: Run) -> Next:
        if self.reason is None:
            return End("hangup")
        reason = run.redacted(self.reason.names, run.render(self.reason))
        return End(reason, phrase=reason)


class Reject(Verb):
    """Do not take the call: answer it with a final status instead of picking up. A call that was picked up
    already is ended."""

    name: ClassVar[str] = "reject"
    ends_politely: ClassVar[bool] = True
    short_field: ClassVar[str | None] = "reason"
    before_answer: ClassVar[bool] = True

    reason: Literal["busy", "declined", "unavailable", "forbidden", "not_found"] = Field(
        default="declined", description="busy, declined, unavailable, forbidden or not_found"
    )

    def may_end(self) -> bool:
        return True

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: Run) -> Next:
        return End(f"rejected_{self.reason}", status=REJECTIONS[self.reason])
