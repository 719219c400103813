"""OPTIONS shows whether the service would take a call, and how loaded it is."""

import signal

from tests.caller import UserAgent
from tests.e2e.services import Services


def test_options_reports_the_truth(services: Services) -> None:
    with UserAgent() as caller, services.start("main", {"IVR_SIP__MAX_CALLS": "1"}) as service:
        free = caller.options(service.address)
        assert (free.status, free.get("X-Load")) == (200, "0/1")
        assert "INVITE" in free.get("Allow") and free.get("Accept") == "application/sdp"
        call = caller.call(service.address)
        full = caller.options(service.address)
        assert (full.status, full.get("X-Load")) == (503, "1/1")
        assert full.get("Retry-After")
        call.hangup()
        service.wait_event("call_ended")
        assert caller.options(service.address).status == 200

        call = caller.call(service.address)
        service.signal(signal.SIGTERM)
        service.wait_event("draining")
        draining = caller.options(service.address)
        assert draining.status == 503 and draining.get("Retry-After")
        call.hangup()
        assert service.wait(5) == 0
