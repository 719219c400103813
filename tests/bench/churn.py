"""Callers that dial and hang up again and again: whether every one of their calls is a whole one."""

import random
import time

from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent, sounds


def calls(address: tuple[str, int], seconds: float, seed: int) -> tuple[int, list[str]]:
    """How many calls were whole, and what was wrong with the others."""
    dice = random.Random(seed)
    until = time.monotonic() + seconds
    whole, wrong = 0, []
    with UserAgent() as ua:
        while time.monotonic() < until:
            call = ua.dial(address)
            status = call.answered().status
            if status != 200:
                wrong.append(f"answered {status}")
                time.sleep(0.2)
                continue
            try:
                call.media.wait_loud(4, after=call.ack_at)
                if dice.random() < 0.6:
                    call.media.play(sounds.recording("hours"))
                time.sleep(dice.uniform(0, 1.5))
            except TimeoutError:
                wrong.append("not heard")
            else:
                if call.ended.is_set():
                    wrong.append("hung up by the service")
                else:
                    whole += 1
            call.close()
    return whole, wrong


def run(stage: Stage, seconds: float, at_once: int) -> list[Figure]:
    with stage.service("menu") as service:
        arguments = [(service.address, seconds, random.randrange(1 << 30)) for _ in range(at_once)]
        results = in_processes(calls, arguments)
        media = finish(service)
    wrong = [reason for _, reasons in results for reason in reasons]
    notes = {"whole": sum(whole for whole, _ in results), "wrong": sorted(set(wrong)), "seconds": seconds}
    name = f"calls that failed, {at_once} callers dialling again and again"
    return [
        Figure(name, "calls", [float(len(wrong))], [("max", 0)], notes=notes),
        Figure("ports left in the bridge after that", "ports", [float(media["bridge_ports"])], [("max", 0)]),
    ]
