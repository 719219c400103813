"""The rows of the table: which scenes, and what of their traces is counted."""

import asyncio
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ivr.session import Decision
from ivr.session.options import ExpectedKind
from ivr.speech.registry import create_stt
from tests.bench.turns import drive, judge, phrases, recordings
from tests.bench.turns.clip import Clip, Kind, Split, mixed, seeded
from tests.bench.turns.columns import Column
from tests.bench.turns.corpus import Corpus
from tests.bench.turns.line import FRAME, RATE, Condition, Echo, Pcm16, at_level
from tests.bench.turns.scene import Scene, Trace
from tests.bench.turns.voices import trimmed
from tests.caller.measure import percentile

PROMPT_DBM0 = -12.0
"""What the prompts are levelled to: -18 dBFS."""
AFTER_S = 3.0
"""What a scene goes on after the clip: longer than a lost prompt is waited for."""
WORD_MS = (-100.0, 30.0)
"""A prompt that goes on between these, beside a word's first sample, goes on from its start."""


@dataclass
class Row:
    """One line of the table. ``values`` by column: milliseconds, or 1 for what must not happen and 0."""

    name: str
    unit: str
    """``ms`` or ``%``."""
    target: str
    values: dict[str, list[float]] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    """Trials without a value."""
    notes: dict[str, Any] = field(default_factory=dict)
    limits: tuple[tuple[str, float], ...] = ()
    """What is asked of ours: ``p50``, ``p95`` or ``share``, at most."""

    def statistic(self, column: str, name: str) -> float:
        values = self.values.get(column, [])
        if name == "share":
            return 100 * sum(values) / len(values) if values else float("nan")
        return percentile(values, float(name.removeprefix("p")))

    def passed(self, column: str = "ours") -> bool:
        return all(self.statistic(column, name) <= limit for name, limit in self.limits)


Score = Callable[[Trace], dict[str, float | None]]
"""Row name to value: None is a trial without one."""


class Bench:
    def __init__(
        self, corpus: Corpus, columns: Sequence[Column], scale: float, seed: int, split: Split
    ) -> None:
        self._corpus, self._columns = corpus, columns
        self._scale, self._seed, self._split = scale, seed, split
        self.prompts = [levelled(without_pauses(p)) for p in corpus.prompts()]

    # -- scenes

    def conditions(self, name: str, levels: tuple[float, float]) -> Iterator[Condition]:
        """Lines of all sorts, one after the other, the same for the same name and seed."""
        for n in itertools.count():
            dice = seeded(f"{name} {self._seed} {n}")
            yield Condition(
                level_dbm0=float(dice.uniform(*levels)),
                noise_dbm0=float(dice.uniform(-72, -55)),
                loss=float(dice.choice((0.0, 0.0, 0.01, 0.02, 0.03))),
                jitter_ms=float(dice.choice((0.0, 5.0, 10.0))),
                conceal=bool(dice.random() < 0.8),
                a_law=bool(dice.random() < 0.5),
                seed=int(dice.integers(1 << 30)),
            )

    def over_prompt(
        self, name: str, clips: Sequence[Clip | None], levels: tuple[float, float],
        echo: Callable[[np.random.Generator], Echo] | None = None, understood: bool = True,
        prompts: Sequence[Pcm16] = (),
    ) -> Iterator[Scene]:  # fmt: skip
        for n, (clip, condition) in enumerate(zip(clips, self.conditions(name, levels), strict=False)):
            dice = seeded(f"{name} place {self._seed} {n}")
            at = int(dice.uniform(1.2, 2.2) * RATE)
            prompt = (prompts or self.prompts)[n % len(prompts or self.prompts)]
            length = at + (len(clip.pcm) if clip is not None else 5 * RATE) + int(AFTER_S * RATE)
            if echo is not None:
                condition = replace(condition, echo=echo(dice))
            yield Scene(name, condition, clip, at, min(length, len(prompt) - FRAME), prompt, understood)

    def clips(self, *kinds: Kind, times: int = 1, styles: Sequence[str] = ()) -> list[Clip]:
        """All of the split ``times`` over, or the share of them that is asked for."""
        found = [
            c
            for kind in kinds
            for c in self._corpus.clips(kind, self._split)
            if not styles or c.style in styles
        ]
        found *= times
        return (
            found[: max(4, round(len(found) * self._scale))]
            if self._scale < 1
            else found * round(self._scale)
        )

    # -- rows

    def interruptions(self) -> list[Row]:
        scenes = list(self.over_prompt("interruption", self.clips("interruption"), (-30.0, -10.0)))
        rows = {
            "duck": Row("speech: onset → prompt quieter", "ms", "p95 ≤ 90", limits=(("p95", 90),)),
            "stop": Row("speech: onset → prompt silent", "ms", "p95 ≤ 180", limits=(("p95", 180),)),
            "missed": Row(
                "true interruptions (≥ 400 ms of speech) missed", "%", "≤ 1 %", limits=(("share", 1),)
            ),
        }

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            taken = judge.taken(trace, verdict)
            return {
                "duck": verdict.duck_ms,
                "stop": verdict.stop_ms if taken else None,
                "missed": float(not taken),
            }

        return self._run(scenes, rows, score)

    def false_alarms(self) -> list[Row]:
        """What is no speech: the sum has the target, and each kind a row of its own."""
        kinds: list[tuple[Kind, tuple[float, float], int]] = [
            ("noise", (-50.0, -25.0), 2), ("music", (-45.0, -20.0), 2), ("vocal", (-35.0, -15.0), 1),
            ("tone", (-30.0, -10.0), 1), ("silence", (-20.0, -20.0), 1),
        ]  # fmt: skip
        scenes = [
            s for kind, levels, n in kinds for s in self.over_prompt(kind, self.clips(kind, times=n), levels)
        ]
        total = "prompt lost to noise, music, cough, silence"
        rows = {
            "lost": Row(total, "%", "≤ 1 %", limits=(("share", 1),)),
            "stopped": Row("... stopped at all", "%", ""),
        }
        for kind, *_ in kinds:
            rows[kind] = Row(f"... lost to {kind}", "%", "")
        rows["vocal-stopped"] = Row("... stopped by vocal", "%", "")

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            lost, stopped = float(verdict.lost), float(verdict.stop_ms is not None)
            found: dict[str, float | None] = {"lost": lost, "stopped": stopped, trace.scene.name: lost}
            if trace.scene.name == "vocal":
                found["vocal-stopped"] = stopped
            return found

        return self._run(scenes, rows, score)

    def backchannels(self) -> list[Row]:
        scenes = list(self.over_prompt("backchannel", self.clips("backchannel", times=2), (-30.0, -12.0)))
        rows = {
            "lost": Row("prompt lost to a backchannel", "%", "≤ 5 %", limits=(("share", 5),)),
            "stopped": Row("... stopped at all", "%", ""),
        }

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            return {"lost": float(verdict.lost), "stopped": float(verdict.stop_ms is not None)}

        return self._run(scenes, rows, score)

    def echo(self) -> list[Row]:
        count = max(4, round(90 * self._scale))

        def at_12(dice: np.random.Generator) -> Echo:
            return Echo(float(dice.uniform(60, 250)), 12.0)

        def any_echo(dice: np.random.Generator) -> Echo:
            return Echo(float(dice.uniform(20, 250)), float(dice.uniform(10, 30)))

        alone = list(self.over_prompt("echo", [None] * count, (-20, -20), at_12))
        other = list(self.over_prompt("any echo", [None] * count, (-20, -20), any_echo))
        speech = list(
            self.over_prompt("over echo", self.clips("interruption")[: 2 * count], (-25, -10), at_12)
        )
        rows = {
            "echo": Row("prompt lost to its echo, -12 dB, 60-250 ms", "%", "≤ 1 %", limits=(("share", 1),)),
            "any echo": Row("... -10 to -30 dB, 20-250 ms", "%", ""),
            "over": Row("interruption over that echo (-12 dB) missed", "%", "≤ 5 %", limits=(("share", 5),)),
            "stop": Row("... onset → prompt silent", "ms", ""),
        }

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            if trace.scene.clip is None:
                return {trace.scene.name: float(verdict.lost)}
            # The prompt must be playing still when the caller speaks: an echo that stopped it took the turn.
            early = _silent_before(trace)
            taken = judge.taken(trace, verdict) and not early
            return {"over": float(not taken), "stop": verdict.stop_ms if taken else None}

        return self._run([*alone, *other, *speech], rows, score)

    def false_stops(self) -> list[Row]:
        """The detector hears speech, the recogniser no words: a prompt of recorded words goes on."""
        prompts = [word_prompt(n) for n in range(6)]
        starts = {id(pcm): np.array(places) for pcm, places in prompts}
        clips = self.clips("interruption", styles=("recorded",))[: max(4, round(60 * self._scale))]
        short = [_cut(clip, 0.5) for clip in clips]
        scenes = list(
            self.over_prompt(
                "false stop", short, (-25, -12), understood=False, prompts=[p for p, _ in prompts]
            )
        )
        rows = {
            "back": Row("false stop → prompt heard again", "ms", "max ≤ 1500", limits=(("p100", 1500),)),
            "wrong": Row(
                "... not back in 1.5 s, or not from a word's start", "%", "0", limits=(("share", 0),)
            ),
            "off": Row("... beside the nearest word's start", "ms", ""),
        }

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            if verdict.stop_ms is None:
                return {}
            if verdict.back_ms is None:
                return {"back": None, "wrong": 1.0, "off": None}
            if verdict.back_at is None:  # heard again, and too little of it to say where
                return {"back": verdict.back_ms, "wrong": None, "off": None}
            places = starts[id(trace.scene.prompt)]
            beside = (verdict.back_at - places) / RATE * 1000
            nearest = float(beside[np.abs(beside).argmin()])
            good = verdict.back_ms <= judge.LOST_MS and WORD_MS[0] <= nearest <= WORD_MS[1]
            return {"back": verdict.back_ms, "wrong": float(not good), "off": abs(nearest)}

        return self._run(scenes, rows, score)

    def endings(self) -> list[Row]:
        """Answers to a question whose choices the service knows, digits, and free speech."""
        scenes = []
        for style in ("answer", "sentence", "recorded", "digits", "hesitation"):
            clips = self.clips("turn", styles=(style,))[: max(4, round(90 * self._scale))]
            for n, (clip, condition) in enumerate(
                zip(clips, self.conditions(style, (-30, -10)), strict=False)
            ):
                at = int(seeded(f"{style} {self._seed} {n}").uniform(0.5, 1.0) * RATE)
                scenes.append(asked(clip, condition, at))
        styles = ("yes_no", "menu", "sentence", "recorded", "digits", "hesitation")
        rows = {
            "delay": Row("caller's end → turn ended", "ms", "p50 ≤ 400", limits=(("p50", 400),)),
            "words": Row("... → turn with its words", "ms", ""),
            "early": Row("turns cut off early", "%", "≤ 3 %", limits=(("share", 3),)),
        }
        for style in styles:
            rows[f"{style} delay"] = Row(f"... {style}: end → ended", "ms", "")
            rows[f"{style} early"] = Row(f"... {style}: cut off early", "%", "")

        def score(trace: Trace) -> dict[str, float | None]:
            ending = judge.of_turn(trace)
            found: dict[str, float | None] = {} if ending.early else {"words": ending.words_ms}
            for name in ("", f"{trace.scene.name} "):
                found[f"{name}early"] = float(ending.early)
                if not ending.early:
                    found[f"{name}delay"] = ending.delay_ms
            return found

        return self._run(scenes, rows, score)

    def answers(self) -> list[Row]:
        """A backchannel's words after a question are an answer."""
        clips = self.clips("backchannel")
        scenes = []
        for n, (clip, condition) in enumerate(
            zip(clips, self.conditions("answered", (-25, -12)), strict=False)
        ):
            prompt = self.prompts[n % len(self.prompts)][: 2 * RATE // FRAME * FRAME]
            at = len(prompt) + int(seeded(f"answered {self._seed} {n}").uniform(0.3, 1.0) * RATE)
            scenes.append(Scene("answer", condition, clip, at, at + len(clip.pcm) + 3 * RATE, prompt))
        rows = {"unheard": Row("the same words after a question, not taken as an answer", "%", "")}

        def score(trace: Trace) -> dict[str, float | None]:
            return {"unheard": float(not any(turn.text for turn in trace.turns))}

        return self._run(scenes, rows, score)

    def understood_by_whisper(self, count: int) -> list[Row]:
        """A part of the scenes with the real recogniser, in English: ``count`` of each kind; ours alone."""
        kinds: list[tuple[str, list[Clip], tuple[float, float]]] = [
            ("interruption", self.clips("interruption"), (-30, -10)),
            ("backchannel", self.clips("backchannel"), (-30, -12)),
            ("no speech", self.clips("vocal", "music", "noise"), (-35, -15)),
        ]
        rows = {
            "interruption": Row("Whisper: true interruptions missed", "%", ""),
            "backchannel": Row("Whisper: prompt lost to a backchannel", "%", ""),
            "no speech": Row("Whisper: prompt lost to noise, music, cough", "%", ""),
        }
        scenes: list[Scene] = []
        for name, clips, levels in kinds:
            spoken_english = sorted((c for c in clips if c.language != "fr"), key=lambda c: mixed(c.name))
            scenes += self.over_prompt(name, spoken_english[:count], levels)

        def score(trace: Trace) -> dict[str, float | None]:
            verdict = judge.of_prompt(trace)
            bad = not judge.taken(trace, verdict) if trace.scene.name == "interruption" else verdict.lost
            return {trace.scene.name: float(bad)}

        return self._run(scenes, rows, score, "whisper")

    # -- running

    def _run(
        self, scenes: Sequence[Scene], rows: dict[str, Row], score: Score, engine: str = ""
    ) -> list[Row]:
        """With an ``engine`` only the first column: what was understood changes nothing in the others."""
        turns = all(scene.prompt is None for scene in scenes)
        for column in self._columns[:1] if engine else self._columns:
            if column.turns_only and not turns:
                continue
            trials: list[dict[str, Any]] = []
            for trace in asyncio.run(_traces(scenes, column, engine)):
                found = score(trace)
                for name, value in found.items():
                    if value is None:
                        rows[name].missed[column.name] = rows[name].missed.get(column.name, 0) + 1
                    else:
                        rows[name].values.setdefault(column.name, []).append(value)
                trials.append(_note(trace, found))
            next(iter(rows.values())).notes[column.name] = trials
            print(f"    {column.name}: {len(scenes)} scenes", file=sys.stderr, flush=True)
        return list(rows.values())


async def _traces(scenes: Sequence[Scene], column: Column, engine: str) -> list[Trace]:
    """``engine``: a recogniser's name; without one the truth is understood."""
    stt = create_stt(engine) if engine else None
    if stt is not None:
        await stt.start()
    try:
        return [await drive.run(scene, column, stt) for scene in scenes]
    finally:
        if stt is not None:
            await stt.aclose()


def _note(trace: Trace, found: dict[str, float | None]) -> dict[str, Any]:
    scene, c = trace.scene, trace.scene.condition
    return {
        "scene": scene.name, "clip": scene.clip.name if scene.clip else None, "level": round(c.level_dbm0, 1),
        "loss": c.loss, "echo": None if c.echo is None else [c.echo.delay_ms, c.echo.loss_db], "seed": c.seed,
        "found": found, "turns": [t.text for t in trace.turns],
        "told": [f"{at / RATE:.3f} {d.stage} {d.rule} {_short(d)}".strip() for at, d in trace.decisions],
        "onset_s": round(scene.onset / RATE, 3), "offset_s": round(scene.offset / RATE, 3),
    }  # fmt: skip


def asked(clip: Clip, condition: Condition, at: int) -> Scene:
    """``clip`` as the answer to a question that fits it."""
    length = at + len(clip.pcm) + 4 * RATE
    if clip.style != "answer":
        kind: ExpectedKind = "digits" if clip.style == "digits" else "free"
        return Scene(clip.style, condition, clip, at, length, expect=kind)
    kind = "yes_no" if clip.text in phrases.YES_NO[clip.language] else "menu"
    known = phrases.YES_NO if kind == "yes_no" else phrases.CHOICES
    return Scene(kind, condition, clip, at, length, expect=kind, choices=known[clip.language])


def _short(decision: Decision) -> str:
    names = ("probability", "duration_ms", "text", "words", "reason", "echo", "name")
    found = {name: decision.details[name] for name in names if name in decision.details}
    return " ".join(f"{name}={value}" for name, value in found.items())


def _silent_before(trace: Trace) -> bool:
    """The prompt was silent when the caller began."""
    at = trace.scene.onset // FRAME * FRAME
    before = trace.played[at - int(0.2 * RATE) : at].astype(np.float64)
    return float(np.sqrt((before**2).mean())) < 33


def _cut(clip: Clip, seconds: float) -> Clip:
    """The first half second of speech of it."""
    end = min(len(clip.pcm), clip.onset + int(seconds * RATE))
    return Clip(
        clip.name, clip.kind, clip.style, clip.language, clip.pcm[:end], clip.onset, end - 1, clip.parts
    )


def levelled(x: Pcm16) -> Pcm16:
    return np.clip(at_level(x, PROMPT_DBM0), -32768, 32767).astype(np.int16)


def without_pauses(x: Pcm16) -> Pcm16:
    """Every quiet 20 ms taken out, so that a stop cannot be mistaken for a pause."""
    frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)
    level = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    loudest = np.sqrt((level[level > level.max() / 18] ** 2).mean())
    kept: Pcm16 = frames[level > loudest / 6].reshape(-1)
    return kept


def word_prompt(number: int) -> tuple[Pcm16, list[int]]:
    """Recorded words (numbers, letters) with 60 to 90 ms between them, and where each begins."""
    dice = seeded(f"words {number}")
    names = [f"digits/{n}" for n in (*range(21), 30, 40, 50, 60, 70, 80, 90)] + [
        f"letters/{c}" for c in "abcdefgh"
    ]
    parts: list[Pcm16] = []
    starts: list[int] = []
    at = 0
    while at < 14 * RATE:
        x = levelled(trimmed(recordings.word("en", names[int(dice.integers(len(names)))]), 30.0, 0))
        starts.append(at)
        parts += [x, np.zeros(int(dice.uniform(0.06, 0.09) * RATE), np.int16)]
        at += len(x) + len(parts[-1])
    return np.concatenate(parts), starts
