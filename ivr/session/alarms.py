"""Several alarms on the one that a stream has. Loop only; time is samples of the caller's audio."""

from collections.abc import Callable

from ivr.vad.base import VadStream


class Alarms:
    """Each name has one alarm at most."""

    def __init__(self, stream: VadStream) -> None:
        self._stream = stream
        self._at: dict[str, tuple[int, Callable[[], None]]] = {}

    def set(self, name: str, at: int, ring: Callable[[], None]) -> None:
        """``ring`` is called once the stream's clock has reached ``at``, in place of an earlier one."""
        self._at[name] = (at, ring)
        self._aim()

    def clear(self, name: str) -> None:
        if self._at.pop(name, None) is not None:
            self._aim()

    def is_set(self, name: str) -> bool:
        return name in self._at

    def rang(self, clock: int) -> None:
        """The stream's alarm rang: call what is due, the earliest first, if it was not cleared or put off."""
        for name, (at, ring) in sorted(self._at.items(), key=lambda item: item[1][0]):
            if at <= clock and self._at.get(name) == (at, ring):
                del self._at[name]
                ring()
        self._aim()

    def _aim(self) -> None:
        self._stream.set_alarm(min((at for at, _ in self._at.values()), default=None))
