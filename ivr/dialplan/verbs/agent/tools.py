"""The tools of a language model in a call: each is declared in the plan and is a verb of the plan."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from ivr.dialplan.plan.verb import GoTo, Next, Verb
from ivr.dialplan.runtime.language_model import ToolDefinition
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import listed, quoted
from ivr.dialplan.values.fields import (
    Fields,
    StepName,
    Switch,
    Text,
    TextList,
    TextOrFields,
    VariableName,
    refuse,
)
from ivr.dialplan.verbs.gather.verb import Gather
from ivr.dialplan.verbs.hangup import Hangup
from ivr.dialplan.verbs.python import Python
from ivr.dialplan.verbs.request import Request
from ivr.dialplan.verbs.transfer import Transfer
from ivr.text import clean_data, json_text

ACTIONS: dict[str, type[Verb]] = {
    "transfer": Transfer,
    "hangup": Hangup,
    "gather": Gather,
    "request": Request,
    "python": Python,
}
"""The verbs that a tool may be. One more is a field of ``Tool`` too."""
DONE = "done"
"""The tool that every agent has: the conversation is over."""
MAX_TEXT = 2_000
"""Characters of a text that a model gives a tool."""
MAX_RESULT = 4_000
"""Characters of a tool's result that are given to the model."""
_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "digits": {"type": "string", "pattern": "^[0-9]+$"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "description": "as YYYY-MM-DD"},
    "time": {"type": "string", "description": "as HH:MM, 24 hours"},
}


class BadArguments(Exception):
    """The arguments of the model do not fit the tool. The message is given to the model."""


class Param(TextOrFields):
    """What a model has to find out before it can use a tool. A bare text is its ``description``."""

    text_field: ClassVar[str] = "description"

    description: Text = Field(description="what it is, for the model, such as the account number")
    type: Literal["text", "digits", "integer", "number", "yes_no", "date", "time"] = Field(
        default="text", description="text, digits, integer, number, yes_no, date or time"
    )
    choices: TextList = Field(
        default=(), description="the only values that are possible, where these are few"
    )
    required: Switch = Field(default=True, description="false: the model may leave it out; it is none then")
    sensitive: Switch = Field(default=False, description="true: it is never logged, recorded or traced")

    def schema_of(self) -> dict[str, Any]:
        """Return the JSON Schema for the model."""
        kind = dict(_KINDS[self.type])
        hint = kind.pop("description", "")
        described = f"{self.description}, {hint}" if hint else self.description
        return {**kind, "description": described, **({"enum": list(self.choices)} if self.choices else {})}

    def read(self, name: str, value: Any) -> Any:
        """``value``, from the model, as a plan has it. Raises BadArguments."""
        if value is None and not self.required:
            return None
        if self.type == "yes_no":
            if not isinstance(value, bool):
                raise BadArguments(f"{name} must be true or false")
            return value
        if self.type in ("integer", "number"):
            return self._number(name, value)
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise BadArguments(f"{name} must be {self.type}")
        text = " ".join(str(value).split())
        if len(text) > MAX_TEXT or not text:
            raise BadArguments(f"{name} must have 1 to {MAX_TEXT} characters")
        if self.choices and text not in self.choices:
            raise BadArguments(f"{name} must be one of {listed(self.choices)}")
        if self.type == "digits":
            digits = re.sub(r"[\s.-]", "", text)
            if re.fullmatch(r"[0-9]+", digits) is None:
                raise BadArguments(f"{name} must be digits")
            return digits
        return self._when(name, text) if self.type in ("date", "time") else text

    def _number(self, name: str, value: Any) -> int | float:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadArguments(f"{name} must be a number") from None
        if not abs(number) < 1e15 or (self.type == "integer" and number != int(number)):
            raise BadArguments(f"{name} must be {'a whole number' if self.type == 'integer' else 'smaller'}")
        return int(number) if self.type == "integer" else number

    def _when(self, name: str, text: str) -> date | time:
        try:
            return date.fromisoformat(text) if self.type == "date" else time.fromisoformat(text)
        except ValueError:
            written = _KINDS[self.type]["description"]
            raise BadArguments(f"{name} must be a {self.type} written {written}") from None


class Tool(Fields):
    """One thing that the model may have done. What it gives is variables while that is done, and stays so
    where ``goto`` leads.
    """

    description: Text = Field(description="what it is for and when to use it, for the model")
    params: dict[VariableName, Param] = Field(
        default_factory=dict,
        description="a mapping of what the model has to give, such as {account: the number}",
    )
    transfer: Transfer | None = Field(
        default=None, description="put the caller through: as the verb transfer"
    )
    hangup: Hangup | None = Field(default=None, description="end the call: as the verb hangup")
    gather: Gather | None = Field(
        default=None, description="ask the caller, by voice or key: as the verb gather"
    )
    request: Request | None = Field(default=None, description="ask a back end: as the verb request")
    python: Python | None = Field(default=None, description="call a function: as the verb python")
    goto: StepName | None = Field(
        default=None, description="the step to go to, after the above; the conversation is over then"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        given = dict(value)
        for name, verb in ACTIONS.items():
            if name in given and given[name] is None and verb is Hangup:
                given[name] = {}
            elif isinstance(given.get(name), str) and verb.short_field is not None:
                given[name] = {verb.short_field: given[name]}
        return given

    @model_validator(mode="after")
    def _does_one_thing(self) -> "Tool":
        given = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(given) > 1:
            raise refuse(f"a tool does one thing, found {listed(given)}: make several tools of it")
        if not given and self.goto is None:
            raise refuse(f"a tool needs one of {listed([*ACTIONS, 'goto'])}")
        return self

    @property
    def verb(self) -> Verb | None:
        """What is done, when that is more than to go to a step."""
        return next((verb for name in ACTIONS if (verb := getattr(self, name)) is not None), None)

    def may_go_to(self, name: str) -> Iterator[tuple[str, str]]:
        if self.verb is not None:
            yield from ((f"{name}: {why}" if why else name, step) for why, step in self.verb.may_go_to())
        if self.goto is not None:
            yield name, self.goto

    def reads(self) -> Iterator[str]:
        if self.verb is not None:
            yield from set(self.verb.reads()) - self.params.keys()

    def sets(self) -> Iterator[str]:
        if self.goto is not None:
            yield from self.params
        if self.verb is not None:
            yield from self.verb.sets()

    def offer(self, name: str) -> ToolDefinition:
        """Return the tool as the model sees it."""
        return ToolDefinition(
            name,
            self.description,
            {
                "type": "object",
                "properties": {key: param.schema_of() for key, param in self.params.items()},
                "required": [key for key, param in self.params.items() if param.required],
                "additionalProperties": False,
            },
        )

    def arguments(self, written: str) -> dict[str, Any]:
        """Read the JSON that a model wrote. Raises BadArguments."""
        try:
            given = clean_data(json.loads(written or "{}"))
        except (ValueError, RecursionError):
            raise BadArguments("the arguments are not JSON") from None
        if not isinstance(given, dict):
            raise BadArguments("the arguments are no object")
        unknown = [name for name in given if name not in self.params]
        if unknown:
            raise BadArguments(f"there is no parameter {quoted(unknown[0])}")
        missing = [key for key, param in self.params.items() if param.required and given.get(key) is None]
        if missing:
            raise BadArguments(f"{listed(missing)} is missing: ask the caller")
        return {key: param.read(key, given.get(key)) for key, param in self.params.items()}

    async def use(self, run: Run, arguments: Mapping[str, Any]) -> tuple[Next, str]:
        """Run the tool. Returns what the plan does next where the conversation is over, and the result for
        the model. Raises what the verb raises.
        """
        hidden = [key for key, param in self.params.items() if param.sensitive]
        new = [key for key in hidden if key not in run.variables.sensitive]
        run.variables.sensitive.update(new)
        result: Any = None
        after: Next = None
        if self.verb is not None:
            run.variables.enter(arguments)
            try:
                if isinstance(self.verb, Python) and not self.verb.goto:
                    result = await self.verb.result(run)
                else:
                    after = await self.verb.run(run)
            finally:
                run.variables.leave()
        if after is None and self.goto is not None:
            for key, value in arguments.items():
                run.variables.set(key, value, sensitive=key in hidden)
            after = GoTo(self.goto)
        return after, "" if after is not None else self._reported(run, result)

    def _reported(self, run: Run, result: Any) -> str:
        """The values that came of it. What is sensitive is said to be there, not what it is."""
        if isinstance(self.verb, Transfer):
            return "nobody could be reached there, and the caller knows it"
        shown = run.variables.shown()
        values = {name: shown[name] for name in (self.verb.sets() if self.verb else ()) if name in shown}
        if isinstance(self.verb, Python) and not values and not self.verb.hides(run):
            values = {"result": result}
        return json_text(values or {"outcome": "done"})[:MAX_RESULT]


def tools_cross_check(tools: Any, language: str) -> Iterator[tuple[Path, str]]:
    """The mistakes between fields of the verbs in there."""
    for name, tool in tools.items() if isinstance(tools, dict) else ():
        for action, verb in ACTIONS.items() if isinstance(tool, dict) else ():
            if isinstance(tool.get(action), dict):
                for path, message in verb.cross_check(tool[action], language):
                    yield ("tools", name, action, *path), message
