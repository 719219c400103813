"""The rows of the table: which scenes, and what of their traces is counted."""

from collections.abc import Sequence

import numpy as np

from tests.bench import heard
from tests.bench.turns import judge
from tests.bench.turns.clip import Clip, Kind, Split, mixed, seeded
from tests.bench.turns.columns import Column
from tests.bench.turns.corpus import Corpus
from tests.bench.turns.line import FRAME, RATE, Echo
from tests.bench.turns.prompts import word_prompt
from tests.bench.turns.row import Row, Score
from tests.bench.turns.running import run
from tests.bench.turns.scene import Scene, Trace
from tests.bench.turns.scenes import Scenes, asked, shortened

WORD_MS = (-100.0, 30.0)
"""A prompt that goes on between these, beside a word's first sample, goes on from its start."""


class Bench(Scenes):
    """The rows, through ``columns``."""

    def __init__(
        self, corpus: Corpus, columns: Sequence[Column], scale: float, seed: int, split: Split
    ) -> None:
        super().__init__(corpus, scale, seed, split)
        self._columns = columns

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

    def false_interruptions(self) -> list[Row]:
        """The detector hears speech, the recogniser no words: a prompt of recorded words goes on."""
        prompts = [word_prompt(n) for n in range(6)]
        starts = {id(pcm): np.array(places) for pcm, places in prompts}
        clips = self.clips("interruption", styles=("recorded",))[: max(4, round(60 * self._scale))]
        short = [shortened(clip, 0.5) for clip in clips]
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

    def _run(
        self, scenes: Sequence[Scene], rows: dict[str, Row], score: Score, engine: str = ""
    ) -> list[Row]:
        return run(scenes, self._columns, rows, score, engine)


def heard_text(cuts: int, seed: int) -> list[Row]:
    """``cuts`` interrupted prompts of Piper's and as many recordings; beside Whisper's transcript of what the
    caller received of them (``tests/bench/heard.py``).
    """
    row = Row("heard_text off by more than one word", "%", "0 of 30", limits=(("share", 0),))
    for figure in heard.run(cuts, half=1, seed=seed):
        if figure.unit == "words" and figure.name.startswith("heard_text"):
            row.values.setdefault("ours", []).extend(float(words > 1) for words in figure.values)
            row.notes[figure.name] = {"words off": figure.values, **figure.notes}
    return [row]


def _silent_before(trace: Trace) -> bool:
    """The prompt was silent when the caller began."""
    at = trace.scene.onset // FRAME * FRAME
    before = trace.played[at - int(0.2 * RATE) : at].astype(np.float64)
    return float(np.sqrt((before**2).mean())) < 33
