"""What a plan uses besides the call: the clock, HTTP, mail, a language model, a folder for files, queues. A
test of a dialogue gives its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from ivr.dialplan.runtime.language_model import LanguageModel
from ivr.dialplan.runtime.queues import Queues
from ivr.errors import IvrError


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a back end."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 10.0
    """Seconds for the whole exchange, up to the last byte of the answer."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The answer of a back end."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpFailed(IvrError):
    """There was no answer. ``event`` is ``timeout``, ``unreachable``, or ``bad_answer`` for one that is too
    long."""

    def __init__(self, event: str, message: str) -> None:
        super().__init__(message)
        self.event = event


class BadReply(IvrError):
    """A back end answered, but not as the plan expects. The message says where in the answer, such as
    ``$.verbs[0].say``, and what was expected there."""


class Http(Protocol):
    """Requests to back ends."""

    async def send(self, request: HttpRequest) -> HttpReply:
        """Any status is a reply. Raises HttpFailed."""


class Mail(Protocol):
    """A way to send mail."""

    async def send(self, message: EmailMessage) -> None:
        """Raises OSError when it could not be handed over."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Shared by all calls of a process. What is None is not configured: a verb that needs it fails, and says
    which setting is missing.
    """

    now: Callable[[], datetime] = _utc_now
    """The time, with its zone."""
    http: Http | None = None
    mail: Mail | None = None
    model: LanguageModel | None = None
    files: Path | None = None
    """The folder for recorded messages."""
    queues: Queues = field(default_factory=Queues)
    """The queues of all calls."""
