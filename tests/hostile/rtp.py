"""Wild RTP and RTCP into live calls: ``python -m tests.hostile.rtp --packets 100000 --seed 1``.

With ``--flood RATE`` one call gets so many packets a second while others interrupt their prompts; what is
measured is how long the others talk over the machine, beside the same without a flood.
"""

import argparse
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.caller import UserAgent
from tests.hostile.flood import Waker, quantile
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port

PACE_S = 0.002
LIMIT_MS = 200.0
"""The 95th percentile of an interruption while another call is flooded."""
Maker = Callable[[random.Random], bytes]


def rtp(
    dice: random.Random, first: int = 0x80, kind: int | None = None, payload: bytes | None = None
) -> bytes:
    """A packet whose header says what is asked, and else anything (RFC 3550, 5.1)."""
    second = dice.choice((0, 8, 9, 13, 101, dice.randrange(256))) if kind is None else kind
    head = struct.pack(
        "!BBHII", first, second, dice.randrange(1 << 16), dice.randrange(1 << 32), dice.randrange(1 << 32)
    )
    return head + (dice.randbytes(dice.choice((0, 1, 80, 160, 320))) if payload is None else payload)


def _version(dice: random.Random) -> bytes:
    return rtp(dice, dice.randrange(4) << 6 | dice.randrange(64))


def _padding(dice: random.Random) -> bytes:
    return rtp(dice, 0xA0, payload=dice.randbytes(dice.randrange(40)) + bytes([dice.randrange(256)]))


def _sources(dice: random.Random) -> bytes:
    return rtp(dice, 0x80 | dice.randrange(1, 16), payload=dice.randbytes(dice.randrange(64)))


def _extension(dice: random.Random) -> bytes:
    head = struct.pack("!HH", dice.choice((0xBEDE, 0x1000, dice.randrange(1 << 16))), dice.randrange(1 << 16))
    return rtp(dice, 0x90, payload=head[: dice.randrange(5)] + dice.randbytes(dice.randrange(64)))


def _event(dice: random.Random) -> bytes:
    body = struct.pack("!BBH", dice.randrange(256), dice.randrange(256), dice.randrange(1 << 16))
    return rtp(dice, 0x80, 101 | dice.choice((0, 0x80)), body[: dice.randrange(5)] * dice.choice((1, 1, 9)))


def _huge(dice: random.Random) -> bytes:
    return rtp(dice, payload=bytes(dice.choice((1400, 1500, 4000, 9000, 60_000))))


def _truncated(dice: random.Random) -> bytes:
    return rtp(dice)[: dice.randrange(13)]


def _encrypted(dice: random.Random) -> bytes:
    return rtp(dice, 0x80, 0, dice.randbytes(160 + dice.choice((4, 10))))


def _stun(dice: random.Random) -> bytes:
    length = dice.choice((0, 8, dice.randrange(1 << 16)))
    kind = dice.choice((1, 0x101, 0x111, dice.randrange(1 << 14)))
    attributes = struct.pack("!HH", dice.choice((6, 8, 0x20, 0x8028)), dice.randrange(1 << 16))
    return struct.pack("!HHI", kind, length, 0x2112A442) + dice.randbytes(12) + attributes * dice.randrange(4)


def _dtls(dice: random.Random) -> bytes:
    body = dice.randbytes(dice.randrange(80))
    head = struct.pack("!BHH", dice.choice((20, 21, 22, 23)), 0xFEFD, dice.randrange(3))
    return head + dice.randbytes(6) + struct.pack("!H", dice.choice((len(body), 0xFFFF))) + body


def _zrtp(dice: random.Random) -> bytes:
    head = struct.pack("!BBHI", 0x10, 0, dice.randrange(1 << 16), 0x5A525450) + dice.randbytes(4)
    return head + b"\x50\x5a" + struct.pack("!H", dice.randrange(1 << 16)) + b"Hello   " + dice.randbytes(60)


def report(dice: random.Random, kind: int, count: int, body: bytes, words: int | None = None) -> bytes:
    """One packet of RTCP (RFC 3550, 6.4); its length is a lie where ``words`` is given."""
    length = len(body) // 4 if words is None else words
    return struct.pack("!BBH", 0x80 | count, kind, length) + body


def _compound(dice: random.Random) -> bytes:
    parts = []
    for _ in range(dice.randrange(1, 6)):
        body = dice.randbytes(4 * dice.randrange(14))
        lie = dice.choice((None, None, dice.randrange(1 << 16), 0))
        parts.append(
            report(dice, dice.choice((200, 201, 202, 203, 204, 205, 206, 207)), dice.randrange(32), body, lie)
        )
    return b"".join(parts)


def _bye(dice: random.Random) -> bytes:
    reason = bytes([dice.choice((3, 255))]) + b"bye"
    return report(dice, 201, 0, dice.randbytes(4)) + report(dice, 203, 1, dice.randbytes(4) + reason)


def _sdes(dice: random.Random) -> bytes:
    item = bytes([dice.randrange(10), dice.choice((4, 200, 255))]) + b"name"
    return report(dice, 202, dice.randrange(32), dice.randbytes(4) + item * dice.randrange(1, 9))


def _xr(dice: random.Random) -> bytes:
    block = struct.pack("!BBH", dice.randrange(9), 0, dice.choice((0, 2, 8, 0xFFFF))) + dice.randbytes(8)
    return report(dice, 207, 0, dice.randbytes(4) + block * dice.randrange(5))


def _sender_report(dice: random.Random) -> bytes:
    return report(dice, 200, dice.randrange(32), dice.randbytes(24 + 24 * dice.randrange(4)))


def _noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(200))


RTP: tuple[Maker, ...] = (
    rtp, _version, _padding, _sources, _extension, _event, _huge, _truncated, _encrypted, _stun, _dtls, _zrtp,
    _noise,
)  # fmt: skip
RTCP: tuple[Maker, ...] = (_compound, _bye, _sdes, _xr, _sender_report, _noise)


def mutated(dice: random.Random, makers: tuple[Maker, ...]) -> bytes:
    """A packet of one of the kinds, some of its bytes changed now and then."""
    data = bytearray(dice.choice(makers)(dice))
    for _ in range(dice.choice((0, 0, 1, 4)) if data else 0):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


class Attacked:
    """A call of its own, at an address from which anything is sent."""

    def __init__(self, target: Target, host: str) -> None:
        while True:
            self.rtp, self.rtcp = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
            self.rtp.bind((host, 0))
            self.port = self.rtp.getsockname()[1]
            try:
                self.rtcp.bind((host, self.port + 1))
                break
            except OSError:
                self.close()
        media = f"m=audio {self.port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        self.call = target.call(Request(body=sdp(media, connection=f"IN IP4 {host}")))
        lines = self.call.answer.split("\r\n")
        self.to = ("127.0.0.1", int(next(line for line in lines if line.startswith("m=audio")).split()[1]))

    def send(self, dice: random.Random) -> None:
        """One packet, in three of four cases to the RTP port."""
        if dice.random() < 0.75:
            self.rtp.sendto(mutated(dice, RTP), self.to)
        else:
            self.rtcp.sendto(mutated(dice, RTCP), (self.to[0], self.to[1] + 1))

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def attack(target: Target, packets: int, seed: int, rate: float = 4000) -> None:
    """Send so many into a call, from its phone's address and from a stranger's. Raises AssertionError."""
    dice = random.Random(seed)
    phone = Attacked(target, "127.0.0.1")
    stranger, stranger_rtcp = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
    stranger.bind(("127.0.0.9", 0))
    due, last = 0.0, time.monotonic()
    sent = 0
    while sent < packets:
        time.sleep(PACE_S)
        now = time.monotonic()
        due, last = min(due + (now - last) * rate, rate / 10), now
        for _ in range(min(int(due), packets - sent)):
            if dice.random() < 0.2:
                stranger.sendto(mutated(dice, RTP), phone.to)
                stranger_rtcp.sendto(mutated(dice, RTCP), (phone.to[0], phone.to[1] + 1))
            phone.send(dice)
            sent += 1
            if sent % 10_000 == 0:
                target.check_alive()
        due -= int(due)
    target.check_alive()
    assert not [line for line in target.lines if '"ended"' in line], "no RTCP BYE and no packet ends a call"
    phone.call.hang_up()
    phone.close()
    stranger.close()
    stranger_rtcp.close()
    target.call().hang_up()


class Flood(threading.Thread):
    """Sends ``rate`` packets a second into a call of a running service."""

    def __init__(self, address: tuple[str, int], rate: float, seed: int) -> None:
        super().__init__(daemon=True)
        dice = random.Random(seed)
        self._ua = UserAgent()
        self._call = self._ua.call(address)
        assert self._call.description is not None
        self._to = (self._call.description.host, self._call.description.port)
        self._packets = [
            mutated(dice, RTP) if dice.random() < 0.5 else rtp(dice, 0x80, 0) for _ in range(5000)
        ]
        self._rate, self._stopped, self.sent = rate, threading.Event(), 0

    def run(self) -> None:
        due, last = 0.0, time.monotonic()
        sock = self._call.media.sock
        while not self._stopped.wait(PACE_S):
            now = time.monotonic()
            due, last = min(due + (now - last) * self._rate, self._rate / 10), now
            for _ in range(int(due)):
                sock.sendto(self._packets[self.sent % len(self._packets)], self._to)
                self.sent += 1
            due -= int(due)

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        self._ua.close()


def others(rate: float, trials: int, seed: int) -> tuple[float, float]:
    """Interrupt prompts while another call gets ``rate`` packets a second; p95, and the machine's, in ms."""
    from tests.bench import barge_in
    from tests.bench.stage import Stage, in_processes

    with TemporaryDirectory(prefix="ivr-flood-") as folder:
        stage = Stage(Path(folder))
        with stage.service("continuous") as service:
            flood = Flood(service.address, rate, seed) if rate else None
            waker, began = Waker(), time.monotonic()
            waker.start()
            if flood is not None:
                flood.start()
            work = [(service.address, -(-trials // 2), seed + n, False) for n in range(2)]
            found = [trial for result in in_processes(barge_in.trials, work) for trial in result]
            waker.stop()
            sent = 0
            if flood is not None:
                flood.stop()
                sent = flood.sent
            values = [trial.ms if trial.ms is not None else float("inf") for trial in found]
            per_s = round(sent / (time.monotonic() - began))
    print(
        f"{per_s} packets/s on one call: {len(values)} interruptions, p50 {quantile(values, 0.5)} "
        f"p95 {quantile(values, 0.95)} max {max(values):.0f} ms; machine late p95 "
        f"{quantile(waker.late_ms, 0.95)} max {max(waker.late_ms):.0f} ms",
        flush=True,
    )
    return quantile(values, 0.95), quantile(waker.late_ms, 0.95)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.rtp", description=__doc__)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=4000, help="of these packets, a second")
    parser.add_argument("--flood", type=float, default=0, help="packets a second on one call, beside others")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.flood:
        others(0, options.trials, options.seed)
        p95, _ = others(options.flood, options.trials, options.seed)
        return int(p95 > LIMIT_MS)
    target = Target(free_port(), rtp_timeout_s=600)
    print("build:", target.build)
    began = time.monotonic()
    attack(target, options.packets, options.seed, options.rate)
    print(f"{options.packets} packets, seed {options.seed}, {time.monotonic() - began:.0f} s: alive")
    target.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
