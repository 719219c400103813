"""Requests inside a call that pjsua would answer 500, although there is something to say to them."""

from typing import Protocol

from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.keys import KeyTransport
from ivr.sip.message import info_key

UNDERSTOOD = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "PRACK", "REFER"})
"""Methods inside a call that pjsua answers itself."""
KEY_BODIES = frozenset({"application/dtmf", "application/dtmf-relay", "audio/telephone-event"})
"""Types of INFO bodies that name a key. Phones write the same texts under each of them."""


class InCall(Protocol):
    """The part of a call that these requests use."""

    def pressed(self, key: str, way: KeyTransport) -> None: ...

    def notified(self, message: RawMessage) -> int | None:
        """A NOTIFY about an event, and what it is answered; None leaves that to pjsua."""


def answer_to(call: InCall, method: str, message: RawMessage) -> int | None:
    """The status to answer with; None leaves it to pjsua."""
    if method == "OPTIONS":
        return 200
    if method == "INFO":
        kind = message.value("content-type").partition(";")[0].strip().lower()
        if kind in KEY_BODIES:
            key = info_key(message.body)
            call.pressed(key, "info")
            return 200 if key else 400
        return 415 if kind else 200  # an empty one is a keep-alive (RFC 2976)
    if method == "NOTIFY":
        return call.notified(message) if message.value("event") else 489
    return None if method in UNDERSTOOD else 501
