"""``ivr call`` as a process, its JSON log read like that of a service."""

from collections.abc import Mapping
from pathlib import Path

from tests.e2e.running import Service


class Placed(Service):
    """One call placed by the service. Use as a context manager; the INVITE is out once entered."""

    command = "call"
    ready_event = "call_started"

    def __init__(self, plan: Path, to: str, *options: str, env: Mapping[str, str] | None = None) -> None:
        """``to`` is what the command is given: an address or an extension."""
        super().__init__([plan], to, *options, env=env)

    @property
    def reported(self) -> str:
        """The line it printed."""
        return next((line for line in self.other_lines if ": " in line), "")
