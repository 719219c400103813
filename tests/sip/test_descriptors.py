"""Open files: whether there are enough for one more call."""

from pathlib import Path

from ivr.sip.descriptors import Descriptors


def test_it_says_so_when_fewer_are_left_than_are_kept() -> None:
    assert not Descriptors(kept=8).used_up()
    assert Descriptors(kept=10_000_000).used_up()


def test_asking_opens_nothing_for_good() -> None:
    descriptors = Descriptors(kept=8)
    before = len(list(Path("/proc/self/fd").iterdir()))
    descriptors.used_up()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
