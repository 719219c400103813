"""A refused registration is tried again later and later (RFC 5626, 4.5)."""

import pytest

from ivr.sip.pjsip.account import RETRY_MAX_S, retry_delay


@pytest.mark.parametrize(("failures", "longest"), [(1, 10), (2, 20), (3, 40), (8, 1280), (9, RETRY_MAX_S)])
def test_the_wait_doubles_up_to_half_an_hour_and_half_of_it_is_random(failures: int, longest: float) -> None:
    assert retry_delay(10, failures, 0.0) == longest / 2
    assert retry_delay(10, failures, 0.5) == 0.75 * longest
    assert retry_delay(10, failures, 1.0) == longest


def test_a_registrar_that_refuses_for_days_is_still_asked() -> None:
    assert retry_delay(10, 100_000, 1.0) == RETRY_MAX_S
