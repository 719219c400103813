"""Answers, headers and keys that we send inside a call. SIP thread only."""

from collections.abc import Mapping
from typing import Any

import pjsua2 as pj

from ivr.text import header_text


def answer(call: pj.Call, status: int, headers: Mapping[str, str] | None = None) -> None:
    """Answer an INVITE with ``status``. Raises pj.Error.

    A refusal with ``headers`` has to be sent so: from inside onIncomingCall, ``hangup`` drops them.
    """
    prm = pj.CallOpParam()
    prm.statusCode = status
    add_headers(prm, headers or {})
    call.answer(prm)


def add_headers(prm: Any, headers: Mapping[str, str]) -> None:
    """Add them to the message that is sent with ``prm`` (``pj.CallOpParam``)."""
    for name, value in headers.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, header_text(value)
        prm.txOption.headers.append(header)


def send_keys(call: pj.Call, digits: str) -> bool:
    """Send keys as telephone-events (RFC 4733), or by INFO where the other side did not agree to these.
    Returns whether it was INFO. Raises pj.Error.
    """
    try:
        call.dialDtmf(digits)
    except pj.Error:
        prm = pj.CallSendDtmfParam()
        prm.method, prm.digits = pj.PJSUA_DTMF_METHOD_SIP_INFO, digits
        call.sendDtmf(prm)
        return True
    return False
