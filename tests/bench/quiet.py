"""Whether silence, or noise on the line, cuts a prompt."""

import itertools
import time

from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent, measure, sounds

SECONDS = 60.0


def cuts(address: tuple[str, int], dbfs: float | None) -> tuple[str, int, int]:
    """Listen for a minute while sending noise (silence for None): Call-ID, cuts heard, packets heard."""
    with UserAgent() as ua:
        call = ua.call(address)
        call.media.wait_loud(5, after=call.ack_at)
        since = time.time()
        if dbfs is not None:
            call.media.background = sounds.noise(dbfs, 20.0)
        time.sleep(SECONDS)
        packets = call.media.since(since)
        loud = measure.loud_times(packets)
        heard = sum(b - a > measure.QUIET_S for a, b in itertools.pairwise(loud))
        heard += not loud or packets[-1].at - loud[-1] > measure.QUIET_S
        call.close()
        return call.call_id, heard, len(packets)


def run(stage: Stage) -> list[Figure]:
    with stage.service("continuous") as service:
        levels: list[float | None] = [None, -50.0]
        results = in_processes(cuts, [(service.address, level) for level in levels])
        figures = []
        for name, (call_id, heard, packets) in zip(("silence", "noise at -50 dBFS"), results, strict=True):
            logged = len(service.find("barge_in", call=call_id))
            notes = {"packets": packets, "cuts_heard": heard, "cuts_logged": logged}
            value = float(max(heard, logged))
            figures.append(
                Figure(f"prompt cut by 60 s of {name}", "cuts", [value], [("max", 0)], notes=notes)
            )
        finish(service)
    return figures
