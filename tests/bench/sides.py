"""The two sides that are compared: the service and Asterisk, each as one process on a core of its own."""

import contextlib
import random
from pathlib import Path
from types import TracebackType

from tests.bench import processor
from tests.bench.stage import Stage
from tests.caller import rtp, sounds
from tests.e2e.running import Service
from tests.pbx.running import Pbx, chroot
from tests.ports import free_port

SPARE = 60
"""Calls that a side is set up for beyond those it is to hold."""
ASTERISK = Path(__file__).parent / "asterisk"


def rtp_room(calls: int) -> int:
    """Ports for so many calls, and for as many that are over and not yet forgotten."""
    return 4 * (calls + SPARE)


class Side:
    """What the callers dial. Use as a context manager; idle once entered."""

    name: str
    user: str = "crowd"
    """The user that is called: on this name a prompt plays for ever, and speech does not stop it."""
    address: tuple[str, int]
    rtp_ports: range

    def __init__(self, core: int, other_core: int) -> None:
        self.core, self._other = core, other_core
        self._undo = contextlib.ExitStack()

    @property
    def pid(self) -> int:
        """The process that is measured."""
        raise NotImplementedError

    def __enter__(self) -> "Side":
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.__exit__(kind, error, trace)


class ServiceSide(Side):
    """``ivr serve`` as one worker. Its engines are put on the other core: they are not what is measured."""

    name = "service"

    def __init__(self, stage: Stage, calls: int, core: int, other_core: int) -> None:
        super().__init__(core, other_core)
        room = rtp_room(calls)
        first = random.randrange(30_000, 60_000 - room) & ~1
        self.rtp_ports = range(first, first + room)
        plans = [stage.folder / f"{name}.yaml" for name in ("crowd", "continuous")]
        self.service = Service(
            plans,
            "--rtp-ports",
            f"{first}-{first + room - 1}",
            env={"IVR_SIP__MAX_CALLS": str(calls + SPARE), "IVR_LOG__LEVEL": "debug"},
            ready_timeout=300,
        )
        self.address = self.service.address

    @property
    def pid(self) -> int:
        return self.service.process.pid

    def __enter__(self) -> "ServiceSide":
        with processor.born_on(self.core, self._other):
            self._undo.enter_context(self.service)
        for child in processor.children(self.pid):
            processor.pin(child, self._other)
        return self


class AsteriskSide(Side):
    """Asterisk in its chroot with the configuration of ``asterisk/``. Raises NoPbx where there is none."""

    name = "Asterisk"

    def __init__(self, stage: Stage, calls: int, core: int, other_core: int) -> None:
        super().__init__(core, other_core)
        port = free_port()
        self._pbx = Pbx(chroot(), 9, port, etc=ASTERISK, rtp_ports=rtp_room(calls), options=())
        prompt = sounds.read_wav(stage.folder / "continuous.wav")
        self._pbx.files["prompt.ulaw"] = rtp.encode(prompt, rtp.PCMU)
        self.address, self.rtp_ports = self._pbx.address, self._pbx.rtp_ports

    @property
    def pid(self) -> int:
        return self._pbx.pid

    def __enter__(self) -> "AsteriskSide":
        with processor.born_on(self.core, self._other):
            self._undo.enter_context(self._pbx)
        processor.pin(self.pid, self.core)
        return self
