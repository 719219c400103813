"""Parameters that a server refuses: they are left out after one refusal, and that is remembered.

Servers with OpenAI's interface differ in what they take. One names what it refuses in the answer (400 or
422). The same request without it follows at once, within the same turn.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import structlog

from ivr.text import clean_text

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")

REFUSALS = frozenset({400, 404, 422, 501})
"""Statuses that may name a parameter."""
SUBSTITUTES = {"max_completion_tokens": "max_tokens"}
"""Parameter to its older name, which takes its place."""
_WORDS: Mapping[str, str] = {"tools": r"tools?|tool[ _]choice|function[ _]call\w*"}
"""Parameter to how servers name it in prose, where that is not the name itself."""
_NOT_A_PARAMETER = frozenset({"context_length_exceeded", "model_not_found", "invalid_api_key"})

_refused: dict[tuple[str, str], set[str]] = {}
"""(Server, model) to the parameters that it has refused, for all calls of the process."""


async def request_accepted(
    server: str,
    model: str,
    optional: Mapping[str, Any],
    send: Callable[[dict[str, Any]], Awaitable[_Result]],
) -> _Result:
    """Return the result of ``send`` with those parameters of ``optional`` that the server takes. Raises what
    ``send`` raises for any other reason.
    """
    import openai

    refused = _refused.setdefault((server, model), set())
    for _ in range(len(optional) + len(SUBSTITUTES) + 1):
        given = accepted(optional, refused)
        try:
            return await send(given)
        except openai.APIStatusError as error:
            named = refused_by(error, given) - refused
            if not named:
                raise
            refused |= named
            _log.warning(
                "parameter_refused",
                server=server,
                model=model,
                parameters=sorted(named),
                reason=clean_text(str(error.message))[:200],
            )
    raise AssertionError("unreachable")


def accepted(optional: Mapping[str, Any], refused: set[str]) -> dict[str, Any]:
    """Return what is sent: without what was refused, by its older name where it has one."""
    given = {}
    for name, value in optional.items():
        older = SUBSTITUTES.get(name)
        if name not in refused:
            given[name] = value
        elif older is not None and older not in refused and older not in optional:
            given[older] = value
    return given


def refused_by(error: Any, given: Mapping[str, Any]) -> set[str]:
    """Return which parameters of ``given`` an ``openai.APIStatusError`` names as the reason; perhaps none."""
    if error.status_code not in REFUSALS or getattr(error, "code", None) in _NOT_A_PARAMETER:
        return set()
    parameter = str(getattr(error, "param", None) or "").partition(".")[0].partition("[")[0]
    if parameter:
        return {parameter} & set(given)
    try:
        text = f"{error.message} {json.dumps(error.body)}"
    except (TypeError, ValueError):
        text = str(error.message)
    named = {
        name
        for name in given
        if re.search(rf"(?<!\w)(?:{_WORDS.get(name, re.escape(name))})(?!\w)", text[:4000], re.IGNORECASE)
    }
    # "use max_completion_tokens instead": what is to be used is not what is refused.
    return {name for name in named if not re.search(rf"\buse\W+{re.escape(name)}\b", text, re.IGNORECASE)}


def forget() -> None:
    """Forget every refusal: a server may have been replaced."""
    _refused.clear()
