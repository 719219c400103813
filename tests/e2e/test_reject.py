"""Plans that do not take every call: the final answer at the wire, and no 200 before it."""

from collections.abc import Iterator

import pytest

from tests.caller import UserAgent
from tests.e2e.running import Service
from tests.e2e.services import Services


@pytest.fixture(scope="module")
def service(services: Services) -> Iterator[Service]:
    with Service([services.plan("refuse")]) as running:
        yield running


@pytest.mark.parametrize(
    ("way", "status"),
    [("busy", 486), ("declined", 603), ("unavailable", 480), ("forbidden", 403), ("nowhere", 404)],
)
def test_a_call_is_refused_and_never_picked_up(way: str, status: int, service: Service) -> None:
    with UserAgent() as caller:
        call = caller.dial(service.address, headers=[("X-Way", way)])
        assert call.answered(5).status == status
        assert call.transaction is not None
        assert {response.status for response in call.transaction.all} <= {100, status}
    ended = service.wait_event("call_ended", call=call.call_id)
    assert ended["reason"].startswith("rejected_") and ended["status"] == status


def test_a_call_that_is_taken_is_picked_up_at_once(service: Service) -> None:
    with UserAgent() as caller:
        call = caller.dial(service.address, headers=[("X-Way", "come in")])
        assert call.answered(5).status == 200
        assert call.transaction is not None
        picked_up = call.transaction.all[-1].at - call.transaction.sent_at
        assert picked_up < 0.5, picked_up
        assert call.media.wait_loud(5, after=call.ack_at) - call.ack_at < 0.5
        # Too late to refuse it: then it is ended.
        assert call.ended.wait(10) and call.ended_by == "them"
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "rejected_busy"


def test_a_caller_who_gives_up_before_it_is_decided(service: Service) -> None:
    with UserAgent() as caller:
        call = caller.call(service.address, headers=[("X-Way", "come in")])
        call.hangup()
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "caller"
