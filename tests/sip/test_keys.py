"""Unit tests of ``ivr.sip.keys``: packets of events and ways that keys come by, without a call."""

import pytest

from ivr.sip.keys import END, UPDATE, KeyEvents, KeyPresses, KeyTransport


def begun(packets: list[tuple[str, int, int, int]]) -> str:
    """The keys that begin in packets of (key, timestamp in ms, duration in ms, flags)."""
    events = KeyEvents()
    return "".join(packet[0] for packet in packets if events.begins(*packet))


def test_packets_of_one_timestamp_are_one_key() -> None:
    assert begun([("5", 100, 20, 0), ("5", 100, 40, UPDATE), ("5", 100, 60, UPDATE | END)]) == "5"


def test_the_same_key_with_another_timestamp_is_another_although_its_duration_does_not_fall() -> None:
    press = [("2", 100, 100, 0), ("2", 100, 100, UPDATE | END)]
    assert begun([*press, ("2", 300, 100, UPDATE), ("2", 300, 100, UPDATE | END)]) == "22"


def test_a_key_whose_end_is_lost_and_the_next_are_two() -> None:
    assert begun([("5", 100, 20, 0), ("5", 100, 40, UPDATE), ("5", 700, 20, 0)]) == "55"


def test_a_further_segment_of_a_long_key_is_no_key() -> None:
    assert begun([("9", 0, 20, 0), ("9", 0, 8180, UPDATE), ("9", 8191, 20, 0), ("9", 8191, 900, END)]) == "9"


def test_a_timestamp_that_moves_within_a_key_is_no_key() -> None:
    assert (
        begun([("3", 0, 20, 0), ("3", 1, 40, UPDATE), ("3", 2, 60, UPDATE), ("3", 3, 60, UPDATE | END)])
        == "3"
    )


@pytest.mark.parametrize(
    ("came", "pressed"),
    [
        ("r1 r2 r2 r3", "1223"),
        ("i1 i2 i2 i3", "1223"),
        ("r1 i1 r2 i2 r2 i2 r3 i3", "1223"),
        ("i1 r1 i2 r2 i2 r2 i3 r3", "1223"),
        ("r1 r2 r2 r3 i1 i2 i2 i3", "1223"),
        ("r1 i1 i2 r3 i3", "123"),
        ("r1 i1 r2 i3 r3 i4 r4", "1234"),
    ],
)
def test_each_press_counts_once_whichever_ways_it_came_by(came: str, pressed: str) -> None:
    presses = KeyPresses()
    ways: dict[str, KeyTransport] = {"r": "rtp", "i": "info"}
    taken = [
        each[1] for n, each in enumerate(came.split()) if presses.is_new(each[1], ways[each[0]], n * 0.1)
    ]
    assert "".join(taken) == pressed


def test_a_key_long_after_the_same_one_by_the_other_way_is_another() -> None:
    presses = KeyPresses()
    assert presses.is_new("1", "rtp", 0.0) and presses.is_new("1", "info", 6.0)
    assert not presses.is_new("1", "rtp", 6.1)
