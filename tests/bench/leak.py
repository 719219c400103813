"""Measures what many calls leave behind."""

from tests.bench.report import Figure
from tests.bench.stage import Stage, finish
from tests.caller import UserAgent, sounds

SETTLED = 50
"""Calls after which memory is expected to stay."""


def run(stage: Stage, count: int) -> list[Figure]:
    """One call after the other: heard, interrupted by voice or key, hung up in the middle."""
    memory: list[tuple[int, float]] = []
    with stage.service("continuous") as service, UserAgent() as ua:
        for number in range(1, count + 1):
            call = ua.call(service.address)
            call.media.wait_loud(5, after=call.ack_at)
            if number % 10 == 0:
                call.media.play(sounds.recording("digits/1")).wait()
                call.media.wait_quiet(5)
            elif number % 2 == 0:
                call.media.press("1").done.wait(1)
            call.close()
            ua.received.clear()
            service.wait_event("call_ended", call=call.call_id)
            if number in (SETTLED, count) or number % SETTLED == 0:
                memory.append((number, service.rss_mb))
        media = finish(service)
    base = next((mb for n, mb in memory if n >= SETTLED), memory[0][1])
    growth = max(0.0, memory[-1][1] - base)
    notes = {"rss_mb": memory, "calls": count}
    return [
        Figure(
            f"memory growth over {count} calls after the first {SETTLED}",
            "MiB",
            [growth],
            [("max", 10)],
            0,
            notes,
        ),
        Figure("ports left in the bridge", "ports", [float(media["bridge_ports"])], [("max", 0)]),
    ]
