from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.stats import CallbackTimes


def test_percentiles_are_bucket_edges() -> None:
    times = CallbackTimes()
    assert times.percentile_us(99) == 0
    for _ in range(99):
        times.add(12_000)
    times.add(1_000_000)
    assert times.percentile_us(50) == 15
    assert times.percentile_us(99) == 15
    assert times.percentile_us(100) == 1005
    assert (times.count, times.max_ns) == (100, 1_000_000)


@given(st.lists(st.integers(0, 3_000_000), min_size=1), st.floats(1, 100))
def test_a_percentile_is_never_below_the_truth(samples: list[int], percent: float) -> None:
    times = CallbackTimes()
    for ns in samples:
        times.add(ns)
    below = sum(ns / 1000 <= times.percentile_us(percent) for ns in samples)
    capped = all(ns < 2_000_000 for ns in samples)
    assert not capped or below >= len(samples) * percent / 100 - 1e-6
