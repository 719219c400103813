"""What is said to requests inside a call."""

import pytest

from ivr.sip.dialog_requests import answer_to
from ivr.sip.gate.raw_message import RawMessage, read_text


class Reported:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.notifies: list[RawMessage] = []

    def pressed(self, key: str, way: str) -> None:
        self.keys.append(key)

    def notified(self, message: RawMessage) -> int | None:
        self.notifies.append(message)
        return 481


def request(*headers: str, body: str = "") -> RawMessage:
    return read_text("\r\n".join(("INFO sip:ivr@127.0.0.1 SIP/2.0", *headers, "", body)))


@pytest.mark.parametrize(
    ("method", "message", "status", "keys"),
    [
        ("OPTIONS", request(), 200, []),
        ("INFO", request("Content-Type: application/dtmf", body="5"), 200, ["5"]),
        ("INFO", request("c: application/dtmf-relay", body="Signal=11\r\nDuration=160"), 200, ["#"]),
        ("INFO", request("Content-Type: application/dtmf", body="fifty"), 400, [""]),
        ("INFO", request("Content-Type: text/plain", body="5"), 415, []),
        ("INFO", request(), 200, []),
        ("NOTIFY", request(), 489, []),
        ("MESSAGE", request(), 501, []),
        ("BYE", request(), None, []),
    ],
)
def test_answers(method: str, message: RawMessage, status: int | None, keys: list[str]) -> None:
    call = Reported()
    assert answer_to(call, method, message) == status
    assert call.keys == keys and not call.notifies


def test_a_notify_about_something_is_the_calls() -> None:
    call = Reported()
    message = request("Event: refer")
    assert answer_to(call, "NOTIFY", message) == 481 and call.notifies == [message]
