"""When a call has gone on for too long, by a clock of numbers."""

from ivr.sip.options import SipOptions
from ivr.sip.timeouts import CallTimeouts

OPTIONS = SipOptions(dial_timeout_s=20, rtp_timeout_s=30, hold_timeout_s=600)


def test_silence_on_the_wire() -> None:
    timeouts = CallTimeouts(0.0)
    assert timeouts.expired(29.0, OPTIONS, 0, held=False) is None  # the first count is activity
    assert timeouts.expired(58.9, OPTIONS, 0, held=False) is None
    assert timeouts.expired(59.0, OPTIONS, 0, held=False) == ("rtp_timeout", 30)
    assert timeouts.expired(59.0, OPTIONS, 1, held=False) is None
    timeouts.media_expected(80.0)
    assert timeouts.expired(109.0, OPTIONS, 1, held=False) is None
    assert timeouts.expired(110.0, OPTIONS, 1, held=False) == ("rtp_timeout", 30)


def test_on_hold_another_clock_runs() -> None:
    timeouts = CallTimeouts(0.0)
    timeouts.hold_changed(10.0)
    assert timeouts.expired(609.0, OPTIONS, 5, held=True) is None
    assert timeouts.expired(610.0, OPTIONS, 5, held=True) == ("hold_timeout", 600)
    # Taken back from hold, silence counts from then on.
    assert timeouts.expired(639.0, OPTIONS, 5, held=False) is None
    assert timeouts.expired(640.0, OPTIONS, 5, held=False) == ("rtp_timeout", 30)


def test_nobody_answers() -> None:
    timeouts = CallTimeouts(0.0)
    timeouts.dialed(100.0)
    assert not timeouts.unanswered(119.9, OPTIONS)
    assert timeouts.unanswered(120.0, OPTIONS)


def test_one_may_ring_for_another_time_than_all() -> None:
    timeouts = CallTimeouts(0.0)
    timeouts.dialed(100.0, 40)
    assert not timeouts.unanswered(139.9, OPTIONS)
    assert timeouts.unanswered(140.0, OPTIONS)
