"""Sound is taken from the call's own phone alone, on builds whose pjmedia follows whoever sends (RFC 4961).

The stock wheel sends a call's sound to any address that ten packets in a row come from, and takes keys from
there. Here the kernel drops what comes from elsewhere: a packet filter (classic BPF) on both sockets.
The carrier build has the rule in pjmedia (docker/pjsua2/patches/0001). SIP thread only.
"""

import contextlib
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import pjsua2 as pj
import structlog

from ivr.sip.pjsip.media import NATIVE

log: Any = structlog.get_logger("ivr.sip")

Address = tuple[str, int]

LEARNING_S = 3.0
"""Seconds in which the signalled address is looked for often; after that once a second."""

_ATTACH, _DETACH = 26, 27
"""SO_ATTACH_FILTER, SO_DETACH_FILTER of Linux; not in the socket module."""
_SOURCE_HOST, _SOURCE_PORT = 0xFFF00000 + 12, 0
"""Where a filter on a UDP socket finds them: in the network header (SKF_NET_OFF), in the UDP header."""
_LOAD_WORD, _LOAD_HALF, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x28, 0x15, 0x06
_WHOLE = 0xFFFFFFFF


def instructions(accepted: list[Address]) -> list[tuple[int, int, int, int]]:
    """Return a filter that passes packets from these addresses; port 0 is any port of the host."""
    program: list[tuple[int, int, int, int]] = []
    for host, port in accepted:
        (number,) = struct.unpack("!I", socket.inet_aton(host))
        program += [(_LOAD_WORD, 0, 0, _SOURCE_HOST), (_JUMP_IF_EQUAL, 0, 3 if port else 1, number)]
        if port:
            program += [(_LOAD_HALF, 0, 0, _SOURCE_PORT), (_JUMP_IF_EQUAL, 0, 1, port)]
        program.append((_RETURN, 0, 0, _WHOLE))
    return [*program, (_RETURN, 0, 0, 0)]


def attach(number: int, accepted: list[Address]) -> None:
    """Let only packets from these addresses into the socket of this file descriptor. Raises OSError."""
    program = b"".join(struct.pack("HBBI", *each) for each in instructions(accepted))
    memory = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HL", len(program) // 8, ctypes.addressof(memory))
    with socket.socket(fileno=os.dup(number)) as shared:
        shared.setsockopt(socket.SOL_SOCKET, _ATTACH, head)


def detach(number: int) -> None:
    """Let everything into the socket of this file descriptor again."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as shared:
        shared.setsockopt(socket.SOL_SOCKET, _DETACH, 0)


def udp_sockets(ports: set[int]) -> dict[int, int]:
    """The file descriptors of this process's UDP sockets that are bound to one of ``ports``, by port."""
    found = {}
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if not str(file.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(file.name))) as each:
                if each.type == socket.SOCK_DGRAM and each.family == socket.AF_INET:
                    port = each.getsockname()[1]
                    if port in ports:
                        found[port] = int(file.name)
    return found


class MediaFilter:
    """The filter of one call. The call is passed to each method: a reference to it would be a cycle."""

    def __init__(self) -> None:
        self.learning = False
        """Where the phone is may still change: ``look`` should be called often."""
        self._rtp = self._rtcp = -1
        self._signalled: Address = ("", 0)
        self._learned: Address | None = None
        self._begun = 0.0

    def begin(self, call: Any, now: float) -> None:
        """There is a new stream: learn again where its phone is."""
        if NATIVE or sys.platform != "linux":
            return
        for number in (self._rtp, self._rtcp):
            if number >= 0:
                detach(number)
        try:
            local = _address(call.getMedTransportInfo(call.audio_index).localRtpName)[1]
            self._signalled = _address(call.getStreamInfo(call.audio_index).remoteRtpAddress)
        except (pj.Error, ValueError):
            self.learning = False
            return
        sockets = udp_sockets({local, local + 1})
        self._rtp, self._rtcp = sockets.get(local, -1), sockets.get(local + 1, -1)
        self._learned, self.learning, self._begun = None, self._rtp >= 0, now

    def look(self, call: Any, now: float) -> None:
        """Bind to the address that packets come from: at first whichever it is, and to the signalled one for
        good as soon as it is seen.
        """
        if self._rtp < 0 or self._learned == self._signalled:
            return
        self.learning = now - self._begun < LEARNING_S
        try:
            source = _address(call.getMedTransportInfo(call.audio_index).srcRtpName)
        except (pj.Error, ValueError):
            return
        if not source[1] or source == self._learned:
            return
        self._learned = source
        self.learning = self.learning and source != self._signalled
        accepted = [self._signalled] if source == self._signalled else [self._signalled, source]
        hosts = sorted({host for host, _ in accepted})
        try:
            attach(self._rtp, accepted)
            if self._rtcp >= 0:
                attach(self._rtcp, [(host, 0) for host in hosts])
        except OSError as error:
            log.warning("media_not_bound", call=call.call_id, error=str(error))


def _address(text: str) -> Address:
    """Parse ``host:port`` of IPv4. Raises ValueError."""
    host, _, port = text.rpartition(":")
    try:
        socket.inet_aton(host)
    except OSError:
        raise ValueError(f"{text!r} is no IPv4 address and port") from None
    return host, int(port)
