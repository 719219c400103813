"""A pjsip module that sees every packet before pjsip acts on it, and every packet it sends. SIP thread only.

pjsua2 offers no such place, so the module is registered through ctypes. Its priority puts it before pjsip's
transport layer: a message has been parsed by then, but no transaction, dialog or call knows of it. Builds
differ in where their structures hold the packet; that is found at the start with a message of ours.
"""

import ctypes
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ivr.sip.errors import SipError
from ivr.sip.pjsip import native

log: Any = structlog.get_logger("ivr.sip")

PRIORITY = 1
"""PJSIP_MOD_PRIORITY_TRANSPORT_LAYER is 8. Received messages pass from low to high, sent ones from high
to low."""

_POINTER = ctypes.sizeof(ctypes.c_void_p)
_SEARCHED = 65_536
"""Bytes of a ``pjsip_rx_data`` that are searched; it holds a packet of PJSIP_MAX_PKT_LEN."""
_SEARCHED_TX = 1024
_NAME_BYTES = 48
"""``src_name``: PJ_INET6_ADDRSTRLEN (46), padded."""
_TO_DESTINATION = 8 * _POINTER
"""Bytes from ``buf`` to ``tp_info.dst_addr``: buf, ref_cnt, is_pending, token, cb, the transport."""
_SOCKADDR_BYTES = 28
"""``pj_sockaddr``; its length, an int, and ``dst_name`` follow."""
_TEST_MESSAGE = (
    b"OPTIONS sip:gate@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKgate\r\n"
    b"From: <sip:gate@127.0.0.1>;tag=1\r\nTo: <sip:gate@127.0.0.1>\r\nCall-ID: gate\r\nCSeq: 1 OPTIONS\r\n"
    b"Contact: <sip:g:p@192.0.2.99:9;lr>\r\nContent-Length: 0\r\n\r\n"
)
_TEST_HOST, _TEST_PORT = b"192.0.2.99", 9
_CONTACT_URI = 72
"""Offset of ``uri`` in a ``pjsip_contact_hdr``: a ``pjsip_name_addr``, with its own at ``_NAMED_URI``."""
_NAMED_URI = 24
_HOST_OFFSETS = (40, 56)
"""Offsets of ``host`` in a ``pjsip_sip_uri``; the later one where the build keeps the user as written."""

_library = native._lib
_parse = _library.pjsip_parse_rdata
_parse.argtypes, _parse.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p], ctypes.c_void_p
_encode = _library.pjsip_tx_data_encode
_encode.argtypes = [ctypes.c_void_p]
_release = _library.pjsip_tx_data_dec_ref
_release.argtypes = [ctypes.c_void_p]
_create_text_request = _library.pjsip_endpt_create_request
_create_text_request.argtypes = [ctypes.c_void_p] * 7 + [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
_find_header = _library.pjsip_msg_find_hdr_by_name
_find_header.argtypes, _find_header.restype = [ctypes.c_void_p] * 3, ctypes.c_void_p
_allocate = _library.pj_pool_alloc
_allocate.argtypes, _allocate.restype = [ctypes.c_void_p, ctypes.c_size_t], ctypes.c_void_p
_options_method = _library.pjsip_get_options_method
_options_method.restype = ctypes.c_void_p


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that was received or is about to be sent."""

    data: bytes
    host: str = ""
    """IPv4 address of the sender; of what we send, that of the receiver, empty where it is not known."""
    port: int = 0
    pointer: int = 0
    """The ``pjsip_rx_data``, for an answer or a change."""


class MessageLayout:
    """Offsets of what is read in ``pjsip_rx_data`` and ``pjsip_tx_data`` of the loaded build."""

    def __init__(self) -> None:
        """Raises SipError when the build is laid out in a way that is not known."""
        self._uri_host: int | None = None
        """Offset of the host in a SIP URI; None where the build's is not known: no Contact is replaced."""
        self.received_message = self._find_received()
        self.sent_buffer = self._find_sent()

    def _find_received(self) -> int:
        pool = native._create_pool(b"ivr-gate", 4096, 4096)
        try:
            memory = ctypes.create_string_buffer(_SEARCHED)
            base = ctypes.addressof(memory)
            ctypes.c_void_p.from_address(base).value = pool
            text = ctypes.create_string_buffer(_TEST_MESSAGE, len(_TEST_MESSAGE) + 1)
            message = _parse(ctypes.addressof(text), len(_TEST_MESSAGE), base)
            self._uri_host = _host_offset(message) if message else None
            for offset in range(0, _SEARCHED - _POINTER, _POINTER):
                if message and ctypes.c_void_p.from_address(base + offset).value == message:
                    return offset
        finally:
            native._release_pool(pool)
        raise SipError(
            "this build of PJSUA2 cannot be guarded: the place of a received message was not found"
        )

    @staticmethod
    def _find_sent() -> int:
        target, address = (
            native._String(text, len(text)) for text in (b"sip:g@127.0.0.1", b"<sip:g@127.0.0.1>")
        )
        made = ctypes.c_void_p()
        status = _create_text_request(
            native._get_endpoint(), _options_method(), ctypes.byref(target), ctypes.byref(address),
            ctypes.byref(address), None, None, 1, None, ctypes.byref(made),
        )  # fmt: skip
        if status == 0 and made.value is not None:
            try:
                # Printing sets the pointer to the buffer, which was null before.
                before = [_word(made.value + offset) for offset in range(0, _SEARCHED_TX, _POINTER)]
                _encode(made)
                for index, old in enumerate(before):
                    start = _word(made.value + index * _POINTER)
                    end = _word(made.value + (index + 1) * _POINTER)
                    filled = not old and start and start < end < start + _SEARCHED
                    if filled and ctypes.string_at(start, 7) == b"OPTIONS":
                        return index * _POINTER
            finally:
                _release(made)
        raise SipError(
            "this build of PJSUA2 cannot be guarded: the place of a message to be sent was not found"
        )

    def received(self, rdata: int) -> Packet:
        """The packet in a ``pjsip_rx_data``."""
        message = rdata + self.received_message
        start, size = _word(message - 2 * _POINTER), ctypes.c_int.from_address(message - _POINTER).value
        source = message - 3 * _POINTER
        host = ctypes.string_at(source - _NAME_BYTES).decode("ascii", "replace")
        return Packet(ctypes.string_at(start, size), host, ctypes.c_int.from_address(source).value, rdata)

    def sent(self, tdata: int) -> Packet:
        """The printed packet in a ``pjsip_tx_data``; empty when it is not printed."""
        start, end = _word(tdata + self.sent_buffer), _word(tdata + self.sent_buffer + _POINTER)
        data = ctypes.string_at(start, end - start) if start and end > start else b""
        return Packet(data, self._destination(tdata))

    def _destination(self, tdata: int) -> str:
        """The IPv4 address that a packet goes to; empty where this build has it elsewhere."""
        address = tdata + self.sent_buffer + _TO_DESTINATION
        family, host = ctypes.c_uint16.from_address(address).value, ctypes.string_at(address + 4, 4)
        name = ctypes.string_at(address + _SOCKADDR_BYTES + 4, _NAME_BYTES).partition(b"\0")[0]
        text = socket.inet_ntoa(host)
        return text if family == socket.AF_INET and name == text.encode() else ""

    def zero(self, packet: Packet, begin: int, end: int) -> None:
        """Write ``0`` over the characters ``begin`` to ``end`` of a received packet's body."""
        head = packet.data.find(b"\r\n\r\n")
        if head < 0:
            return
        start = _word(packet.pointer + self.received_message - 2 * _POINTER) + head + 4
        ctypes.memset(start + begin, ord("0"), end - begin)

    def set_contact(self, packet: Packet, old: str, host: str, port: int) -> bool:
        """Put ``host:port`` into the place of the host ``old`` in the Contact of a received message, as pjsip
        will use it. Returns whether that was done.
        """
        uri = _contact_uri(_word(packet.pointer + self.received_message))
        if not uri or self._uri_host is None or _text_at(uri + self._uri_host) != old.encode("latin-1"):
            return False
        text = host.encode("ascii")
        # The message's own pool, the first field of tp_info.
        memory = _allocate(_word(packet.pointer), len(text))
        ctypes.memmove(memory, text, len(text))
        ctypes.c_void_p.from_address(uri + self._uri_host).value = memory
        ctypes.c_ssize_t.from_address(uri + self._uri_host + _POINTER).value = len(text)
        ctypes.c_int.from_address(uri + self._uri_host + 2 * _POINTER).value = port
        return True

    def set_status(self, rdata: int, status: int) -> None:
        """Change the status code of a received response (``msg->line.status.code``)."""
        message = _word(rdata + self.received_message)
        ctypes.c_int.from_address(message + _POINTER).value = status


def _word(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def _contact_uri(message: int) -> int:
    """The address of the SIP URI in the first Contact of a ``pjsip_msg``; 0 when there is none."""
    name = native._String(b"Contact", 7)
    header = _find_header(message, ctypes.byref(name), None)
    named = _word(header + _CONTACT_URI) if header else 0
    return _word(named + _NAMED_URI) if named else 0


def _text_at(address: int) -> bytes:
    """What a ``pj_str_t`` has."""
    start, length = _word(address), ctypes.c_ssize_t.from_address(address + _POINTER).value
    return ctypes.string_at(start, length) if start and 0 < length < _SEARCHED else b""


def _host_offset(message: int) -> int | None:
    """Where in a SIP URI the host is, as the Contact of the test message shows."""
    uri = _contact_uri(message)
    for offset in _HOST_OFFSETS if uri else ():
        port = ctypes.c_int.from_address(uri + offset + 2 * _POINTER).value
        if _text_at(uri + offset) == _TEST_HOST and port == _TEST_PORT:
            return offset
    return None


class PacketModule:
    """Passes packets to Python: a request or a response that came, and what is sent.

    ``on_request`` and ``on_response`` return whether the packet goes no further. After an exception in one of
    them, which is logged, it goes no further either. To be kept for as long as the endpoint lives.
    """

    def __init__(
        self,
        on_request: Callable[[Packet], bool],
        on_response: Callable[[Packet, MessageLayout], bool],
        on_sent: Callable[[Packet], None],
    ) -> None:
        self._on_request, self._on_response, self._on_sent = on_request, on_response, on_sent
        self._layout: MessageLayout
        self._callbacks = [
            native._OnRequest(each) for each in (self._request, self._response, self._sent, self._sent)
        ]
        self._name = b"mod-ivr-gate"
        request, response, sent_request, sent_response = self._callbacks
        self._module = native._Module(
            name=self._name,
            name_length=len(self._name),
            id=-1,
            priority=PRIORITY,
            on_rx_request=request,
            on_rx_response=ctypes.cast(response, ctypes.c_void_p),
            on_tx_request=ctypes.cast(sent_request, ctypes.c_void_p),
            on_tx_response=ctypes.cast(sent_response, ctypes.c_void_p),
        )

    def register(self) -> None:
        """Raises SipError."""
        self._layout = MessageLayout()
        status = native._register(native._get_endpoint(), ctypes.byref(self._module))
        if status:
            raise SipError(f"pjsip did not take the gate's module: status {status}")

    def received(self, rdata: int) -> Packet:
        """The packet in a ``pjsip_rx_data``."""
        return self._layout.received(rdata)

    def refuse_media(self, packet: Packet, ports: list[tuple[int, int]]) -> None:
        """Write zeros over these parts of the body, in place: pjsip has not read the SDP yet."""
        for begin, end in ports:
            self._layout.zero(packet, begin, end)

    def replace_contact(self, packet: Packet, old: str) -> None:
        """Put where the packet came from into the place of the host ``old`` in its Contact."""
        if not self._layout.set_contact(packet, old, packet.host, packet.port):
            log.warning("contact_not_replaced", contact=old, source=packet.host)

    def _request(self, rdata: int) -> int:
        try:
            return self._on_request(self._layout.received(rdata))
        except Exception:
            log.exception("request_check_failed")
            return 1

    def _response(self, rdata: int) -> int:
        try:
            return self._on_response(self._layout.received(rdata), self._layout)
        except Exception:
            log.exception("response_check_failed")
            return 1

    def _sent(self, tdata: int) -> int:
        try:
            self._on_sent(self._layout.sent(tdata))
        except Exception:
            log.exception("sent_packet_check_failed")
        return 0
