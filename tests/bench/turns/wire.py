"""Interruptions of a running service by real calls: what is timed is packets."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.stage import Stage, finish, in_processes
from tests.bench.turns import judge
from tests.bench.turns.clip import Clip, seeded
from tests.bench.turns.follow import Frame, follow
from tests.bench.turns.line import FRAME, Condition, Pcm16, TelephoneLine
from tests.bench.turns.row import Row
from tests.bench.turns.scene import Scene
from tests.caller import Call, UserAgent, sounds
from tests.caller.rtp import Packet

Address = tuple[str, int]

_BEFORE_S = 0.6
"""Seconds of the prompt that are looked at before the onset, to find the place in it."""
_AFTER_S = 3.0


@dataclass(frozen=True)
class Said:
    """What a caller says: PCM16 at 8 kHz as it leaves the line, and the sample at which it is to be heard."""

    name: str
    pcm16: bytes
    onset: int


@dataclass(frozen=True)
class Trial:
    """Times from the packet with the onset to the prompt's last of full loudness, and its last loud one."""

    name: str
    duck_ms: float | None
    stop_ms: float | None
    sender_late_ms: float


def through_line(clip: Clip, condition: Condition) -> Said:
    """``clip`` over a line, beginning anywhere within a packet."""
    shift = int(seeded(f"{clip.name} {condition.seed}").integers(FRAME))
    scene = Scene("wire", condition, clip, shift, shift + len(clip.pcm))
    near = scene.near()
    line, sent = TelephoneLine(condition, len(near) // FRAME), np.zeros(FRAME, np.int16)
    heard = [line.hear(near[at : at + FRAME], sent) for at in range(0, len(near), FRAME)]
    return Said(clip.name, np.concatenate(heard).tobytes(), scene.onset)


def trials(address: Address, said: Sequence[Said], prompt: bytes, seed: int) -> list[Trial]:
    """One caller, interrupting one prompt after another."""
    dice = random.Random(seed)
    known = np.frombuffer(prompt, np.int16)
    done: list[Trial] = []
    with UserAgent() as ua:
        call = ua.call(address)
        since = call.ack_at
        while len(done) < len(said):
            try:
                call.media.wait_loud(12, after=since)
            except TimeoutError:
                if not call.ended.is_set():
                    raise
            else:
                trial = _trial(call, said[len(done)], known, dice)
                since = time.time()
                if not call.ended.is_set():
                    done.append(trial)
                    continue
            # A plan that has gone round so often ends the call: the trial is made again in the next one.
            call = ua.call(address)
            since = call.ack_at
        call.close()
    return done


def _trial(call: Call, what: Said, prompt: Pcm16, dice: random.Random) -> Trial:
    media = call.media
    media.background = sounds.noise(-68, 10.0)
    time.sleep(dice.uniform(1.2, 3.0))
    late = len(media.late)
    playing = media.play(what.pcm16).wait()
    onset = playing.sent_at(what.onset)
    time.sleep(max(0.0, onset + _AFTER_S - time.time()))
    packets = [p for p in media.packets[-1500:] if p.pcm16 and p.at > onset - _BEFORE_S]
    duck, stop = _measured(packets, prompt, onset)
    return Trial(what.name, duck, stop, max(media.late[late:], default=0.0) * 1000)


def _measured(packets: Sequence[Packet], prompt: Pcm16, onset: float) -> tuple[float | None, float | None]:
    frames = follow(np.concatenate([np.frombuffer(p.pcm16, np.int16) for p in packets]), prompt)
    first = next((n for n, p in enumerate(packets) if p.at >= onset), len(packets))
    verdict = judge.of_frames(frames, first * FRAME)

    def since_onset(ms: float | None) -> float | None:
        """Arrival of the packet before the one that the verdict points at."""
        if ms is None:
            return None
        return (packets[max(0, first + round(ms / 20) - 1)].at - onset) * 1000

    return since_onset(verdict.duck_ms), since_onset(verdict.stop_ms)


def loudness(frames: Sequence[Frame]) -> str:
    """Return a sign a frame, for a look at what happened."""
    signs = {True: "#", False: "."}
    return "".join(
        "-" if f.gain_db is not None and f.gain_db < -2 and f.loud else signs[f.loud] for f in frames
    )


def run(folder: Path, clips: Sequence[Clip], count: int, calls: int, seed: int) -> list[Row]:
    """``count`` interruptions by ``calls`` calls at once: the rows of duck and stop."""
    stage = Stage(folder)
    prompt = sounds.read_wav(folder / "continuous.wav")
    said: list[Said] = []
    for n, clip in enumerate(clips[:count]):
        level = float(seeded(f"wire {seed} {n}").uniform(-30, -10))
        said.append(through_line(clip, Condition(level_dbm0=level, noise_dbm0=-65.0, seed=seed + n)))
    with stage.service("continuous") as service:
        shares = [(service.address, said[n::calls], prompt, seed + n) for n in range(calls)]
        results = in_processes(trials, shares)
        finish(service)
    made = [trial for result in results for trial in result]
    note = {"trials": [vars(t) for t in made], "own_packets_late_ms_max": max(t.sender_late_ms for t in made)}
    rows = []
    for name, target, limit, values in (
        ("onset → last full-loud prompt packet", "p95 ≤ 90", 90.0, [t.duck_ms for t in made]),
        ("onset → last loud prompt packet", "p95 ≤ 180", 180.0, [t.stop_ms for t in made]),
    ):
        row = Row(
            f"at the wire, {calls} calls at once: {name}", "ms", target, limits=(("p95", limit),), notes=note
        )
        row.values["ours"] = [v for v in values if v is not None]
        row.missed["ours"] = sum(v is None for v in values)
        rows.append(row)
    return rows
