"""What a trace says of a scene: when the prompt was ducked, stopped, heard again. Pure; milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.turns.follow import DUCKED_DB, Frame, follow, ms
from tests.bench.turns.line import FRAME, RATE
from tests.bench.turns.scene import Trace

LOST_MS = 1500.0
"""A prompt that is not heard for longer is lost."""
STOP_MS = 100.0
"""Silence that is a stop, and not a lost packet or the prompt's own rest."""
TAKEN_AFTER_MS = 300.0
"""A true interruption has stopped the prompt at the latest that long after its last sample."""


@dataclass(frozen=True)
class Verdict:
    """Result of a scene with a prompt. Times count from the clip's onset; None: it did not happen."""

    duck_ms: float | None
    """The first frame that is quieter, or silent."""
    stop_ms: float | None
    """The first frame of the silence that followed."""
    back_ms: float | None
    """Milliseconds from that stop until the prompt was heard again."""
    back_at: int | None
    """The sample of the prompt at which it went on."""
    lost: bool
    """It was not heard for more than LOST_MS."""


def of_prompt(trace: Trace) -> Verdict:
    """The prompt of a scene has no pauses of its own as long as STOP_MS."""
    scene = trace.scene
    assert scene.prompt is not None
    return of_frames(follow(trace.played, scene.prompt), scene.onset)


def of_frames(frames: Sequence[Frame], onset: int) -> Verdict:
    first = onset // FRAME  # the frame that goes out while the onset comes in
    silences = [s for s in _silences(frames) if s[1] > first]
    stop = next((s for s in silences if ms((s[1] - s[0]) * FRAME) >= STOP_MS), None)
    ducked = next((n for n in range(first, len(frames)) if _quieter(frames[n])), None)
    return Verdict(
        duck_ms=None if ducked is None else ms(max(0, ducked * FRAME - onset)),
        stop_ms=None if stop is None else ms(max(0, stop[0] * FRAME - onset)),
        back_ms=None if stop is None or stop[1] == len(frames) else ms((stop[1] - stop[0]) * FRAME),
        back_at=None if stop is None or stop[1] == len(frames) else frames[stop[1]].position,
        lost=any(ms((end - start) * FRAME) > LOST_MS for start, end in silences),
    )


def _quieter(frame: Frame) -> bool:
    return not frame.loud or (frame.gain_db is not None and frame.gain_db < DUCKED_DB)


def _silences(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Stretches of frames without sound, as first frame and the one after the last."""
    found: list[tuple[int, int]] = []
    start = None
    for n, frame in enumerate(frames):
        if not frame.loud and start is None:
            start = n
        elif frame.loud and start is not None:
            found.append((start, n))
            start = None
    if start is not None:
        found.append((start, len(frames)))
    return found


def taken(trace: Trace, verdict: Verdict) -> bool:
    """A true interruption: the prompt stopped for it, stayed away, and what was said became a turn."""
    clip = trace.scene.clip
    assert clip is not None
    in_time = verdict.stop_ms is not None and verdict.stop_ms <= clip.ms + TAKEN_AFTER_MS
    return in_time and verdict.back_ms is None and any(turn.reason == "speech" for turn in trace.turns)


@dataclass(frozen=True)
class Ending:
    """Result of a scene in which the caller speaks to a listening service."""

    early: bool
    """A turn was ended while the caller had more to say."""
    delay_ms: float | None
    """Milliseconds from the last sample of speech to the decision; None when it was early, or never came."""
    words_ms: float | None
    """The same to the turn with its words, which is what can be answered."""


def of_turn(trace: Trace) -> Ending:
    offset = trace.scene.offset
    early = any(at < offset for at in trace.ended)
    ended = next((at for at in trace.ended if at >= offset), None)
    heard = next((turn.at for turn in trace.turns if turn.at >= offset), None)

    def since(at: int | None) -> float | None:
        return None if early or at is None else (at - offset) / RATE * 1000

    return Ending(early, since(ended), since(heard))
