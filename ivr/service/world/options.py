"""Options of what plans reach besides the call: HTTP, mail, a language model."""

from dataclasses import dataclass, field
from typing import Literal

from ivr.speech.providers.openai.client import OpenAIOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """``[http]``: requests of plans."""

    base_url: str | None = None
    """The address that is put before one that begins with ``/``, such as ``https://crm.example.org/api``."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts, or ``host:port``, that requests and redirects may go to; any host when empty."""
    max_body: int = 1_048_576
    """Longest answer in bytes; a longer one is not read to its end and counts as a failure."""
    max_redirects: int = 3
    """Redirects that are followed for one request; with 0 a redirect is an answer like any other."""
    max_connections: int = 100
    """Connections at the same time, for one process."""
    connect_timeout_s: float = 3.0
    """Seconds after which a host that does not answer at all counts as unreachable."""
    ca_file: str | None = None
    """File with the certificates (PEM) of the authorities that are trusted; without it those of the
    ``certifi`` package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """``[mail]``: the server that takes our mail."""

    host: str | None = None
    """The mail server; without one no mail can be sent."""
    port: int | None = None
    """The port of the mail server; by default 587 with starttls, 465 with tls, 25 with none."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """Encryption: ``starttls`` after a greeting in the clear, ``tls`` from the first byte, or ``none``."""
    user: str | None = None
    """The user name at the mail server; without one there is no login."""
    password: str | None = field(default=None, repr=False)
    """The password itself. Better: ``password_file``."""
    password_file: str | None = None
    """A file whose first line is the password."""
    sender: str = "ivr@localhost"
    """The sender of mail that names none."""
    timeout_s: float = 20.0
    """Seconds for each step of handing over a message."""
    ca_file: str | None = None
    """File with the certificates (PEM) of the authorities that are trusted; without it the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions(OpenAIOptions):
    """``[agent]``: the server, as for the speech engines, and the model."""

    timeout_s: float = 10.0
    """Seconds until the first piece of a reply, retries included."""
    model: str = "gpt-4o-mini"
    """The model, where a plan names no other."""
    max_reply_tokens: int = 400
    """Characters of one reply: a caller does not listen to more."""
    gap_s: float = 5.0
    """Seconds between two pieces of a reply."""
