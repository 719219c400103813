"""A REFER followed to its end, without any SIP: fed with messages and a clock."""

import pytest

from ivr.sip.gate.raw_message import RawMessage, read, read_text
from ivr.sip.message import outcome_of
from ivr.sip.transfer import Transfer, TransferEnd

ACCEPTED = read(b"SIP/2.0 202 Accepted\r\nCSeq: 7 REFER\r\n\r\n")


def notify(sipfrag: str, state: str = "active;expires=60", event: str = "refer") -> RawMessage:
    text = f"NOTIFY sip:x SIP/2.0\r\nEvent: {event}\r\nSubscription-State: {state}\r\n\r\n{sipfrag}\r\n"
    return read_text(text)


class Reported:
    def __init__(self, deadline: float = 10.0) -> None:
        self.progress: list[tuple[int, str]] = []
        self.ends: list[TransferEnd] = []
        self.transfer = Transfer(deadline, lambda *said: self.progress.append(said), self.ends.append)

    @property
    def end(self) -> TransferEnd:
        (end,) = self.ends
        return end


@pytest.fixture
def reported() -> Reported:
    return Reported()


def test_followed_to_the_answer(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    for line in ("100 Trying", "180 Ringing"):
        assert not reported.transfer.notified(notify(f"SIP/2.0 {line}"))
    assert reported.transfer.waiting and reported.transfer.taken
    assert not reported.transfer.notified(notify("SIP/2.0 200 OK", "terminated;reason=noresource"))
    assert reported.progress == [(100, "Trying"), (180, "Ringing")]
    assert reported.end == TransferEnd("answered", 200, "OK")
    assert reported.transfer.taken


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("486 Busy Here", "busy"),
        ("600 Busy Everywhere", "busy"),
        ("480 Temporarily Unavailable", "noanswer"),
        ("408 Request Timeout", "noanswer"),
        ("603 Decline", "refused"),
        ("404 Not Found", "refused"),
    ],
)
def test_nobody_reached(reported: Reported, line: str, outcome: str) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    reported.transfer.notified(notify(f"SIP/2.0 {line}", "terminated;reason=noresource"))
    status, _, reason = line.partition(" ")
    assert reported.end == TransferEnd(outcome, int(status), reason)  # type: ignore[arg-type]
    assert not reported.transfer.taken


def test_a_refer_that_is_refused(reported: Reported) -> None:
    reported.transfer.answered(404, "Not Found")
    reported.transfer.answered(404, "Not Found")
    assert reported.end == TransferEnd("refused", 404, "Not Found")


def test_a_challenge_is_not_the_end(reported: Reported) -> None:
    reported.transfer.answered(407, "Proxy Authentication Required")
    assert reported.transfer.waiting
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    assert reported.transfer.accepted


def test_no_subscription_is_wanted(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", read(b"SIP/2.0 202 A\r\nRefer-Sub: false\r\n\r\n"))
    assert reported.end == TransferEnd("answered", 202, "Accepted")


def test_a_notify_that_overtakes_the_response(reported: Reported) -> None:
    reported.transfer.notified(notify("SIP/2.0 200 OK", "terminated"))
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    assert reported.end.outcome == "answered"


def test_the_last_word_is_late_or_never_comes(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    reported.transfer.notified(notify("SIP/2.0 180 Ringing"))
    reported.transfer.expire(9.9)
    assert reported.transfer.waiting
    reported.transfer.expire(10.0)
    assert reported.end.outcome == "noanswer" and "180 Ringing" in reported.end.reason
    assert not reported.transfer.taken
    # It answers after all: somebody has to end our call.
    assert reported.transfer.notified(notify("SIP/2.0 200 OK", "terminated"))
    assert len(reported.ends) == 1


def test_what_is_reported_of_an_earlier_transfer_is_not_of_this_one(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    reported.transfer.notified(notify("SIP/2.0 486 Busy Here", "terminated", "refer;id=3"))
    assert reported.transfer.waiting
    reported.transfer.notified(notify("SIP/2.0 200 OK", "terminated", "refer;id=7"))
    assert reported.end.outcome == "answered"


def test_a_subscription_that_ends_without_a_word(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    reported.transfer.notified(notify("SIP/2.0 100 Trying"))
    reported.transfer.notified(notify("nonsense", "terminated;reason=giveup"))
    assert reported.end == TransferEnd("refused", 100, "given up after 100 Trying")


def test_who_leaves_after_accepting_has_taken_the_call_over(reported: Reported) -> None:
    reported.transfer.answered(202, "Accepted", ACCEPTED)
    reported.transfer.notified(notify("SIP/2.0 180 Ringing"))
    reported.transfer.left()
    assert reported.end == TransferEnd("left", 180, "Ringing")
    assert reported.transfer.taken


def test_who_leaves_before_has_hung_up(reported: Reported) -> None:
    reported.transfer.left()
    assert reported.end == TransferEnd("noanswer", 487, "the call ended")
    assert not reported.transfer.taken


def test_a_provisional_status_is_no_answer() -> None:
    assert outcome_of(180) == "refused" and outcome_of(299) == "answered"
