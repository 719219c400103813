"""No thread a call, on either build: what many calls cost is shared."""

from pathlib import Path

from tests.caller import UserAgent
from tests.e2e.services import Services


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_more_calls_are_not_more_threads(services: Services) -> None:
    with services.start("main") as service, UserAgent() as caller:
        calls = [caller.call(service.address)]
        calls[0].media.wait_loud(8)  # what the first call makes is made
        one = threads(service.process.pid)
        calls += [caller.call(service.address) for _ in range(2)]
        for call in calls:
            call.media.wait_loud(8)
        assert threads(service.process.pid) <= one
        for call in calls:
            call.close()
