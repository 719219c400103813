"""The number of calls at once, limited by the build, by the RTP ports and by the settings."""

from dataclasses import dataclass

PORTS_PER_CALL = 2
"""RTP and RTCP."""


@dataclass(frozen=True, slots=True)
class Capacity:
    build_max_calls: int
    """Calls the PJSUA2 build was compiled for."""
    ports: int
    """UDP ports there are for sound."""
    asked: int | None = None
    """``SipOptions.max_calls``."""

    @property
    def by_build(self) -> int:
        """One slot is kept to refuse with: pjsua needs a free one to send any answer of ours."""
        return max(1, self.build_max_calls - 1)

    @property
    def by_ports(self) -> int:
        """The call that is refused has a pair of its own. At least 1, which may find no port."""
        return max(1, self.ports // PORTS_PER_CALL - 1)

    @property
    def possible(self) -> int:
        return min(self.by_build, self.by_ports)

    @property
    def calls(self) -> int:
        """Calls that will be taken."""
        return max(1, min(self.possible, self.asked or self.possible))

    @property
    def limited_by_ports(self) -> bool:
        """More calls are wanted, and the build holds more, than there are ports for."""
        return self.by_ports < min(self.by_build, self.asked or self.by_build)

    def range_for_build(self, first: int) -> str | None:
        """``first-last``: the ports from ``first`` on for all the build holds; None: they go beyond 65535."""
        last = first + (self.by_build + 1) * PORTS_PER_CALL - 1
        return f"{first}-{last}" if last <= 65535 else None
