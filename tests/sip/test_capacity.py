"""How many calls there will be."""

import pytest

from ivr.sip.capacity import Capacity


@pytest.mark.parametrize(
    ("build", "ports", "asked", "calls", "by_ports"),
    [
        (4, 200, None, 3, False),
        (1024, 200, None, 99, True),
        (1024, 2048, None, 1023, False),
        (1024, 2046, None, 1022, True),
        (1024, 200, 99, 99, False),
        (1024, 200, 100, 99, True),
        (4, 200, 100, 3, False),
        (4, 4, None, 1, True),
        (4, 2, None, 1, True),
    ],
)
def test_the_least_of_build_ports_and_what_is_asked_for(
    build: int, ports: int, asked: int | None, calls: int, by_ports: bool
) -> None:
    capacity = Capacity(build, ports, asked)
    assert (capacity.calls, capacity.limited_by_ports) == (calls, by_ports)


def test_the_range_for_all_that_a_build_holds() -> None:
    capacity = Capacity(1024, 200)
    assert capacity.range_for_build(16384) == "16384-18431"
    assert Capacity(1024, 18431 - 16384 + 1).calls == 1023
    assert capacity.range_for_build(65000) is None
