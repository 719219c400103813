"""call and return: a step as a subroutine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from ivr.dialplan.plan.flow import Enter, Next
from ivr.dialplan.plan.flow import Return as Back
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import StepName, VariableName, parameters_of
from ivr.dialplan.values.texts import Expr

if TYPE_CHECKING:
    from pydantic import ValidationInfo

    from ivr.dialplan.runtime.run import Run


class Call(Verb):
    """Go through another step and come back: at its end, or at its ``return``."""

    name: ClassVar[str] = "call"
    short: ClassVar[str | None] = "step"
    after_hangup: ClassVar[bool] = True
    quiet: ClassVar[bool] = True

    step: StepName = Field(description="the name of a step")
    with_: dict[VariableName, Expr] = Field(
        default_factory=dict, alias="with", description="a mapping of the step's params to their values"
    )

    @model_validator(mode="after")
    def _gives_what_is_asked(self, info: "ValidationInfo") -> "Call":
        parameters_of(self.step, tuple(self.with_), info)
        return self

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield "call", self.step

    def enters(self) -> Iterator[tuple[str, str]]:
        return self.may_go_to()

    async def run(self, run: "Run") -> Next:
        values: dict[str, Any] = {name: run.value(value) for name, value in self.with_.items()}
        for name, value in self.with_.items():
            if not run.variables.sensitive.isdisjoint(value.names):
                run.variables.sensitive.add(name)  # under its new name too
        return Enter(self.step, values)


class Return(Verb):
    """Back to the verb after the ``call`` that led here."""

    name: ClassVar[str] = "return"
    returns: ClassVar[bool] = True
    after_hangup: ClassVar[bool] = True
    quiet: ClassVar[bool] = True

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: "Run") -> Next:
        return Back()
