"""One RTP socket of a call: a sender paced by absolute deadlines, a receiver with kernel timestamps.

Each has a thread of its own. Times are seconds of CLOCK_REALTIME, which is also what the kernel
stamps arrivals with (SO_TIMESTAMPNS), so sent and received compare.
"""

import contextlib
import random
import socket
import struct
import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tests.caller import measure, rtp
from tests.caller.sdp import Description
from tests.ports import media_port

_SO_TIMESTAMPNS = 35  # Linux; not in the socket module
_FRAME_S = 0.02
_SILENCE = bytes(rtp.FRAME * 2)


def stamped_socket(host: str, port: int) -> socket.socket:
    """A UDP socket whose datagrams carry their arrival time, where the system can do that."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((host, port))
    return sock


def receive(sock: socket.socket) -> tuple[bytes, float, tuple[str, int]]:
    """One datagram, its arrival time and its sender."""
    data, ancillary, _, source = sock.recvmsg(65536, 64)
    at = time.time()
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= 16:
            seconds, nanoseconds = struct.unpack("qq", value[:16])
            at = seconds + nanoseconds / 1e9
    return data, at, source


class Playing:
    """Sound on its way out; says when each of its samples was sent."""

    def __init__(self, pcm16: bytes) -> None:
        padding = -len(pcm16) % (rtp.FRAME * 2)
        self.pcm16 = pcm16 + bytes(padding)
        self.sent: list[float] = []
        """When each 20 ms of it went out."""
        self.done = threading.Event()

    def sent_at(self, sample: int) -> float:
        """When the packet with this sample of the recording was sent. IndexError if it was not."""
        return self.sent[sample // rtp.FRAME]

    def wait(self, timeout: float = 60.0) -> "Playing":
        if not self.done.wait(timeout):
            raise TimeoutError("the sound was not played to its end")
        return self

    @property
    def onset(self) -> float:
        """When the packet with the first loud sample was sent; it must have been."""
        return self.sent_at(measure.onset_sample(self.pcm16))

    @property
    def offset(self) -> float:
        """When the packet with the last loud sample was sent; it must have been."""
        return self.sent_at(measure.offset_sample(self.pcm16))


class Key:
    """One telephone-event on its way out."""

    def __init__(self, packets: list[tuple[bytes, bool]]) -> None:
        self.packets = deque(packets)
        self.start = 0.0
        """When its first packet was sent."""
        self.timestamp = 0
        self.done = threading.Event()


class Media:
    """RTP both ways. Made bound; sends nothing until ``start``."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.sock, self.port = self._bind(host)
        self.packets: list[rtp.Packet] = []
        """Everything received, in order of arrival."""
        self.sources: set[tuple[str, int]] = set()
        """Addresses that it came from."""
        self.late: list[float] = []
        """How late each packet was sent by us: what a measurement may be off by."""
        self.sending = True
        """False: no packet leaves (a dead or a held peer)."""
        self.remote: tuple[str, int] | None = None
        self.payload_type = rtp.PCMU
        self.event_payload = 101
        self.protect: Callable[[bytes], bytes] = bytes
        """What is done to each packet before it is sent: nothing, or SRTP."""
        self.background: bytes = b""
        """Sound repeated when nothing is played (line noise); silence when empty."""
        self._background_at = 0
        self._queue: deque[Playing] = deque()
        self._position = 0
        self._keys: deque[Key] = deque()
        self._running = threading.Event()
        self._stop = threading.Event()
        self._seq = random.randrange(1 << 15)
        self._ts = random.randrange(1 << 31)
        self._ssrc = random.randrange(1 << 32)
        self._threads = [
            threading.Thread(target=f, daemon=True) for f in (self._send_loop, self._receive_loop)
        ]
        self.sock.settimeout(0.2)
        self._threads[1].start()

    @staticmethod
    def _bind(host: str) -> tuple[socket.socket, int]:
        for _ in range(200):
            port = media_port()
            with contextlib.suppress(OSError):
                return stamped_socket(host, port), port
        raise OSError("no free RTP port")

    # -- what a test asks for

    def start(self, description: Description) -> None:
        """Send to where the other side's SDP says; again after a re-INVITE."""
        if description.port:
            self.remote = (description.host, description.port)
        if description.codec in (rtp.PCMU, rtp.PCMA):
            self.payload_type = description.codec
        self.event_payload = description.event_payload or 101
        if not self._running.is_set():
            self._running.set()
            self._threads[0].start()

    def play(self, pcm16: bytes) -> Playing:
        """Queue PCM16 at 8 kHz, to go out from the next packet on."""
        playing = Playing(pcm16)
        self._queue.append(playing)
        return playing

    def press(self, key: str, tone_ms: int = 100) -> Key:
        """Queue a key press as telephone-event."""
        item = Key(rtp.event_packets(key, tone_ms))
        self._keys.append(item)
        return item

    def wait_for(self, wanted: Callable[[list[rtp.Packet]], bool], timeout: float) -> bool:
        """Look every 5 ms until ``wanted(packets)`` is true."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if wanted(self.packets):
                return True
            time.sleep(0.005)
        return wanted(self.packets)

    def wait_loud(self, timeout: float = 10.0, after: float | None = None) -> float:
        """Arrival of the first loud packet from ``after`` (now when not given) on."""
        since = time.time() if after is None else after
        deadline = time.monotonic() + timeout
        seen = max(0, len(self.packets) - 1)
        while seen and self.packets[seen].at > since:
            seen -= 1
        while time.monotonic() < deadline:
            while seen < len(self.packets):
                packet = self.packets[seen]
                seen += 1
                if packet.at >= since and measure.is_loud(packet):
                    return packet.at
            time.sleep(0.005)
        raise TimeoutError(f"nothing was heard for {timeout:g} s")

    def wait_quiet(self, timeout: float = 10.0, quiet: float = measure.QUIET_S) -> float:
        """Wait until nothing loud has come for ``quiet`` seconds; the arrival of the last loud packet."""
        started = time.time()
        deadline = time.monotonic() + timeout
        last, seen = started, len(self.packets)
        while time.monotonic() < deadline:
            while seen < len(self.packets):
                if measure.is_loud(self.packets[seen]):
                    last = self.packets[seen].at
                seen += 1
            if time.time() - last >= quiet:
                return last
            time.sleep(0.005)
        raise TimeoutError(f"the sound did not stop within {timeout:g} s")

    def since(self, at: float) -> list[rtp.Packet]:
        """Packets that arrived from ``at`` on."""
        return [p for p in self.packets if p.at >= at]

    def save(self, path: Path, after: float = 0.0) -> None:
        """Write what was heard as a WAV file."""
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(measure.heard(self.since(after)))

    def close(self) -> None:
        self._stop.set()
        self._running.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(1.0)
        self.sock.close()

    # -- threads

    def _receive_loop(self) -> None:
        while not self._stop.is_set():
            try:
                data, at, source = receive(self.sock)
                packet = rtp.unpack(data, at)
            except (TimeoutError, ValueError):
                continue
            except OSError:
                return
            self.sources.add(source)
            self.packets.append(packet)

    def _send_loop(self) -> None:
        deadline = time.monotonic()
        while not self._stop.is_set():
            deadline += _FRAME_S
            time.sleep(max(0.0, deadline - time.monotonic()))
            self.late.append(max(0.0, time.monotonic() - deadline))
            self._seq += 1
            self._ts += rtp.FRAME
            try:
                self._send_one()
            except OSError:
                return

    def _send_one(self) -> None:
        if not (self.sending and self.remote):
            return
        if self._keys:
            self._send_key(self._keys[0])
            return
        pcm, playing = self._next_frame()
        payload = rtp.encode(pcm, self.payload_type)
        data = rtp.pack(self._seq, self._ts, self.payload_type, False, self._ssrc, payload)
        now = time.time()
        self.sock.sendto(self.protect(data), self.remote)
        if playing is not None:
            playing.sent.append(now)
            if len(playing.sent) * rtp.FRAME * 2 >= len(playing.pcm16):
                playing.done.set()

    def _next_frame(self) -> tuple[bytes, Playing | None]:
        size = rtp.FRAME * 2
        if self._queue:
            playing = self._queue[0]
            frame = playing.pcm16[self._position : self._position + size]
            self._position += size
            if self._position >= len(playing.pcm16):
                self._queue.popleft()
                self._position = 0
            return frame, playing
        if self.background:
            at = self._background_at
            self._background_at = (at + size) % (len(self.background) // size * size)
            return self.background[at : at + size], None
        return _SILENCE, None

    def _send_key(self, key: Key) -> None:
        payload, marker = key.packets.popleft()
        if marker:
            key.timestamp = self._ts  # every packet of an event carries the time of its beginning
            key.start = time.time()
        data = rtp.pack(self._seq, key.timestamp, self.event_payload, marker, self._ssrc, payload)
        assert self.remote is not None
        self.sock.sendto(self.protect(data), self.remote)
        if not key.packets:
            self._keys.popleft()
            key.done.set()
