"""The language model behind ``agent``: a request, and its reply as it is written."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ivr.errors import IvrError


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model calls."""

    id: str
    name: str
    arguments: str = field(repr=False)
    """JSON, as the model wrote it; it may be wrong."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = field(default="", repr=False)
    calls: tuple[ToolCall, ...] = ()
    """Tools that the assistant calls."""
    call_id: str = ""
    """The id of the call that a tool's message answers."""


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the model may call. ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a reply."""

    messages: Sequence[Message]
    tools: Sequence[ToolDefinition] = ()
    model: str = ""
    """Empty: the one of the settings."""
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply: text, or, as the last part, the tools to call and the tokens used."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    tokens: int = 0
    """Tokens of request and reply; 0 where the server does not report them."""


class ModelFailed(IvrError):
    """The model did not reply, or not completely."""


class LanguageModel(Protocol):
    """A model behind some server."""

    def reply(self, ask: Ask) -> AsyncIterator[Piece]:
        """Text as it is written, then one piece with the calls and the tokens. Raises ModelFailed, also
        in the middle of it. Closing the iterator ends the request.
        """
