"""How fast a call is answered and its prompt begins."""

import random
import time

from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent


def call_times(address: tuple[str, int], count: int) -> list[tuple[float, float]]:
    """Return for each call: INVITE to 200, ACK to the first loud packet, in ms."""
    times = []
    with UserAgent() as ua:
        for _ in range(count):
            call = ua.dial(address)
            answer = call.answered()
            if answer.status != 200:
                raise RuntimeError(f"the call was answered {answer.status}")
            assert call.transaction is not None
            loud = call.media.wait_loud(5, after=call.transaction.sent_at)
            invited = answer.at - call.transaction.sent_at
            times.append((invited * 1000, (loud - call.ack_at) * 1000))
            time.sleep(random.uniform(0.1, 0.3))
            call.close()
            time.sleep(random.uniform(0.05, 0.15))
    return times


def run(stage: Stage, count: int) -> list[Figure]:
    with stage.service("continuous") as service:
        (times,) = in_processes(call_times, [(service.address, count)])
        finish(service)
    return [
        Figure("INVITE → 200 OK", "ms", [t[0] for t in times], [("p95", 50)]),
        Figure("ACK → prompt's first loud packet", "ms", [t[1] for t in times], [("p95", 100)]),
    ]
