"""The media side of a phone: RTP and RTCP sockets, and a voice (a tone) that is sent in real time.

What the service heard of it is asked of the agent (``heard``), in frames of 20 ms.
"""

import audioop
import math
import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.caller.rtp import PCMA, PCMU, event, pack
from tests.caller.srtp import Keys, keys_in
from tests.hostile.messages import Established, Request, Target, sdp
from tests.ports import media_port

EVENTS, COMFORT_NOISE = 101, 13
LOUD = 1000
"""Root mean square above which a frame is the tone; silence and comfort noise are far below."""
_WAVE = struct.pack("<8000h", *(int(8000 * math.sin(2 * math.pi * 1000 * n / 8000)) for n in range(8000)))

_NOISE = random.Random(1).randbytes(21 * 160)


@dataclass
class RtpPhone:
    """A phone at ``host``. ``sequence``, ``timestamp`` and ``ssrc`` are those of its next packet."""

    host: str = "127.0.0.1"
    ssrc: int = 0x1234
    sequence: int = 1000
    timestamp: int = 160_000
    to: tuple[str, int] = ("", 0)
    """Where its sound goes: the address in the other side's SDP."""
    protect: Callable[[bytes], bytes] = field(default=bytes)
    """What is done to a packet before it is sent: SRTP."""
    unprotect: Callable[[bytes], bytes] = field(default=lambda packet: packet[12:])
    """The payload of a packet that came."""

    def __post_init__(self) -> None:
        for port in iter(media_port, None):
            self.rtp, self.rtcp = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
            try:
                self.rtp.bind((self.host, port))
                self.rtcp.bind((self.host, port + 1))
            except OSError:
                self.close()
                continue
            self.port = port
            break
        self.rtp.setblocking(False)
        self.rtcp.setblocking(False)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def secure(self, key: str, theirs: str) -> None:
        """Encrypt what is sent and decrypt what comes (SDES, keys in base64)."""
        self.protect = Keys.derived(key).protector(500)
        self.unprotect = Keys.derived(theirs).unprotect

    def line(self, profile: str = "RTP/AVP", payloads: str = f"{PCMU} {EVENTS}", more: str = "") -> str:
        """An audio line of SDP that names this phone's port."""
        return (
            f"m=audio {self.port} {profile} {payloads}\r\n"
            f"a=rtpmap:{EVENTS} telephone-event/8000\r\na=fmtp:{EVENTS} 0-15\r\n{more}"
        )

    def send(self, payload: bytes, kind: int = PCMU, *, marker: bool = False, at: int | None = None) -> None:
        """One packet; its timestamp is ``at``, else the phone's."""
        when = self.timestamp if at is None else at
        packet = pack(self.sequence, when, kind, marker, self.ssrc, payload)
        self.rtp.sendto(self.protect(packet), self.to)
        self.sequence += 1

    def speak(self, milliseconds: int, packet_ms: int = 20, kind: int = PCMU) -> None:
        """Send a tone in packets of ``packet_ms``, in real time."""
        samples = 8 * packet_ms
        encode = audioop.lin2alaw if kind == PCMA else audioop.lin2ulaw
        begun = time.monotonic()
        for n in range(milliseconds // packet_ms):
            place = n * samples % (8000 - samples)
            self.send(encode(_WAVE[2 * place : 2 * (place + samples)], 2), kind)
            self.timestamp += samples
            time.sleep(max(0.0, begun + (n + 1) * packet_ms / 1000 - time.monotonic()))

    def pause(self, milliseconds: int) -> None:
        """Send nothing, while the timestamp goes on."""
        time.sleep(milliseconds / 1000)
        self.timestamp += 8 * milliseconds

    def press(self, key: str, steps: int = 4) -> None:
        """A key of ``steps`` packets and three ends, without a pause between them."""
        for step in range(1, steps + 1):
            self.send(event(key, False, 160 * step), EVENTS, marker=step == 1)
        for _ in range(3):
            self.send(event(key, True, 160 * steps), EVENTS)
        self.timestamp += 160 * steps

    def received(self) -> int:
        """Loud RTP packets that came since the last look."""
        return sum(1 for data in self._drained(self.rtp) if self._is_loud(data))

    def packets(self) -> list[bytes]:
        """RTP packets that came since the last look, as they are."""
        return self._drained(self.rtp)

    @staticmethod
    def _drained(from_socket: socket.socket) -> list[bytes]:
        found = []
        try:
            while True:
                found.append(from_socket.recv(2048))
        except BlockingIOError:
            return found

    def _is_loud(self, packet: bytes) -> bool:
        decode = audioop.alaw2lin if packet[1] & 0x7F == PCMA else audioop.ulaw2lin
        kind = packet[1] & 0x7F
        return kind in (PCMU, PCMA) and audioop.rms(decode(self.unprotect(packet), 2), 2) > LOUD


@dataclass
class PhoneCall:
    """A call of an ``RtpPhone`` that the agent has answered."""

    target: Target
    phone: RtpPhone
    dialog: Established

    @classmethod
    def start(cls, target: Target, phone: RtpPhone, media: str | None = None) -> "PhoneCall":
        """Call with these media lines, else with the phone's own."""
        offer = sdp(phone.line() if media is None else media, connection=f"IN IP4 {phone.host}")
        call = cls(target, phone, target.call(Request(body=offer)))
        running.append(call)
        target.wait("confirmed", call=call.id)
        phone.to = ("127.0.0.1", audio_port(call.dialog.answer))
        return call

    @property
    def id(self) -> str:
        return self.dialog.invite.call_id

    def reinvite(self, media: str) -> str:
        """Offer these media lines; the 200."""
        version = f"o=- 1 {self.dialog.cseq + 2}"
        offer = sdp(media, connection=f"IN IP4 {self.phone.host}").replace("o=- 1 2", version)
        request = self.dialog.request("INVITE", offer)
        self.target.clear()
        self.target.send(request)
        answer = ""
        while not answer.startswith("SIP/2.0 200"):
            answer = self.target.receive(3)
            assert answer.startswith(("SIP/2.0 1", "SIP/2.0 200")), answer.split("\r\n")[0] or "no answer"
        self.target.send(self.dialog.request("ACK"))
        port = audio_port(answer)
        if port:
            self.phone.to = ("127.0.0.1", port)
        return answer

    def look(self) -> list[int]:
        """The loudness of each 20 ms that the service received since the last look."""
        self.target.ask(f"heard {self.id}")
        levels: list[int] = self.target.wait("heard", call=self.id)["levels"]
        return levels

    def report(self) -> dict[str, object]:
        """What the agent says of the call: packets received, codec, hold."""
        self.target.ask(f"heard {self.id}")
        return self.target.wait("heard", call=self.id)

    def heard_ms(self, milliseconds: int, packet_ms: int = 20, kind: int = PCMU) -> int:
        """Speak that long; how much of it the service heard."""
        self.look()
        self.phone.speak(milliseconds, packet_ms, kind)
        time.sleep(0.1)
        return 20 * sum(level > LOUD for level in self.look())

    def heard_g722_ms(self, milliseconds: int) -> int:
        """The like with noise in packets of G.722."""
        self.look()
        for n in range(milliseconds // 20):
            self.phone.send(_NOISE[160 * (n % 20) :][:160], 9)
            self.phone.pause(20)
        time.sleep(0.1)
        return 20 * sum(level > LOUD for level in self.look())

    def keys(self, seconds: float = 0.6) -> str:
        """The keys that the service takes until none comes for so long."""
        keys = ""
        try:
            while True:
                keys += self.target.wait("key", seconds, call=self.id)["key"]
        except AssertionError:
            return keys

    def is_hung_up(self, reason: str, seconds: float = 4) -> None:
        """The service ends the call for this reason, with a BYE that is answered."""
        self.target.wait("ended", seconds, call=self.id, reason=reason)
        while not (message := self.target.receive(2)).startswith("BYE ") or self.id not in message:
            assert message, "no BYE came"
        head = [line for line in message.split("\r\n") if line.startswith(_COPIED)]
        self.target.send("\r\n".join(["SIP/2.0 200 OK", *head, "Content-Length: 0\r\n\r\n"]).encode())
        running.remove(self)
        self.phone.close()

    def end(self) -> None:
        running.remove(self)
        self.phone.close()
        self.dialog.hang_up()
        self.target.wait("ended", call=self.id)


_COPIED = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
running: list[PhoneCall] = []
"""Calls that have not ended."""


def end_calls() -> None:
    """End what a test has left."""
    for call in running[:]:
        call.end()


def audio_lines(answer: str) -> list[tuple[int, str]]:
    """The port and the SDES key (or an empty text) of every audio line in an SDP."""
    found = []
    for part in answer.split("\r\nm=")[1:]:
        if part.startswith("audio"):
            keys = keys_in(part.encode())
            found.append((int(part.split()[1]), keys[0] if keys else ""))
    return found


def audio_port(answer: str) -> int:
    """The first audio port in an SDP that is not 0; 0 when there is none."""
    return next((port for port, _ in audio_lines(answer) if port), 0)
