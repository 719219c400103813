"""What ``agent`` asks of a language model: a reply to a conversation, as it is written."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ivr.errors import IvrError


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants something done."""

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
    """The calls of tools in an assistant's message."""
    call_id: str = ""
    """The call that a tool's message answers."""


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """Something that the model may have done. ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a reply is asked to."""

    messages: Sequence[Message]
    tools: Sequence[ToolDefinition] = ()
    model: str = ""
    """Empty: the one of the settings."""
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a reply: some text, or (the last) what is to be done and what it cost."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    tokens: int = 0
    """Tokens of the question and the reply; 0 where the server does not count them."""


class ModelFailed(IvrError):
    """There is no reply, or not all of it."""


class LanguageModel(Protocol):
    """A model behind some server."""

    def reply(self, ask: Ask) -> AsyncIterator[Piece]:
        """Text as it is written, then one piece with the calls and the tokens. Raises ModelFailed, also in
        the midst of it. Closing the iterator ends the request.
        """
