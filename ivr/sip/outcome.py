"""What became of a call that was offered to somebody, by its final SIP status (RFC 3261, 21)."""

from typing import Literal

Outcome = Literal["answered", "busy", "noanswer", "refused"]
"""The words of VoiceXML's transfer (2.0, 2.3.7): everything that is not busy or unanswered is refused."""

_BUSY = frozenset({486, 600})
_NO_ANSWER = frozenset({408, 480, 487})


def outcome_of(status: int) -> Outcome:
    """``status`` is a final one; anything below 200 counts as refused."""
    if 200 <= status < 300:
        return "answered"
    if status in _BUSY:
        return "busy"
    return "noanswer" if status in _NO_ANSWER else "refused"
