"""A REFER followed to its end, without any SIP: fed with messages and a clock."""

import pytest

from ivr.sip.message import outcome_of
from ivr.sip.transfer import Transfer, TransferEnd

ACCEPTED = "SIP/2.0 202 Accepted\r\nCSeq: 7 REFER\r\n\r\n"


def notify(sipfrag: str, state: str = "active;expires=60", event: str = "refer") -> str:
    return f"NOTIFY sip:x SIP/2.0\r\nEvent: {event}\r\nSubscription-State: {state}\r\n\r\n{sipfrag}\r\n"


class Told:
    def __init__(self, deadline: float = 10.0) -> None:
        self.progress: list[tuple[int, str]] = []
        self.ends: list[TransferEnd] = []
        self.transfer = Transfer(deadline, lambda *said: self.progress.append(said), self.ends.append)

    @property
    def end(self) -> TransferEnd:
        (end,) = self.ends
        return end


@pytest.fixture
def told() -> Told:
    return Told()


def test_followed_to_the_answer(told: Told) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    for line in ("100 Trying", "180 Ringing"):
        assert not told.transfer.notified(notify(f"SIP/2.0 {line}"))
    assert told.transfer.waiting and told.transfer.taken
    assert not told.transfer.notified(notify("SIP/2.0 200 OK", "terminated;reason=noresource"))
    assert told.progress == [(100, "Trying"), (180, "Ringing")]
    assert told.end == TransferEnd("answered", 200, "OK")
    assert told.transfer.taken


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
def test_nobody_reached(told: Told, line: str, outcome: str) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    told.transfer.notified(notify(f"SIP/2.0 {line}", "terminated;reason=noresource"))
    status, _, reason = line.partition(" ")
    assert told.end == TransferEnd(outcome, int(status), reason)  # type: ignore[arg-type]
    assert not told.transfer.taken


def test_a_refer_that_is_refused(told: Told) -> None:
    told.transfer.answered(404, "Not Found")
    told.transfer.answered(404, "Not Found")
    assert told.end == TransferEnd("refused", 404, "Not Found")


def test_a_challenge_is_not_the_end(told: Told) -> None:
    told.transfer.answered(407, "Proxy Authentication Required")
    assert told.transfer.waiting
    told.transfer.answered(202, "Accepted", ACCEPTED)
    assert told.transfer.accepted


def test_no_subscription_is_wanted(told: Told) -> None:
    told.transfer.answered(202, "Accepted", "SIP/2.0 202 A\r\nRefer-Sub: false\r\n\r\n")
    assert told.end == TransferEnd("answered", 202, "Accepted")


def test_a_notify_that_overtakes_the_response(told: Told) -> None:
    told.transfer.notified(notify("SIP/2.0 200 OK", "terminated"))
    told.transfer.answered(202, "Accepted", ACCEPTED)
    assert told.end.outcome == "answered"


def test_the_last_word_is_late_or_never_comes(told: Told) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    told.transfer.notified(notify("SIP/2.0 180 Ringing"))
    told.transfer.expire(9.9)
    assert told.transfer.waiting
    told.transfer.expire(10.0)
    assert told.end.outcome == "noanswer" and "180 Ringing" in told.end.reason
    assert not told.transfer.taken
    # It answers after all: somebody has to end our call.
    assert told.transfer.notified(notify("SIP/2.0 200 OK", "terminated"))
    assert len(told.ends) == 1


def test_what_is_told_of_an_earlier_transfer_is_not_of_this_one(told: Told) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    told.transfer.notified(notify("SIP/2.0 486 Busy Here", "terminated", "refer;id=3"))
    assert told.transfer.waiting
    told.transfer.notified(notify("SIP/2.0 200 OK", "terminated", "refer;id=7"))
    assert told.end.outcome == "answered"


def test_a_subscription_that_ends_without_a_word(told: Told) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    told.transfer.notified(notify("SIP/2.0 100 Trying"))
    told.transfer.notified(notify("nonsense", "terminated;reason=giveup"))
    assert told.end == TransferEnd("refused", 100, "given up after 100 Trying")


def test_who_leaves_after_accepting_has_taken_the_call_over(told: Told) -> None:
    told.transfer.answered(202, "Accepted", ACCEPTED)
    told.transfer.notified(notify("SIP/2.0 180 Ringing"))
    told.transfer.left()
    assert told.end == TransferEnd("left", 180, "Ringing")
    assert told.transfer.taken


def test_who_leaves_before_has_hung_up(told: Told) -> None:
    told.transfer.left()
    assert told.end == TransferEnd("noanswer", 487, "the call ended")
    assert not told.transfer.taken


def test_a_provisional_status_is_no_answer() -> None:
    assert outcome_of(180) == "refused" and outcome_of(299) == "answered"
