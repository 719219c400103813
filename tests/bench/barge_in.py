"""How long the caller talks over the machine: by voice, and by key."""

import random
import time
from dataclasses import dataclass

from tests.bench.report import Figure
from tests.bench.stage import PHRASES, Stage, finish, in_processes
from tests.caller import Call, UserAgent, measure, sounds

Address = tuple[str, int]


@dataclass
class Trial:
    """One interruption. ``ms`` is None when the prompt went on."""

    what: str
    ms: float | None
    sender_late_ms: float
    """How late our own packets left at worst meanwhile."""


def trials(address: Address, count: int, seed: int, key: bool) -> list[Trial]:
    """One caller, interrupting one prompt after another."""
    dice = random.Random(seed)
    done: list[Trial] = []
    with UserAgent() as ua:
        call = ua.call(address)
        since = call.ack_at
        while len(done) < count:
            try:
                call.media.wait_loud(12, after=since)
            except TimeoutError:
                if not call.ended.is_set():
                    raise
                call = ua.call(address)
                since = call.ack_at
                continue
            time.sleep(dice.uniform(1.0, 3.0))
            done.append(_trial(call, dice, key))
            since = time.time()
        call.close()
    return done


def _trial(call: Call, dice: random.Random, key: bool) -> Trial:
    media = call.media
    first, late = len(media.packets), len(media.late)
    if key:
        what = dice.choice("123456789")
        pressed = media.press(what)
        pressed.done.wait(2)
        onset = pressed.start
    else:
        what = dice.choice(PHRASES)
        shift = bytes(2 * dice.randrange(160))  # speech does not begin with a packet
        playing = media.play(shift + sounds.recording(what)).wait()
        onset = playing.onset
    cut = None
    deadline = time.monotonic() + 3
    while cut is None and time.monotonic() < deadline:
        time.sleep(0.02)
        cut = measure.last_loud_before_quiet(media.packets[max(0, first - 50) :], onset)
    ms = None if cut is None else (cut - onset) * 1000
    return Trial(what, ms, max(media.late[late:]) * 1000)


def run(stage: Stage, count: int, calls: int, key: bool) -> list[Figure]:
    """``count`` interruptions in all, shared by ``calls`` calls at once."""
    each = -(-count // calls)
    with stage.service("continuous") as service:
        seeds = [random.randrange(1 << 30) for _ in range(calls)]
        results = in_processes(trials, [(service.address, each, seed, key) for seed in seeds])
        cause = "dtmf" if key else "speech"
        logged = [e["latency_ms"] for e in service.find("barge_in", cause=cause)]
        media = finish(service)
    all_trials = [trial for result in results for trial in result]
    values = [t.ms for t in all_trials if t.ms is not None]
    name = "first DTMF packet → last loud prompt packet" if key else "onset → last loud prompt packet"
    figure = Figure(
        f"{name}, {calls} calls at once",
        "ms",
        values,
        [("p95", 60)] if key else [("p50", 120), ("p95", 170)],
        missed=len(all_trials) - len(values),
        notes={
            "by_recording": {w: sorted(t.ms or -1 for t in all_trials if t.what == w) for w in
                             sorted({t.what for t in all_trials})},
            "service_says_ms": logged,
            "own_packets_late_ms_max": max(t.sender_late_ms for t in all_trials),
        },
    )  # fmt: skip
    return [figure, *callbacks(media)]


def callbacks(media: dict[str, float]) -> list[Figure]:
    """Python time inside a media callback, from what the service counts; nothing where ports are in C."""
    if "callbacks" not in media:
        return []
    p99 = media["callback_us_p99"] / 1000
    row = Figure("Python time inside one media callback, p99", "ms", [p99], [("max", 0.2)], notes=media)
    return [row]
