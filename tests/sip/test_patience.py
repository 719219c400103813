"""When a call has gone on for too long, by a clock of numbers."""

from ivr.sip.options import SipOptions
from ivr.sip.patience import Patience

OPTIONS = SipOptions(dial_timeout_s=20, rtp_timeout_s=30, hold_timeout_s=600)


def test_silence_on_the_wire() -> None:
    patience = Patience(0.0)
    assert patience.over(29.0, OPTIONS, 0, held=False) is None  # a first count is news
    assert patience.over(58.9, OPTIONS, 0, held=False) is None
    assert patience.over(59.0, OPTIONS, 0, held=False) == ("rtp_timeout", 30)
    assert patience.over(59.0, OPTIONS, 1, held=False) is None
    patience.heard(80.0)
    assert patience.over(109.0, OPTIONS, 1, held=False) is None
    assert patience.over(110.0, OPTIONS, 1, held=False) == ("rtp_timeout", 30)


def test_on_hold_another_clock_runs() -> None:
    patience = Patience(0.0)
    patience.hold_changed(10.0)
    assert patience.over(609.0, OPTIONS, 5, held=True) is None
    assert patience.over(610.0, OPTIONS, 5, held=True) == ("hold_timeout", 600)
    # Taken back from hold, silence counts from then on.
    assert patience.over(639.0, OPTIONS, 5, held=False) is None
    assert patience.over(640.0, OPTIONS, 5, held=False) == ("rtp_timeout", 30)


def test_nobody_answers() -> None:
    patience = Patience(0.0)
    patience.dialled(100.0)
    assert not patience.unanswered(119.9, OPTIONS)
    assert patience.unanswered(120.0, OPTIONS)


def test_one_may_ring_for_another_time_than_all() -> None:
    patience = Patience(0.0)
    patience.dialled(100.0, 40)
    assert not patience.unanswered(139.9, OPTIONS)
    assert patience.unanswered(140.0, OPTIONS)
