"""What is remembered of messages and dialogs is forgotten when it can matter no more."""

from ivr.sip.gate.dialogs import ENDED_KEPT_S, Dialogs
from ivr.sip.gate.recent import Recent


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_is_there_for_its_time_and_then_takes_no_memory() -> None:
    clock = Clock()
    table: Recent[str, int] = Recent(10, clock=clock)
    table.put("a", 1)
    clock.now += 9
    table.put("b", 2)
    assert (table.get("a"), table.get("b"), table.get("c")) == (1, 2, None)
    clock.now += 2
    assert table.get("a") is None and table.get("b") == 2
    table.put("c", 3)
    assert len(table) == 2


def test_an_entry_that_is_put_in_again_is_kept_from_then_on() -> None:
    clock = Clock()
    table: Recent[str, int] = Recent(10, clock=clock)
    table.put("a", 1)
    clock.now += 9
    table.put("a", 4)
    clock.now += 9
    assert table.get("a") == 4


def test_the_oldest_goes_when_there_are_too_many() -> None:
    table: Recent[int, int] = Recent(10, most=3)
    for number in range(5):
        table.put(number, number + 1)
    assert [table.get(number) for number in range(5)] == [None, None, 3, 4, 5]


def test_ended_dialogs_are_forgotten_after_their_last_transactions_and_open_ones_never() -> None:
    clock = Clock()
    dialogs = Dialogs(clock=clock)
    for call in ("open", "ended", "failed"):
        dialogs.opened(call, "us", "them").confirmed = call != "failed"
    dialogs.ended("ended", "us", "them")
    dialogs.failed("failed", "us", "them")
    dialogs.failed("open", "us", "them")  # a re-INVITE that was refused
    clock.now += ENDED_KEPT_S - 1
    dialogs.opened("new", "us", "them")
    assert len(dialogs) == 4 and dialogs.accepts("BYE", "ended", "us", "them")
    clock.now += 2
    dialogs.opened("newer", "us", "them")
    assert len(dialogs) == 3 and not dialogs.accepts("BYE", "ended", "us", "them")
    assert dialogs.accepts("INFO", "open", "us", "them")
