"""Lines: whose memory is whose, and for how long."""

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import LineBank


def test_a_held_line_is_nobody_elses_until_it_is_let_go() -> None:
    bank = LineBank(2)
    line = bank.open()
    line.hear(np.full(LINE_FRAME, 7, np.int16).tobytes())
    assert bank.hold(line)
    bank.release(line)
    bank.release(line)
    other = bank.open()
    assert other.row != line.row
    assert line.written == LINE_FRAME and (bank.heard[line.row, :LINE_FRAME] == 7).all()
    bank.let_go(line)
    again = bank.open()
    assert again.row == line.row and again.written == 0 and not bank.heard[again.row].any()


def test_a_line_that_is_let_go_before_its_release_stays_with_its_call() -> None:
    bank = LineBank(2)
    line = bank.open()
    assert bank.hold(line)
    bank.let_go(line)
    assert bank.open().row != line.row
    bank.release(line)
    assert bank.open().row == line.row


def test_a_released_line_cannot_be_held() -> None:
    bank = LineBank(1)
    line = bank.open()
    bank.release(line)
    assert not bank.hold(line)
    assert bank.open().row == line.row
