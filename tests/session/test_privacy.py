"""What is private: for how long, what is hidden of it, and from what comes later."""

from structlog.testing import capture_logs

from ivr.session.decisions import Decision, Decisions
from ivr.session.privacy import MAX_SPANS, Privacy


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def test_it_begins_and_ends_and_may_be_nested() -> None:
    clock = Clock()
    privacy = Privacy(clock)
    received: list[bool] = []
    privacy.subscribe(received.append)
    clock.now = 100
    with privacy.kept():
        with privacy.kept():
            clock.now = 200
        assert privacy.active and privacy.covers(50)
        clock.now = 300
    assert not privacy.active and received == [True, False]
    assert [privacy.covers(at) for at in (99, 100, 299, 300)] == [False, True, True, False]
    assert privacy.covers(None, 150) and not privacy.covers(None)


def test_what_is_reported_later_about_that_time_is_hidden_too() -> None:
    clock = Clock()
    privacy = Privacy(clock)
    with privacy.kept():
        clock.now = 100
    late = Decision(
        500, "transcript", details={"onset": 50, "offset": 400, "text": "four", "confidence": 0.9}
    )
    other = Decision(500, "transcript", details={"onset": 150, "offset": 400, "text": "hello"})
    assert privacy.hides(late) and not privacy.hides(other)
    assert late.without_texts().details == {"onset": 50, "offset": 400, "confidence": 0.9, "hidden": True}


def test_keys_can_be_hidden_all_the_time() -> None:
    privacy = Privacy(Clock())
    key = Decision(5, "dtmf", details={"digit": "4"})
    assert not privacy.hides(key)
    privacy.keys = True
    assert privacy.hides(key) and "digit" not in key.without_texts().details


def test_neither_the_log_nor_subscribers_receive_it() -> None:
    import structlog

    privacy = Privacy(Clock())
    with capture_logs() as logs:
        decisions = Decisions(structlog.get_logger(), privacy.hides)
        received: list[Decision] = []
        decisions.subscribe(received.append)
        with privacy.kept():
            decisions.note(1, "transcript", text="four seven", onset=0)
            decisions.note(1, "ignore", "backchannel", words="four")
        decisions.note(2, "transcript", text="hello", onset=2)
    assert "four" not in str(logs) + str(received) and "hello" in str(logs) and "hello" in str(received)


def test_many_stretches_are_bounded() -> None:
    clock = Clock()
    privacy = Privacy(clock)
    for _ in range(MAX_SPANS + 10):
        with privacy.kept():
            clock.now += 1
    assert privacy.covers(MAX_SPANS + 9) and not privacy.covers(0)
