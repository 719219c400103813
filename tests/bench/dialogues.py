"""How fast dialogues are held in memory: ``python -m tests.bench.dialogues [TURNS]``.

The demo's own dialogues again and again, on one core; the figure is turns, of both sides, in a second of CPU.
"""

import sys
import time
from pathlib import Path

from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import load_dialogues

DEMO = Path(__file__).resolve().parents[2] / "dialplans" / "demo.yaml"


def turns_a_second(turns: int = 4000) -> float:
    """Turns in a second of CPU, over at least ``turns``. Raises AssertionError when a dialogue fails."""
    file = load_dialogues(DEMO)
    once = sum(len(dialogue.turns) for dialogue in file.dialogues)
    run_in_memory(file)  # imports and caches
    dialogues = [dialogue for _ in range(-(-turns // once)) for dialogue in file.dialogues]
    began = time.process_time()
    outcomes = run_in_memory(file, dialogues)
    took = time.process_time() - began
    assert all(outcome.failure is None for outcome in outcomes)
    return sum(outcome.turns for outcome in outcomes) / took


if __name__ == "__main__":
    print(f"{turns_a_second(int(sys.argv[1]) if len(sys.argv) > 1 else 4000):.0f} turns/s")
