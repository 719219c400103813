"""pjsip functions that pjsua2 has no word for, called in its shared library through ctypes. SIP thread only.

Two gaps are closed. pjsua2 leaves a request that no module handles without any answer, so its sender
repeats it for 32 seconds (RFC 3261, 8.2 asks for one). And an INFO inside a call that pjsua does not
know (``application/dtmf``) is answered 500 although it was understood.
"""

import ctypes
from typing import Any

import pjsua2 as pj
import structlog

log = structlog.get_logger("ivr.sip")

_lib = ctypes.CDLL(pj._pjsua2.__file__)
_get_endpoint = _lib.pjsua_get_pjsip_endpt
_get_endpoint.restype = ctypes.c_void_p
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

_OnRequest = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_NAME = b"mod-ivr-unhandled"
_LAST_PRIORITY = 64 + 99
"""After every other module (PJSIP_MOD_PRIORITY_APPLICATION is 64)."""

IN_DIALOG_ONLY = frozenset({"BYE", "INFO", "UPDATE", "PRACK", "CANCEL", "REFER", "NOTIFY"})
"""Outside a call these have nothing to act on."""


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


class UnhandledRequests:
    """Answers what nobody else does: 481 to a request for a call that is not there, 501 to the rest.

    To be kept for as long as the endpoint lives.
    """

    def __init__(self) -> None:
        self._callback = _OnRequest(self._on_request)
        self._module = _Module(
            name=_NAME,
            name_length=len(_NAME),
            id=-1,
            priority=_LAST_PRIORITY,
            on_rx_request=self._callback,
        )

    def register(self) -> None:
        status = _register(_get_endpoint(), ctypes.byref(self._module))
        if status:
            log.error("unhandled_requests_not_answered", pjsip_status=status)

    @staticmethod
    def _on_request(rdata: int) -> int:
        try:
            # "Request msg OPTIONS/cseq=1 (rdata0x...)"
            method = _info_of(rdata).decode(errors="replace").split()[2].split("/")[0]
            if method == "ACK":  # never answered (RFC 3261, 17.2.3)
                return 1
            status = 481 if method in IN_DIALOG_ONLY else 501
            log.info("request_refused", method=method, status=status)
            _respond_stateless(_get_endpoint(), rdata, status, None, None, None)
        except Exception:
            log.exception("request_not_answered")
        return 1


def respond(transaction: Any, rdata: Any, status: int) -> None:
    """Answer a request in its transaction, as pjsua's own handlers do: pjsua2's
    ``SipTransaction.pjTransaction`` and ``SipRxData.pjRxData``.
    """
    response = ctypes.c_void_p()
    if _create_response(_get_endpoint(), int(rdata), status, None, ctypes.byref(response)) == 0:
        _send_in_transaction(int(transaction), response)
