"""dtmf: press keys."""

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator

from ivr.dialplan.plan.verb import Next, Verb
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.expressions import Template
from ivr.dialplan.values.fields import refuse
from ivr.dialplan.values.texts import TemplateText

_DIGITS = re.compile(r"[0-9*#A-Da-dwW -]{1,100}")
_ASKED = "expected keys (0-9, *, #, A-D) and w (a pause of half a second) or W (of one), such as 12ww3#"


class Dtmf(Verb):
    """Press keys, as telephone-events, for the caller's side to hear: a PBX, another voice menu. ``w`` is a
    pause of half a second, ``W`` of one. The next verb follows when all was sent."""

    name: ClassVar[str] = "dtmf"
    short_field: ClassVar[str | None] = "digits"
    errors: ClassVar[Mapping[str, str]] = {"bad_value": "a value is missing, or cannot be pressed"}

    digits: TemplateText = Field(description="keys and pauses, such as 12ww3#; values in {{ }}")

    @field_validator("digits")
    @classmethod
    def _can_be_pressed(cls, value: Template) -> Template:
        if value.literal is not None and _DIGITS.fullmatch(value.literal) is None:
            raise refuse(f"{_ASKED}, found {value.literal[:40]!r}")
        return value

    async def run(self, run: Run) -> Next:
        digits = run.render(self.digits)
        if _DIGITS.fullmatch(digits) is None:
            raise VerbFailed("bad_value", _ASKED)
        await run.call.answer()
        await run.call.send_digits(re.sub("[ -]", "", digits))
        run.log.info("digits_sent", digits=run.redacted(self.digits.names, digits))
        return None
