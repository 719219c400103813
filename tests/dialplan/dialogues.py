"""Dialogues for the tests, written where they are used."""

import textwrap
from pathlib import Path

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import DialogueFile, load_dialogues
from ivr.dialplan.dialogue.runner import Outcome

from .plans import write


def dialogues(folder: Path, steps: str, turns: str, *, top: str = "", facts: str = "") -> DialogueFile:
    """A plan of ``steps`` with one dialogue of ``turns``; ``top`` goes with the plan's start, ``facts``
    beside the dialogue's name.
    """

    def at(indent: int, text: str) -> str:
        return textwrap.indent(textwrap.dedent(text).lstrip("\n"), " " * indent)

    write(folder, f"dialplan: 1\nstart: a\n{at(0, top)}\nsteps:\n{at(2, steps)}")
    head = "test: 1\ndialogues:\n  - name: it\n"
    write(folder, f"{head}{at(4, facts)}\n    turns:\n{at(6, turns)}", "plan.test.yaml")
    return load_dialogues(folder / "plan.yaml")


def hold(file: DialogueFile, coverage: Coverage | None = None) -> Outcome:
    """Its only dialogue."""
    (outcome,) = run_in_memory(file, coverage=coverage)
    return outcome


def failure(folder: Path, steps: str, turns: str, **more: str) -> str:
    """Why that fails; empty when it does not."""
    outcome = hold(dialogues(folder, steps, turns, **more))
    return outcome.failure.message if outcome.failure is not None else ""
