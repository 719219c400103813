"""Send every message in every state, while another call's sound is watched."""

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterable

from tests.hostile.messages import AUDIO, Established, Request, Target, sdp
from tests.hostile.torture.answers import right_answer
from tests.hostile.torture.messages import STATES, TRANSPORTS, Sender, Torture

_numbers = itertools.count(1)


class Listener:
    """A call that hears a tone; the gaps between packets, by the kernel's clock where it has one."""

    def __init__(self, target: Target) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((target.host, 0))
        self._stamped = hasattr(socket, "SO_TIMESTAMP")
        if self._stamped:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMP, 1)
        self._socket.settimeout(0.2)
        self.times: list[float] = []
        port = self._socket.getsockname()[1]
        self.call = begin(target, Request(body=sdp(AUDIO.replace("49000", str(port)))))
        self._open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while self._open:
            try:
                _, extra, *_ = self._socket.recvmsg(2048, 64)
            except TimeoutError:
                continue
            seconds, micros = struct.unpack("ll", extra[0][2]) if extra else (time.time(), 0)
            self.times.append(seconds + micros / 1e6)

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()

    def gaps_ms(self) -> list[float]:
        """Sorted."""
        return sorted(1000 * (after - before) for before, after in itertools.pairwise(self.times))


def begin(target: Target, request: Request | None = None) -> Established:
    """A call, as soon as one is taken: calls that were ended keep their place for a moment."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return target.call(request)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            if request is not None:
                request = Request(body=request.body)


def enter(target: Target, state: str) -> None:
    """Bring a target with two calls at most, and one of them up after ``idle``, into a state."""
    if state == "full":
        begin(target)
    elif state == "draining":
        target.command("drain")


def run(
    target: Target, messages: Iterable[Torture], states: Iterable[str] = STATES
) -> tuple[list[str], list[float]]:
    """Wrong answers, and the gaps of the other call in milliseconds, sorted."""
    sender = Sender(target.address)
    wrong: list[str] = []
    listener = None
    every = list(messages)
    for state in states:
        if state != "idle" and listener is None:
            listener = Listener(target)
        enter(target, state)
        for transport, message in itertools.product(TRANSPORTS, every):
            expected = right_answer(message.name, transport, state)
            got = sender.status(message, f"t{next(_numbers)}x", transport, expected)
            if got != expected:
                place = f"RFC {message.rfc}, {message.section} {message.name}"
                wrong.append(f"{place}, {state}, {transport}: {got}, not {expected}")
    target.check_alive()
    sender.close()
    if listener is not None:
        listener.close()
    return wrong, listener.gaps_ms() if listener is not None else []
