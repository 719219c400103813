"""What is put into requests of ours inside a call, and asked of pjsua for them. SIP thread only."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pjsua2 as pj
import structlog

from ivr.sip.transfer import TransferEnd

if TYPE_CHECKING:
    from ivr.sip.calls import PjCall

log: Any = structlog.get_logger("ivr.sip")


def add_headers(prm: Any, headers: Mapping[str, str]) -> None:
    """To the message that is sent with ``prm`` (``pj.CallOpParam``)."""
    for name, value in headers.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        prm.txOption.headers.append(header)


def press(call: "PjCall", digits: str) -> None:
    """Keys for the other side: as telephone-events, or by INFO where it has not agreed to these. Raises
    pj.Error.
    """
    try:
        call.dialDtmf(digits)
    except pj.Error:
        prm = pj.CallSendDtmfParam()
        prm.method, prm.digits = pj.PJSUA_DTMF_METHOD_SIP_INFO, digits
        call.sendDtmf(prm)
        log.info("keys_sent_by_info", call=call.call_id)


def hand_over(call: "PjCall", other: "PjCall | None", timeout_s: float) -> None:
    """Ask the other side of ``call`` to take over our call ``other``, None when that has ended."""
    if other is not None and other.leg is not None:
        call.transfer(other.leg.called, timeout_s, other)
    elif call.leg is not None:
        call.leg.tell_transferred(TransferEnd("refused", 481, "they have left meanwhile"))
