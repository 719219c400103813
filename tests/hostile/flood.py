"""Floods from many sources while a trusted caller calls: ``python -m tests.hostile.flood --sources 1000``.

The sources are addresses of 127.0.0.0/8, the trusted caller is 127.0.0.1. It is measured how long its INVITEs
wait for their 200, what the flood costs the process, and what the machine itself adds: how late a thread
wakes that does nothing else.
"""

import argparse
import dataclasses
import itertools
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from tests.bench.processor import spent
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port

AGENTS = ("friendly-scanner", "sipvicious", "sip-scan", "VaxSIPUserAgent/3.1", "pplsip", "Zoiper")
LIMIT_MS = 500.0
"""Within which a trusted INVITE is answered 200."""
PACE_S = 0.002
KINDS = ("INVITE", "INVITE", "INVITE", "OPTIONS", "REGISTER", "FROB", "noise")
SCANS = KINDS[3:]
"""What scanners send: nothing that would be a call where anybody may call."""


def request(dice: random.Random, host: str, port: int, kinds: Sequence[str]) -> bytes:
    """One request of a flood or a scan, well formed or nearly."""
    agent = f"User-Agent: {dice.choice(AGENTS)}\r\n"
    user = f"sip:{dice.randrange(10_000)}@127.0.0.1"
    kind = dice.choice(kinds)
    if kind == "noise":
        return dice.randbytes(dice.randrange(1, 900))
    branch = f"z9hG4bK{dice.randrange(1 << 60)}"
    made = Request(
        kind, sdp() if kind == "INVITE" else "", uri=user, to=f"<{user}>", more=agent, branch=branch,
        sender=f'"{agent[12:-2]}" <{user}>;tag={dice.randrange(1 << 40)}',
    )  # fmt: skip
    return made.data(host, port)


class Flood(threading.Thread):
    """Sends ``rate`` packets a second from each source in turn, until it is stopped."""

    def __init__(
        self, target: tuple[str, int], sources: int, rate: float, seed: int, kinds: Sequence[str]
    ) -> None:
        super().__init__(daemon=True)
        dice = random.Random(seed)
        self._target, self._rate = target, rate
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sources)]
        self._packets: list[tuple[socket.socket, bytes]] = []
        for number, sock in enumerate(self._sockets):
            host = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
            sock.bind((host, 0))
            sock.setblocking(False)
            port = sock.getsockname()[1]
            self._packets += [
                (sock, request(dice, host, port, kinds)) for _ in range(max(1, 2000 // sources))
            ]
        dice.shuffle(self._packets)
        self.sent = self.answered = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        packets = itertools.cycle(self._packets)
        due, last = 0.0, time.monotonic()
        while not self._stopped.wait(PACE_S):
            now = time.monotonic()
            due, last = min(due + (now - last) * self._rate, self._rate), now
            for sock, data in itertools.islice(packets, int(due)):
                try:
                    sock.sendto(data, self._target)
                except OSError:
                    continue  # our own socket is full, or the answer to an earlier one was ICMP
                self.sent += 1
            due -= int(due)

    def stop(self) -> None:
        """Stop, and count what was answered."""
        self._stopped.set()
        self.join()
        for sock in self._sockets:
            for _ in self._answers(sock):
                self.answered += 1
            sock.close()

    @staticmethod
    def _answers(sock: socket.socket) -> Iterator[bytes]:
        try:
            while True:
                yield sock.recv(4096)
        except OSError:
            return


class Waker(threading.Thread):
    """How late a thread wakes that sleeps 5 ms at a time: the machine's own delay."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.late_ms: list[float] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            before = time.monotonic()
            time.sleep(0.005)
            self.late_ms.append((time.monotonic() - before - 0.005) * 1000)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@dataclasses.dataclass
class Result:
    """What a flood did."""

    sent: int
    """Packets of the flood."""
    answered: int
    """Answers that its sources got."""
    setup_ms: list[float]
    """INVITE to 200 of the trusted calls; infinite when none came."""
    late_ms: list[float]
    cpu_s: float
    """Processor time of the process under test meanwhile."""
    seconds: float

    def line(self) -> str:
        """The figures in one line of JSON."""
        worst = max(self.setup_ms)
        return json.dumps(
            {
                "packets": self.sent,
                "packets/s": round(self.sent / self.seconds),
                "answered": self.answered,
                "trusted calls": len(self.setup_ms),
                "p50 ms": quantile(self.setup_ms, 0.5),
                "p95 ms": quantile(self.setup_ms, 0.95),
                "max ms": round(worst, 1),
                "machine late p95 ms": quantile(self.late_ms, 0.95),
                "machine late max ms": round(max(self.late_ms), 1),
                "cpu %": round(100 * self.cpu_s / self.seconds, 1),
                "cpu us a packet": round(1e6 * self.cpu_s / max(1, self.sent), 2),
            }
        )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1)


def measure(
    target: Target, sources: int, rate: float, seconds: float, seed: int, kinds: Sequence[str] = KINDS
) -> Result:
    """Flood the target for so long, with a trusted call every 0.1 s."""
    flood, waker = Flood(target.address, sources, rate, seed, kinds), Waker()
    before, began = spent(target.pid).whole, time.monotonic()
    waker.start()
    flood.start()
    setup: list[float] = []
    while time.monotonic() < began + seconds:
        asked = time.monotonic()
        try:
            call = target.call()
        except AssertionError:
            setup.append(float("inf"))
        else:
            setup.append((time.monotonic() - asked) * 1000)
            call.hang_up()
        time.sleep(0.1)
    flood.stop()
    waker.stop()
    passed = time.monotonic() - began
    return Result(flood.sent, flood.answered, setup, waker.late_ms, spent(target.pid).whole - before, passed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.flood", description=__doc__)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=5000, help="packets a second, of all sources")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--accept",
        default="127.0.0.1",
        help="sip.accept_from, with commas; any: the sources are no strangers",
    )
    parser.add_argument("--scans", action="store_true", help="no INVITEs")
    options = parser.parse_args()
    accepted = ["127.0.0.1", *options.accept.split(",")]
    target = Target(free_port(), accept_from=accepted, max_calls=20)
    print("build:", target.build)
    idle = measure(target, 1, 0, min(5.0, options.seconds), options.seed)
    print("no flood:", idle.line(), flush=True)
    kinds = SCANS if options.scans else KINDS
    result = measure(target, options.sources, options.rate, options.seconds, options.seed, kinds)
    print(f"{options.sources} sources, seed {options.seed}:", result.line())
    target.check_alive()
    target.close()
    return int(max(result.setup_ms) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
