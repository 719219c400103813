"""How the service ends: drains on the first signal, at once on the second, and always with 0."""

import signal
import time

from tests.caller import UserAgent, measure
from tests.e2e.services import Services


def test_drains(services: Services) -> None:
    with UserAgent() as caller, services.start() as service:
        call = caller.call(service.address)
        call.media.wait_loud(5)
        service.signal(signal.SIGTERM)
        service.wait_event("draining")
        refused = caller.dial(service.address).answered()
        assert refused.status == 503 and refused.get("Retry-After")
        since = time.time()
        time.sleep(0.5)
        assert all(measure.is_loud(p) for p in call.media.since(since)), "the running call goes on"
        call.hangup()
        assert service.wait(5) == 0
        assert service.find("media_stats")[0]["bridge_ports"] == 0


def test_the_drain_has_a_limit(services: Services) -> None:
    with UserAgent() as caller, services.start("main", None, "--drain", "1") as service:
        call = caller.call(service.address)
        call.media.wait_loud(5)
        service.signal(signal.SIGTERM)
        began = time.time()
        assert call.ended.wait(4) and call.ended_by == "them"
        assert 0.8 < time.time() - began < 3
        assert service.wait(5) == 0
        assert service.find("call_ended", call=call.call_id)[0]["reason"] == "shutdown"


def test_a_second_signal_ends_at_once(services: Services) -> None:
    with UserAgent() as caller, services.start() as service:
        call = caller.call(service.address, timeout=0.45)  # ready means ready: the INVITE is not repeated
        call.media.wait_loud(5)
        service.signal(signal.SIGINT)
        service.wait_event("draining")
        service.signal(signal.SIGINT)
        began = time.time()
        assert call.ended.wait(3)
        assert service.wait(5) == 0
        assert time.time() - began < 4
