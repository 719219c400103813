"""When something that ended is started again: the policies, without processes."""

from ivr.process.framing import PeerGone
from ivr.process.restarts import Backoff, RestartLimit, Run


def limit(*, restarts: int, window_s: float) -> RestartLimit:
    return RestartLimit(first_s=0.5, max_s=3, limit=restarts, window_s=window_s)


def run(*, useful: bool) -> Run:
    return Run(PeerGone("it ended"), ready=True, useful=useful, ended_at=0.0)


def test_pauses_double_up_to_their_limit_and_begin_again_after_a_quiet_window() -> None:
    policy = limit(restarts=10, window_s=100)
    assert [policy.after_death(now) for now in (0, 1, 2, 3, 4)] == [0.5, 1, 2, 3, 3]
    assert policy.after_death(103.5) == 1, "one death is still in the window"
    assert policy.after_death(204) == 0.5


def test_one_death_too_many_in_the_window_is_the_end() -> None:
    policy = limit(restarts=3, window_s=60)
    assert all(policy.after_death(now) is not None for now in (0, 10, 20))
    assert policy.after_death(59.9) is None
    spread = limit(restarts=3, window_s=60)
    assert all(spread.after_death(21 * n) is not None for n in range(100))
    assert limit(restarts=0, window_s=600).after_death(0) is None


def test_back_off_counts_the_runs_in_a_row_that_did_no_work() -> None:
    backoff = Backoff(0.5, 3.0, immediate=1)
    assert [backoff(run(useful=False)) for _ in range(6)] == [0.0, 0.5, 1.0, 2.0, 3.0, 3.0]
    assert backoff(run(useful=True)) == 0.0
    assert [backoff(run(useful=False)) for _ in range(2)] == [0.0, 0.5]


def test_back_off_without_an_immediate_restart_always_waits() -> None:
    backoff = Backoff(0.05, 1.0)
    assert [backoff(run(useful=False)) for _ in range(3)] == [0.05, 0.1, 0.2]
    assert backoff(run(useful=True)) == 0.05
