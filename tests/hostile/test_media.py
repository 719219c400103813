"""Sound goes to the caller's address and keys come from there, whoever else sends RTP to the port (RFC 4961).

The rule is in the carrier build's pjmedia (docker/pjsua2/patches/0001-media-keeps-its-address.patch); for the
stock wheel it is a packet filter (ivr/sip/pjsip/media_filter.py).
"""

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ivr.sip.pjsip.probe import build_limit
from tests.caller.rtp import event_packets
from tests.hostile.messages import Request, Target, sdp
from tests.hostile.rtp_phone import PhoneCall, RtpPhone
from tests.ports import free_port

carrier = pytest.mark.skipif(
    build_limit() < 100,
    reason="only the build that `make carrier` installs can do it",
)
SILENCE = b"\xff" * 160
PCMU, EVENTS = 0, 101


@dataclass
class Sender:
    """An RTP socket with its counters."""

    host: str
    ssrc: int
    received: int = 0
    sequence: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.host, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def send(
        self, to: tuple[str, int], payload: bytes = SILENCE, kind: int = PCMU, at: int | None = None
    ) -> None:
        number = next(self.sequence)
        when = (number if at is None else at) * 160
        header = struct.pack("!BBHII", 0x80, kind, number % 65536, when, self.ssrc)
        self.socket.sendto(header + payload, to)

    def drain(self) -> int:
        """Packets received since the last look."""
        count = 0
        try:
            while True:
                self.socket.recv(2048)
                count += 1
        except BlockingIOError:
            return count


class Phone(Sender):
    """Sends 50 packets a second until it is stopped."""

    def talk(self, to: tuple[str, int]) -> None:
        self._stop = threading.Event()

        def run() -> None:
            while not self._stop.wait(0.02):
                self.send(to)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=60)
    yield running
    running.close()


def start(target: Target, phone: Sender, signalled: int | None = None) -> tuple[tuple[str, int], Request]:
    """Set a call up; the address that its sound goes to, and its INVITE."""
    port = signalled or phone.port
    media = f"m=audio {port} RTP/AVP {PCMU} {EVENTS}\r\na=rtpmap:{EVENTS} telephone-event/8000\r\n"
    invite = Request(body=sdp(media, connection=f"IN IP4 {phone.host}"))
    call = target.call(invite)
    target.wait("confirmed", call=invite.call_id)
    port = next(int(line.split()[1]) for line in call.answer.split("\r\n") if line.startswith("m=audio"))
    return ("127.0.0.1", port), invite


def test_a_burst_from_elsewhere_neither_takes_the_sound_nor_presses_keys(target: Target) -> None:
    phone, stranger = Phone("127.0.0.1", 1), Sender("127.0.0.9", 2)
    to, invite = start(target, phone)
    phone.talk(to)
    time.sleep(0.3)
    phone.drain()
    key = event_packets("5", 100)
    for _ in range(10):
        for _ in range(30):
            stranger.send(to)
        for payload, _marker in key:
            stranger.send(to, payload, EVENTS, at=7)
        time.sleep(0.05)
    assert stranger.drain() == 0
    assert phone.drain() > 15
    with pytest.raises(AssertionError):
        target.wait("key", 0.5)
    phone.stop()
    target.established[invite.call_id].hang_up()
    target.wait("ended", call=invite.call_id)


def test_a_phone_behind_nat_is_learned_from_its_first_packet_and_kept(target: Target) -> None:
    """It names an address that nothing comes from, as behind a NAT."""
    phone, stranger = Phone("127.0.0.3", 1), Sender("127.0.0.9", 2)
    to, invite = start(target, phone, signalled=9)
    phone.talk(to)
    time.sleep(0.5)
    assert phone.drain() > 10
    for _ in range(200):
        stranger.send(to)
    time.sleep(0.3)
    assert stranger.drain() == 0 and phone.drain() > 8
    phone.stop()
    target.established[invite.call_id].hang_up()
    target.wait("ended", call=invite.call_id)


@carrier
def test_a_phone_whose_nat_binding_changes_is_heard_again(target: Target) -> None:
    phone = Phone("127.0.0.3", 7)
    to, invite = start(target, phone)
    phone.talk(to)
    time.sleep(0.3)
    phone.stop()
    time.sleep(2.2)
    moved = Phone("127.0.0.4", 7)
    moved.talk(to)
    time.sleep(0.5)
    assert moved.drain() > 10
    moved.stop()
    target.established[invite.call_id].hang_up()
    target.wait("ended", call=invite.call_id)


def test_who_sends_first_from_elsewhere_gives_way_to_the_signalled_address(target: Target) -> None:
    phone, stranger = Phone("127.0.0.1", 1), Sender("127.0.0.9", 2)
    to, invite = start(target, phone)
    stranger.send(to)
    phone.talk(to)
    time.sleep(0.5)
    stranger.drain()
    phone.drain()
    time.sleep(0.5)
    assert stranger.drain() == 0 and phone.drain() > 15
    phone.stop()
    target.established[invite.call_id].hang_up()
    target.wait("ended", call=invite.call_id)


def test_a_stranger_cannot_keep_a_call_that_is_over_nor_end_one_by_rtcp(target: Target) -> None:
    call = PhoneCall.start(target, RtpPhone())
    stranger = Sender("127.0.0.9", 2)
    call.phone.speak(300)
    bye = struct.pack("!BBHI", 0x81, 203, 1, call.phone.ssrc)
    reports = struct.pack("!BBH7I", 0x81, 201, 7, call.phone.ssrc, 1, 0, 9, 0, 0, 0)
    host, port = call.phone.to

    def attack() -> None:
        stranger.socket.sendto(bye, (host, port + 1))
        stranger.socket.sendto(reports + bye, (host, port + 1))
        stranger.socket.sendto(bytes(20), (host, port))
        stranger.send((host, port))

    for _ in range(10):
        attack()
        call.phone.speak(20)
    assert call.heard_ms(200) >= 100
    time.sleep(1.1)  # the counters are read once a second
    before = call.report()["arrived"]
    for _ in range(30):
        attack()
        time.sleep(0.04)
    assert call.report()["arrived"] == before
    call.end()
