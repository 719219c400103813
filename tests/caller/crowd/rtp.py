"""RTP of many calls over a few sockets: sendmmsg and recvmmsg, numpy for what is done per packet.

Several calls share a socket. Whoever is called has a port of its own for each call, and by that port
their packets are distinguished (``record.py``).
"""

import contextlib
import ctypes
import os
import random
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.caller import rtp
from tests.caller.crowd.record import PACKET, ULAW_POWER, Shot, loud
from tests.caller.media import stamped_socket

SLOTS = 20
"""Packets are spread over the 20 ms of a frame: a slot each millisecond."""
SEATS = 2048
"""Calls at once, at most."""
_BATCH = 512
"""Datagrams fetched by one recvmmsg."""
_DATAGRAM = 256
_CONTROL = 64
_SOCKETS = 4
_RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER, _SCM_TIMESTAMPNS = 33, 26, 35

# struct sockaddr_in, iovec, mmsghdr of 64-bit Linux.
_ADDRESS = np.dtype([("family", "=u2"), ("port", ">u2"), ("host", "V4"), ("zero", "V8")])
_PIECE = np.dtype([("base", "=u8"), ("length", "=u8")])
_MESSAGE = np.dtype(
    [
        ("name", "=u8"),
        ("name_length", "=u4"),
        ("pad1", "=u4"),
        ("pieces", "=u8"),
        ("piece_count", "=u8"),
        ("control", "=u8"),
        ("control_length", "=u8"),
        ("flags", "=u4"),
        ("pad2", "=u4"),
        ("length", "=u4"),
        ("pad3", "=u4"),
    ]
)
_HEADER = np.dtype([("first", "u1"), ("second", "u1"), ("seq", ">u2"), ("ts", ">u4"), ("ssrc", ">u4")])

_libc = ctypes.CDLL(None, use_errno=True)
for _function in (_libc.sendmmsg, _libc.recvmmsg):
    _function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int] + (
        [ctypes.c_void_p] if _function is _libc.recvmmsg else []
    )


@dataclass(frozen=True)
class Track:
    """The place of a sound in the bank, in frames of 20 ms."""

    start: int
    frames: int


class Bank:
    """Every sound the crowd can send, mu-law, one after the other."""

    def __init__(self, sounds: Mapping[str, bytes]) -> None:
        """``sounds``: PCM16 at 8 kHz by name; a last part of a frame is cut off."""
        self.tracks: dict[str, Track] = {}
        pieces, at = [], 0
        for name, pcm16 in sounds.items():
            coded = rtp.encode(pcm16, rtp.PCMU)
            frames = len(coded) // rtp.FRAME
            self.tracks[name] = Track(at, frames)
            pieces.append(np.frombuffer(coded[: frames * rtp.FRAME], np.uint8))
            at += frames
        self.ulaw = np.concatenate(pieces)
        self.address = self.ulaw.ctypes.data


class Sender:
    """A packet of every seated call each 20 ms, one slot of them at a time."""

    def __init__(self, bank: Bank, sockets: Sequence[socket.socket]) -> None:
        self._bank = bank
        self._files = [sock.fileno() for sock in sockets]
        self.sent = 0
        self.refused = 0
        """Packets that the kernel did not take."""
        self.shots: list[Shot] = []
        self._free = list(range(SEATS - 1, -1, -1))
        self._reserved = [0] * SLOTS
        self._members: list[list[int]] = [[] for _ in range(SLOTS)]
        self._index = [np.empty(0, np.intp) for _ in range(SLOTS)]
        self._slot = np.zeros(SEATS, np.intp)
        self._headers = np.zeros(SEATS, _HEADER)
        self._headers["first"] = 0x80
        self._addresses = np.zeros(SEATS, _ADDRESS)
        self._pieces = np.zeros((SEATS, 2), _PIECE)
        self._messages = np.zeros(SEATS, _MESSAGE)
        self._outgoing = np.zeros(SEATS, _MESSAGE)
        self._start = np.zeros(SEATS, np.int64)
        self._frames = np.ones(SEATS, np.int64)
        self._frame = np.zeros(SEATS, np.int64)
        # What is said in between, and what is gone back to after it.
        self._saying: dict[int, tuple[Shot, int, tuple[int, int, int]]] = {}
        seats = np.arange(SEATS, dtype=np.uint64)
        self._pieces["base"][:, 0] = self._headers.ctypes.data + seats * np.uint64(_HEADER.itemsize)
        self._pieces["length"][:, 0] = _HEADER.itemsize
        self._pieces["length"][:, 1] = rtp.FRAME
        self._messages["name"] = self._addresses.ctypes.data + seats * np.uint64(_ADDRESS.itemsize)
        self._messages["name_length"] = _ADDRESS.itemsize
        self._messages["pieces"] = self._pieces.ctypes.data + seats * np.uint64(2 * _PIECE.itemsize)
        self._messages["piece_count"] = 2

    def seat(self) -> int:
        """A free seat, in the emptiest slot. Its socket is ``socket_of``; it sends nothing yet."""
        seat = self._free.pop()
        self._slot[seat] = min(range(SLOTS), key=self._reserved.__getitem__)
        self._reserved[self._slot[seat]] += 1
        return seat

    def socket_of(self, seat: int) -> int:
        return int(self._slot[seat]) % len(self._files)

    def start(self, seat: int, remote: tuple[str, int]) -> None:
        """Send from the next turn of its slot on."""
        address = np.zeros((), _ADDRESS)
        address["family"], address["port"] = socket.AF_INET, remote[1]
        address["host"] = np.void(socket.inet_aton(remote[0]))
        self._addresses[seat] = address
        self._headers["seq"][seat] = random.randrange(1 << 15)
        self._headers["ts"][seat] = random.randrange(1 << 31)
        self._headers["ssrc"][seat] = random.randrange(1 << 32)
        slot = self._slot[seat]
        self._members[slot].append(seat)
        self._index[slot] = np.array(self._members[slot], np.intp)

    def leave(self, seat: int) -> None:
        """Send nothing more; the seat is free again."""
        slot = self._slot[seat]
        self._saying.pop(seat, None)
        self._reserved[slot] -= 1
        if seat in self._members[slot]:
            self._members[slot].remove(seat)
            self._index[slot] = np.array(self._members[slot], np.intp)
        self._free.append(seat)

    def say(self, seat: int, track: Track) -> None:
        """Repeat this sound from now on, beginning anywhere in it."""
        self._saying.pop(seat, None)
        self._start[seat], self._frames[seat] = track.start, track.frames
        self._frame[seat] = random.randrange(track.frames)

    def interrupt(self, seat: int, shot: Shot, track: Track) -> None:
        """Say this once, from the next packet on, and go back to what was said before."""
        before = (int(self._start[seat]), int(self._frames[seat]), int(self._frame[seat]))
        if seat in self._saying:
            before = self._saying[seat][2]
        self._start[seat], self._frames[seat], self._frame[seat] = track.start, track.frames, -1
        self._saying[seat] = (shot, track.frames, before)
        self.shots.append(shot)

    def send(self, slot: int) -> None:
        """One packet of each call of the slot."""
        seats = self._index[slot]
        count = len(seats)
        if not count:
            return
        self._headers["seq"][seats] += 1
        self._headers["ts"][seats] += rtp.FRAME
        frame = (self._frame[seats] + 1) % self._frames[seats]
        self._frame[seats] = frame
        self._pieces["base"][seats, 1] = self._bank.address + (self._start[seats] + frame) * rtp.FRAME
        self._outgoing[:count] = self._messages[seats]
        file = self._files[slot % len(self._files)]
        at = time.time()
        done = 0
        while done < count:
            first = self._outgoing.ctypes.data + done * _MESSAGE.itemsize
            sent = _libc.sendmmsg(file, first, count - done, 0)
            if sent <= 0:  # the first of the rest was refused; the others have a right to be sent
                self.refused += 1
                sent = 1
            done += sent
        self.sent += count
        if self._saying:
            self._after(slot, at)

    def _after(self, slot: int, at: float) -> None:
        for seat, (shot, frames, before) in list(self._saying.items()):
            if self._slot[seat] == slot and self._frame[seat] >= 0:
                shot.sent.append(at)
                if len(shot.sent) >= frames:
                    del self._saying[seat]
                    self._start[seat], self._frames[seat], self._frame[seat] = before


class Receiver:
    """What comes in at the sockets, with the kernel's arrival times; header fields and loudness alone."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._files = [sock.fileno() for sock in sockets]
        self.records: list[np.ndarray] = []
        self._loud_at = np.zeros(1 << 16)
        self._quiet_at = np.zeros(1 << 16)
        """Arrival of the last packet of either kind, by port of its sender."""
        self._data = np.zeros((_BATCH, _DATAGRAM), np.uint8)
        self._names = np.zeros(_BATCH, _ADDRESS)
        self._control = np.zeros((_BATCH, _CONTROL), np.uint8)
        pieces = np.zeros(_BATCH, _PIECE)
        rows = np.arange(_BATCH, dtype=np.uint64)
        pieces["base"] = self._data.ctypes.data + rows * np.uint64(_DATAGRAM)
        pieces["length"] = _DATAGRAM
        self._pieces = pieces
        self._messages = np.zeros(_BATCH, _MESSAGE)
        self._messages["name"] = self._names.ctypes.data + rows * np.uint64(_ADDRESS.itemsize)
        self._messages["pieces"] = pieces.ctypes.data + rows * np.uint64(_PIECE.itemsize)
        self._messages["piece_count"] = 1
        self._messages["control"] = self._control.ctypes.data + rows * np.uint64(_CONTROL)
        self._messages["name_length"] = _ADDRESS.itemsize
        self._messages["control_length"] = _CONTROL

    def receive(self) -> None:
        """All that has come, without waiting."""
        for file in self._files:
            count = _BATCH
            while count == _BATCH:
                count = _libc.recvmmsg(file, self._messages.ctypes.data, _BATCH, socket.MSG_DONTWAIT, None)
                if count > 0:
                    self._keep(count)

    def loud_for(self, port: int) -> float:
        """Seconds for which every packet from that port has been loud, up to the last; 0 when that is old."""
        last = float(self._loud_at[port])
        if time.time() - last > 0.1:
            return 0.0
        return max(0.0, last - float(self._quiet_at[port]))

    def _keep(self, count: int) -> None:
        data = self._data[:count]
        control = self._control[:count]
        kind = np.ascontiguousarray(control[:, 12:16]).view("=i4")[:, 0]
        if not (kind == _SCM_TIMESTAMPNS).all():
            raise RuntimeError("the kernel gave no arrival times")
        stamp = np.ascontiguousarray(control[:, 16:32]).view("=i8")
        records = np.empty(count, PACKET)
        records["at"] = stamp[:, 0] + stamp[:, 1] * 1e-9
        records["port"] = self._names["port"][:count]
        records["seq"] = np.ascontiguousarray(data[:, 2:4]).view(">u2")[:, 0]
        kind = data[:, 1] & 0x7F
        # What is not an RTP packet with 20 ms of mu-law is kept, and counted as of type 127.
        right = (self._messages["length"][:count] == 12 + rtp.FRAME) & (data[:, 0] == 0x80)
        records["type"] = np.where(right, kind, 127)
        records["power"] = ULAW_POWER[data[:, 12 : 12 + rtp.FRAME]].mean(axis=1)
        self.records.append(records)
        heard = loud(records)
        self._loud_at[records["port"][heard]] = records["at"][heard]
        self._quiet_at[records["port"][~heard]] = records["at"][~heard]
        self._messages["name_length"][:count] = _ADDRESS.itemsize
        self._messages["control_length"][:count] = _CONTROL


def open_sockets(host: str) -> tuple[list[socket.socket], list[socket.socket]]:
    """RTP sockets at even ports; and those at the odd ports above them, which swallow what comes (RTCP)."""
    media: list[socket.socket] = []
    control: list[socket.socket] = []
    while len(media) < _SOCKETS:
        port = random.randrange(20_000, 30_000) & ~1
        with contextlib.ExitStack() as undo, contextlib.suppress(OSError):
            first = undo.enter_context(stamped_socket(host, port))
            second = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            second.bind((host, port + 1))
            _swallow(second)
            _widen(first)
            undo.pop_all()
            media.append(first)
            control.append(second)
    return media, control


def _widen(sock: socket.socket) -> None:
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _swallow(sock: socket.socket) -> None:
    """A filter of one instruction, "return 0": the kernel drops every datagram, and sends no ICMP."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


def drops(ports: range | Sequence[int]) -> int:
    """Datagrams that the kernel dropped because nobody fetched them, at the UDP ports given (any process)."""
    wanted, total = set(ports), 0
    for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) in wanted:
            total += int(fields[12])
    return total


def pin(core: int | None) -> None:
    """This process to a core, and before all others there where root allows it: it is the measure."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
