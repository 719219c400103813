"""How long after the caller's last word the answer begins, and whether it is the right one."""

import random
import time
from collections import defaultdict

from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent, sounds

CHOICES = {
    "hours": "hours",
    "digits/1": "one",
    "digits/2": "two",
    "digits/3": "three",
    "auth-thankyou": "thanks",
    "please-try-again": "again",
    "one-moment-please": "moment",
    "goodbye": "goodbye",
    "vm-goodbye": "goodbye",
}
"""Recordings of what is said, and the choice it means."""


def conversation(
    address: tuple[str, int], count: int, seed: int
) -> tuple[str, list[tuple[str, float | None]]]:
    """Answer the menu again and again: Call-ID, and for each what was said and the time to the answer."""
    dice = random.Random(seed)
    times: list[tuple[str, float | None]] = []
    with UserAgent() as ua:
        call = ua.call(address)
        call.media.wait_loud(10, after=call.ack_at)
        while len(times) < count:
            call.media.wait_quiet(15, quiet=0.7)  # the menu was asked to its end
            time.sleep(dice.uniform(0.2, 0.8))
            what = dice.choice(list(CHOICES))
            playing = call.media.play(sounds.recording(what)).wait()
            try:
                answer = call.media.wait_loud(6, after=playing.offset)
                times.append((what, (answer - playing.offset) * 1000))
            except TimeoutError:
                times.append((what, None))
        call.close()
        return call.call_id, times


def run(stage: Stage, count: int, calls: int = 1) -> list[Figure]:
    """``count`` answers in all, shared by ``calls`` calls at once."""
    with stage.service("menu") as service:
        each = -(-count // calls)
        arguments = [(service.address, each, random.randrange(1 << 30)) for _ in range(calls)]
        results = in_processes(conversation, arguments)
        values: list[float] = []
        wrong: dict[str, list[str]] = defaultdict(list)
        missed = right = 0
        for call_id, times in results:
            events = [e for e in service.events if e.get("call") == call_id]
            chosen = [e for e in events if e.get("event") in ("choice_matched", "nomatch", "noinput")]
            for n, (what, ms) in enumerate(times):
                got = chosen[n].get("choice", chosen[n]["event"]) if n < len(chosen) else "nothing"
                right += got == CHOICES[what]
                if got != CHOICES[what]:
                    wrong[what].append(str(got))
                if ms is None:
                    missed += 1
                else:
                    values.append(ms)
        finish(service)
    total = len(values) + missed
    notes = {"right": right, "of": total, "wrong": dict(wrong)}
    targets: list[tuple[str, float]] = [("p50", 1200), ("p95", 1600)] if calls == 1 else []
    name = f"offset → first loud packet of the answer, {calls} call{'s at once' if calls > 1 else ''}"
    accuracy = Figure(
        f"answers that were not the right one, of {total}", "answers", [float(total - right)], []
    )
    accuracy.notes = notes
    return [Figure(name, "ms", values, targets, missed, notes), accuracy]
