"""Lines: whose memory is whose, and for how long."""

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import LineBank


def test_a_line_with_a_reader_is_not_reused_until_the_reader_is_removed() -> None:
    bank = LineBank(2)
    line = bank.open()
    line.write_received(np.full(LINE_FRAME, 7, np.int16).tobytes())
    assert bank.add_reader(line)
    bank.release(line)
    bank.release(line)
    other = bank.open()
    assert other.row != line.row
    assert line.written == LINE_FRAME and (bank.received[line.row, :LINE_FRAME] == 7).all()
    bank.remove_reader(line)
    again = bank.open()
    assert again.row == line.row and again.written == 0 and not bank.received[again.row].any()


def test_a_line_without_readers_stays_with_its_call_until_its_release() -> None:
    bank = LineBank(2)
    line = bank.open()
    assert bank.add_reader(line)
    bank.remove_reader(line)
    assert bank.open().row != line.row
    bank.release(line)
    assert bank.open().row == line.row


def test_a_released_line_takes_no_reader() -> None:
    bank = LineBank(1)
    line = bank.open()
    bank.release(line)
    assert not bank.add_reader(line)
    assert bank.open().row == line.row
