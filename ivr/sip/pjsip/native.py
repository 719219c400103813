"""pjsip functions that pjsua2 lacks, called in its shared library through ctypes. SIP thread only.

Five gaps are closed. pjsua2 answers OPTIONS with 200 whatever the state of the service. It leaves a
request that no module handles without any answer, so its sender repeats it for 32 seconds (RFC 3261,
8.2 asks for one). An INFO inside a call that pjsua does not know (``application/dtmf``) is answered
500 although it was understood. Of an SDP longer than 1 kB pjsua2 shows nothing. And it does not
report how many call slots are taken: a call that was ended keeps its slot until the other side has answered,
32 seconds if it never does.
"""

import ctypes
from collections.abc import Callable, Iterable
from typing import Any

import pjsua2 as pj
import structlog

log = structlog.get_logger("ivr.sip")

_lib = ctypes.CDLL(pj._pjsua2.__file__)
_get_endpoint = _lib.pjsua_get_pjsip_endpt
_get_endpoint.restype = ctypes.c_void_p
_enum_calls = _lib.pjsua_enum_calls
_enum_calls.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint)]
_register = _lib.pjsip_endpt_register_module
_register.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_info_of = _lib.pjsip_rx_data_get_info
_info_of.argtypes, _info_of.restype = [ctypes.c_void_p], ctypes.c_char_p
_respond_stateless = _lib.pjsip_endpt_respond_stateless
_respond_stateless.argtypes = [
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
]
_create_response = _lib.pjsip_endpt_create_response
_create_response.argtypes = [
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_void_p),
]
_send_in_transaction = _lib.pjsip_tsx_send_msg
_send_in_transaction.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

_create_pool = _lib.pjsua_pool_create
_create_pool.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t]
_create_pool.restype = ctypes.c_void_p
_release_pool = _lib.pj_pool_release
_release_pool.argtypes = [ctypes.c_void_p]
_create_header = _lib.pjsip_generic_string_hdr_create
_create_header.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_create_header.restype = ctypes.c_void_p

_print_sdp = _lib.pjmedia_sdp_print
_print_sdp.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_LONGEST_SDP = 32_768

_parse_sdp = _lib.pjmedia_sdp_parse
_parse_sdp.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
_validate_sdp = _lib.pjmedia_sdp_validate
_validate_sdp.argtypes = [ctypes.c_void_p]

_OnRequest = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_BEFORE_PJSUA = 64 - 4
"""Priority after the dialog layer (32), before pjsua's own modules (PJSIP_MOD_PRIORITY_APPLICATION is 64)."""
_AFTER_ALL = 64 + 99

IN_DIALOG_ONLY = frozenset({"BYE", "INFO", "UPDATE", "PRACK", "CANCEL", "REFER", "NOTIFY"})
"""Methods that make no sense outside a call."""


REFUSED = frozenset({"SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "NOTIFY"})
"""Methods refused outside a call: pjsua would answer 200 to some of them."""


class _Module(ctypes.Structure):
    """``struct pjsip_module`` (pjsip/sip_module.h)."""

    _fields_ = (
        ("prev", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("name_length", ctypes.c_ssize_t),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("unload", ctypes.c_void_p),
        ("on_rx_request", _OnRequest),
        ("on_rx_response", ctypes.c_void_p),
        ("on_tx_request", ctypes.c_void_p),
        ("on_tx_response", ctypes.c_void_p),
        ("on_tsx_state", ctypes.c_void_p),
    )


class _String(ctypes.Structure):
    """``pj_str_t``."""

    _fields_ = (("text", ctypes.c_char_p), ("length", ctypes.c_ssize_t))

    def read(self) -> bytes:
        """Return its bytes. ``text`` would read on to the next NUL, which may not be ours."""
        start = ctypes.c_void_p.from_buffer(self).value
        return ctypes.string_at(start, self.length) if start else b""


class _Links(ctypes.Structure):
    """The beginning of every header and of a list's head (``PJ_DECL_LIST_MEMBER``)."""

    _fields_ = (("prev", ctypes.c_void_p), ("next", ctypes.c_void_p))


class RequestModule:
    """A pjsip module that sees requests at its place among the others.

    ``on_request(method, rdata)`` returns whether it has handled the request. Keep the module for as long as
    the endpoint lives.
    """

    def __init__(self, name: str, priority: int, on_request: Callable[[str, int], bool]) -> None:
        self._on_request = on_request
        self._callback = _OnRequest(self._called)
        self._name = name.encode()
        self._module = _Module(
            name=self._name,
            name_length=len(self._name),
            id=-1,
            priority=priority,
            on_rx_request=self._callback,
        )

    def register(self) -> None:
        status = _register(_get_endpoint(), ctypes.byref(self._module))
        if status:
            log.error("pjsip_module_refused", module=self._name.decode(), pjsip_status=status)

    def _called(self, rdata: int) -> int:
        try:
            # "Request msg OPTIONS/cseq=1 (rdata0x...)"
            return self._on_request(_info_of(rdata).decode(errors="replace").split()[2].split("/")[0], rdata)
        except Exception:
            log.exception("request_not_answered")
            return 0


def unhandled_requests() -> RequestModule:
    """Return a module that answers requests no other module handles: 481 to a request for a call that does
    not exist, 501 to the rest.
    """

    def answer(method: str, rdata: int) -> bool:
        if method != "ACK":  # never answered (RFC 3261, 17.2.3)
            status = 481 if method in IN_DIALOG_ONLY else 501
            log.info("request_refused", method=method, status=status)
            _respond_stateless(_get_endpoint(), rdata, status, None, None, None)
        return True

    return RequestModule("mod-ivr-unhandled", _AFTER_ALL, answer)


def options_requests(state: Callable[[], tuple[int, dict[str, str]]]) -> RequestModule:
    """Return a module that answers OPTIONS outside a call with the status and headers of ``state``, and
    refuses requests that pjsua would accept without effect.
    """

    def answer(method: str, rdata: int) -> bool:
        if method in REFUSED:
            log.info("request_refused", method=method, status=501)
            _respond_stateless(_get_endpoint(), rdata, 501, None, None, None)
            return True
        if method != "OPTIONS":
            return False
        status, headers = state()
        respond_stateless(rdata, status, headers.items())
        return True

    return RequestModule("mod-ivr-options", _BEFORE_PJSUA, answer)


def respond_stateless(rdata: int, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Answer a request (the address of its ``pjsip_rx_data``) without a transaction, with these headers."""
    pool = _create_pool(b"ivr-answer", 1024, 1024)
    try:
        head = _Links()
        here = ctypes.addressof(head)
        head.prev = head.next = here
        for name, value in headers:
            texts = [_String(text.encode(), len(text.encode())) for text in (name, value)]
            header = _create_header(pool, *(ctypes.byref(text) for text in texts))
            links = _Links.from_address(header)
            links.prev, links.next = head.prev, here
            _Links.from_address(head.prev).next = header
            head.prev = header
        _respond_stateless(_get_endpoint(), rdata, status, None, here, None)
    finally:
        _release_pool(pool)


class CallSlots:
    """Counts the call slots of pjsua that are taken; ``size`` is how many it has."""

    def __init__(self, size: int) -> None:
        self._ids = (ctypes.c_int * size)()

    def taken(self, exclude: int = -1) -> int:
        """Return the calls that are open, ringing or not freed yet, without the one of index ``exclude``."""
        count = ctypes.c_uint(len(self._ids))
        _enum_calls(self._ids, ctypes.byref(count))
        return sum(1 for index in range(count.value) if self._ids[index] != exclude)


def respond(transaction: Any, rdata: Any, status: int) -> None:
    """Answer a request in its transaction, as pjsua's own handlers do: pjsua2's
    ``SipTransaction.pjTransaction`` and ``SipRxData.pjRxData``.
    """
    response = ctypes.c_void_p()
    if _create_response(_get_endpoint(), int(rdata), status, None, ctypes.byref(response)) == 0:
        _send_in_transaction(int(transaction), response)


def sdp_text(sdp: Any) -> str:
    """The whole text of pjsua2's ``SdpSession``. ValueError when it is longer than any SIP message."""
    text = ctypes.create_string_buffer(_LONGEST_SDP)
    length = _print_sdp(int(sdp.pjSdpSession), text, _LONGEST_SDP)
    if length < 0:
        raise ValueError("the SDP is too long")
    return text.raw[:length].decode("utf-8", "replace")


def sdp_is_valid(text: bytes) -> bool:
    """Whether pjsip can read a session description, and holds it for one."""
    pool = _create_pool(b"ivr-sdp", 4096, 4096)
    try:
        session = ctypes.c_void_p()
        # The parser writes into the text.
        copy = ctypes.create_string_buffer(text, len(text) + 1)
        return bool(
            _parse_sdp(pool, copy, len(text), ctypes.byref(session)) == 0
            and session.value is not None
            and _validate_sdp(session) == 0
        )
    finally:
        _release_pool(pool)
