"""``ivr test`` in memory: every dialogue of a file, one after the other."""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.jumping_loop import JumpingLoop
from ivr.dialplan.dialogue.memory import MemoryStage
from ivr.dialplan.dialogue.reader import Dialogue, DialogueFile
from ivr.dialplan.dialogue.rehearsal import Outcome, Rehearsal
from ivr.session import SessionConfig


def hold_in_memory(
    file: DialogueFile,
    dialogues: Iterable[Dialogue] | None = None,
    *,
    config: SessionConfig | None = None,
    coverage: Coverage | None = None,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Every dialogue (``dialogues``: those alone), each in a call of its own. No sound, no engine, no wait.

    ``config`` is that of the service, ``done`` is told of each as it ends.
    """
    chosen: Sequence[Dialogue] = file.dialogues if dialogues is None else tuple(dialogues)
    outcomes: list[Outcome] = []

    async def hold_all(files: Path) -> None:
        for dialogue in chosen:
            outcome = await _hold(file, dialogue, files, config, coverage)
            outcomes.append(outcome)
            done(outcome)

    loop = JumpingLoop()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-test-") as files:
            loop.run_until_complete(hold_all(Path(files)))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    return outcomes


async def _hold(
    file: DialogueFile,
    dialogue: Dialogue,
    files: Path,
    config: SessionConfig | None,
    coverage: Coverage | None,
) -> Outcome:
    began = time.perf_counter()
    async with MemoryStage(file.plan, dialogue, files, config) as stage:
        if coverage is not None:
            stage.listen(coverage.visitor(stage.runner))
        outcome = await Rehearsal(dialogue, stage, file.sounds).hold()
    outcome.took_s = time.perf_counter() - began
    return outcome
