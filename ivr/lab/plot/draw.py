"""``ivr plot``: a recorded call as a picture that explains itself."""

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ivr.audio.frames import LINE_RATE
from ivr.audio.wav import Pcm16
from ivr.errors import IvrError
from ivr.lab.plot.timeline import Moment, Span, Timeline, timeline
from ivr.lab.replay.replayer import WINDOW_S, replay
from ivr.lab.replay.settings import check_assignments, options_for_all_prompts, settings_for
from ivr.service.config.settings import Settings
from ivr.service.recording.recording import Recording, load_recording
from ivr.session.decisions import Decision

WIDTH, HEIGHT, DPI = 1600, 900, 100
COLUMNS = 1500
"""Columns of a waveform."""
MIN_SCALE = 3000
"""A side whose peak is below this sample value is not enlarged further."""
CHARACTER_PX = 6.9
EVENT_LINES = 5
MIN_WIDTH_PX = 5
"""Width in pixels of spans that would otherwise be hard to see."""
ORDER = ("stop", "resume", "confirm", "dtmf", "noinput", "duck", "turn_ended", "ignore", "paused")
RANK = {stage: rank for rank, stage in enumerate(ORDER)}
"""Which decisions are written first where there is no room for all."""
LEFT, RIGHT, TOP, BOTTOM = 0.085, 0.985, 0.905, 0.125

PAPER = {"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.7, "edgecolor": "none"}
"""The background of words that lines cross."""
CALLER, SERVICE = "#1f77b4", "#2e8b57"
STOP, RESUME, DUCK, KEY, MUTED = "#d62728", "#2ca02c", "#f58a07", "#8e44ad", "#777777"
SUSPENDED: dict[str, Any] = {"facecolor": "#fdecec", "edgecolor": "#eeb4b4", "hatch": "////", "lw": 0}
STATES = {"listening": "#cfe3f5", "processing": "#fbe3b5", "speaking": "#cdeed9", "ended": "#dddddd"}


class PlotError(IvrError):
    """Raised when no picture can be drawn; one line that says why and what to do."""


def plot_file(
    path: Path,
    out: Path,
    begin: float = 0.0,
    end: float | None = None,
    *,
    assignments: Sequence[str] = (),
    config: Path | None = None,
) -> None:
    """Draw the recording at ``path`` from second ``begin`` to ``end`` into the PNG ``out`` (1600x900).

    The decisions are those of the recording; with ``assignments`` ("vad.threshold=0.6") or a ``config``,
    those of a replay under these settings. Raises PlotError, RecordingError, SettingsError.
    """
    figure_of = _matplotlib()
    check_assignments(assignments)
    recording = load_recording(path)
    end = recording.seconds if end is None else min(end, recording.seconds)
    if not 0 <= begin < end:
        raise PlotError(
            f"{path}: no sound from {begin:g} s to {end:g} s: the call is {recording.seconds:.1f} s long"
        )
    settings, _ = settings_for(recording, assignments, config)
    again = replay(recording, settings, prompts=options_for_all_prompts(assignments, config))
    tried = bool(assignments) or config is not None
    decisions = again.decisions if tried else recording.decisions
    figure = figure_of(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    what_if = ", ".join([*([str(config)] if config is not None else []), *assignments])
    _Picture(figure, recording, settings, decisions, again.probabilities, begin, end, what_if).draw()
    try:
        figure.savefig(out, format="png", dpi=DPI)
    except OSError as error:
        raise PlotError(f"{out}: {error.strerror}") from error


def _matplotlib() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError("matplotlib is needed to draw: pip install 'interruptible-ivr[plot]'") from error
    return Figure


def envelope(pcm: Pcm16, columns: int = COLUMNS) -> tuple[Any, Any, Any]:
    """Return the lowest and highest sample of at most ``columns`` pieces, and where each begins (in
    samples).
    """
    step = max(1, -(-len(pcm) // columns))
    starts = np.arange(0, len(pcm), step)
    if not len(starts):
        return starts, starts, starts
    return np.minimum.reduceat(pcm, starts), np.maximum.reduceat(pcm, starts), starts


def fitted(text: str, width_px: float, lines: int) -> str:
    """Wrap ``text`` into at most ``lines`` lines of that width. Its end is cut off where there is no room;
    the result is empty where there is none at all.
    """
    columns = int(width_px / CHARACTER_PX)
    if columns < 3 or not text.strip():
        return ""
    words = (word if len(word) <= columns else word[: columns - 1] + "…" for word in text.split())
    return "\n".join(textwrap.wrap(" ".join(words), columns, max_lines=lines, placeholder="…"))


def _clock(iso: str) -> str:
    try:
        return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return iso


class _Picture:
    def __init__(
        self,
        figure: Any,
        recording: Recording,
        settings: Settings,
        decisions: Sequence[Decision],
        probabilities: list[float],
        begin: float,
        end: float,
        what_if: str,
    ) -> None:
        self._figure, self._recording, self._settings = figure, recording, settings
        self._line: Timeline = timeline(decisions, recording.seconds)
        self._probabilities = np.array(probabilities)
        self._begin, self._end, self._what_if = begin, end, what_if
        self._px = WIDTH * (RIGHT - LEFT) / (end - begin)
        """Pixels a second."""

    def draw(self) -> None:
        rows = self._figure.subplots(
            5,
            1,
            sharex=True,
            gridspec_kw={
                "height_ratios": [2.4, 1.1, 2.6, 0.4, 1.75],
                "hspace": 0.12,
                "left": LEFT,
                "right": RIGHT,
                "top": TOP,
                "bottom": BOTTOM,
            },
        )
        caller, probability, service, states, events = rows
        self._title()
        self._side(caller, self._recording.caller, CALLER, self._line.turns, "caller")
        self._turns(caller)
        self._probability(probability)
        self._side(service, self._recording.service, SERVICE, self._line.prompts, "service")
        self._prompts(service)
        self._states(states)
        self._events(events)
        for axes in rows:
            self._moments(axes)
            for pause in self._shown(self._line.pauses):
                axes.axvspan(pause.begin, pause.end, facecolor="none", edgecolor="#bbbbbb", hatch="///", lw=0)
            for edge in ("top", "right"):
                axes.spines[edge].set_visible(False)
            axes.set_xlim(self._begin, self._end)
        events.set_xlabel("seconds since the session began", fontsize=10)
        self._legend()

    # -- the rows

    def _title(self) -> None:
        header = self._recording.header.details
        figure = self._figure
        figure.text(
            LEFT, 0.962, f"Call {header.get('call', '')}", fontsize=15, weight="bold", parse_math=False
        )
        vad, ends = self._settings.vad, self._settings.session.endpointing
        facts = [
            f"plan {header.get('plan', '?')}",
            _clock(str(header.get("began", ""))),
            f"{self._recording.seconds:.1f} s"
            + ("" if (self._begin, self._end) == (0, self._recording.seconds) else
               f", of which {self._begin:g} to {self._end:g} s are shown"),
            f"speech from probability {vad.threshold:g}, for {ends.min_speech_ms:g} ms",
        ]  # fmt: skip
        figure.text(
            LEFT, 0.931, "   ·   ".join(filter(None, facts)), fontsize=10, color="#555555", parse_math=False
        )
        if self._what_if:
            figure.text(
                RIGHT,
                0.962,
                f"replayed with {self._what_if}",
                fontsize=12,
                color=STOP,
                ha="right",
                parse_math=False,
            )

    def _side(self, axes: Any, pcm: Pcm16, color: str, spans: list[Span], name: str) -> None:
        first = round(self._begin * LINE_RATE)
        low, high, starts = envelope(pcm[first : round(self._end * LINE_RATE)])
        times = (first + starts) / LINE_RATE
        scale = max(MIN_SCALE, int(max(abs(low.min(initial=0)), abs(high.max(initial=0)))))
        axes.fill_between(times, low / scale, high / scale, step="post", color=color, lw=0.3, zorder=3)
        axes.set_ylim(-1.1, 2.1)  # the upper third is for words
        axes.set_yticks([])
        axes.set_ylabel(name, fontsize=13, weight="bold", color=color, rotation=0, ha="right", va="center")
        axes.axhline(0, color="#cccccc", lw=0.6, zorder=1)

    def _turns(self, axes: Any) -> None:
        for turn in self._shown(self._line.turns):
            axes.axvspan(turn.begin, turn.spoken, color=CALLER, alpha=0.13, lw=0, zorder=0)
            axes.axvspan(turn.spoken, turn.end, color=CALLER, alpha=0.05, lw=0, zorder=0)
            self._words(axes, turn, f"“{turn.text}”" if turn.text else "(no words)", CALLER, self._line.turns)
        badge = {"boxstyle": "circle,pad=0.25", "facecolor": KEY, "edgecolor": "none"}
        style = {"fontsize": 11, "weight": "bold", "color": "white", "ha": "center", "va": "center"}
        for moment in self._line.moments:
            if moment.stage == "dtmf" and self._begin <= moment.at <= self._end:
                axes.text(moment.at, -0.8, moment.text, bbox=badge, parse_math=False, zorder=6, **style)

    def _prompts(self, axes: Any) -> None:
        stretches = self._line.stretches
        for stretch in self._shown(stretches):
            axes.axvspan(stretch.begin, stretch.end, color=SERVICE, alpha=0.10, lw=0, zorder=0)
            cut = " —✂" if stretch.interrupted else ""
            self._words(axes, stretch, stretch.text + cut, SERVICE, stretches)
        for suspended in self._shown(self._line.suspended):
            axes.axvspan(suspended.begin, suspended.end, zorder=0, **SUSPENDED)
        for duck in self._shown(self._line.ducks):
            begin = min(duck.begin, duck.end - MIN_WIDTH_PX / self._px)
            axes.axvspan(begin, duck.end, color=DUCK, alpha=0.6, lw=0, zorder=2)

    def _words(self, axes: Any, span: Span, text: str, color: str, among: list[Span]) -> None:
        """Write ``text`` above the sound, from the span's beginning to the next one's."""
        begin = max(span.begin, self._begin)
        following = min((each.begin for each in among if each.begin > span.begin), default=self._end)
        width = (min(following, self._end) - begin) * self._px - 20
        shown = fitted(text, width, 3)
        axes.plot(
            [begin, min(span.end, self._end)],
            [1.12, 1.12],
            color=color,
            lw=2.5,
            solid_capstyle="butt",
            zorder=4,
        )
        axes.text(
            begin + 3 / self._px,
            1.2,
            shown,
            fontsize=10,
            va="bottom",
            color="#222222",
            bbox=PAPER,
            parse_math=False,
            zorder=5,
        )

    def _probability(self, axes: Any) -> None:
        times = np.arange(len(self._probabilities)) * WINDOW_S
        inside = (times >= self._begin - WINDOW_S) & (times <= self._end)
        axes.fill_between(
            times[inside], self._probabilities[inside], step="post", color="#6c5ce7", alpha=0.35, lw=0
        )
        axes.plot(times[inside], self._probabilities[inside], drawstyle="steps-post", color="#6c5ce7", lw=0.9)
        for level, style in ((self._settings.vad.threshold, "-"), (self._settings.vad.release_level, ":")):
            axes.axhline(level, color="#444444", lw=0.9, ls=style)
        axes.set_ylim(0, 1.05)
        axes.set_yticks([0, 0.5, 1])
        axes.tick_params(axis="y", labelsize=9)
        axes.set_ylabel("probability\nof speech", fontsize=10, rotation=0, ha="right", va="center")

    def _states(self, axes: Any) -> None:
        for state in self._shown(self._line.states):
            begin, end = max(state.begin, self._begin), min(state.end, self._end)
            axes.axvspan(begin, end, color=STATES.get(state.text, "#eeeeee"), lw=0)
            shown = fitted(state.text, (end - begin) * self._px - 4, 1)
            axes.text(
                (begin + end) / 2,
                0.5,
                shown if shown == state.text else "",
                ha="center",
                va="center",
                fontsize=9,
            )
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_ylabel("state", fontsize=10, rotation=0, ha="right", va="center")

    def _events(self, axes: Any) -> None:
        """Write the decisions, the most important first, each in the first line that has room."""
        taken: list[list[tuple[float, float]]] = [[] for _ in range(EVENT_LINES)]
        inside = [each for each in self._line.moments if self._begin <= each.at <= self._end]
        for moment in sorted(inside, key=lambda each: (RANK.get(each.stage, len(RANK)), each.at)):
            text, color = _label(moment)
            axes.plot([moment.at], [1], marker="v", color=color, ms=6, clip_on=False, zorder=5)
            x = (moment.at - self._begin) * self._px
            size = len(text) * CHARACTER_PX
            leftwards = x + size > WIDTH * (RIGHT - LEFT)
            place = (x - size - 8, x) if leftwards else (x, x + size + 8)
            line = next((i for i, each in enumerate(taken) if not _overlaps(place, each)), None)
            if line is None:
                continue
            taken[line].append(place)
            axes.text(
                moment.at + (-4 if leftwards else 4) / self._px,
                0.8 - line * 0.9 / EVENT_LINES,
                text,
                fontsize=9.5,
                color=color,
                ha="right" if leftwards else "left",
                va="center",
                bbox=PAPER,
                parse_math=False,
                zorder=5,
            )
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_ylabel("decisions", fontsize=10, rotation=0, ha="right", va="center")

    def _moments(self, axes: Any) -> None:
        styles = {
            "stop": (STOP, "-", 1.6),
            "resume": (RESUME, "--", 1.6),
            "confirm": (STOP, ":", 1.6),
            "dtmf": (KEY, "-", 1.0),
        }
        for moment in self._line.moments:
            if moment.stage in styles and self._begin <= moment.at <= self._end:
                color, style, width = styles[moment.stage]
                axes.axvline(moment.at, color=color, ls=style, lw=width, zorder=4)

    def _legend(self) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        states = [Patch(color=color, label=name) for name, color in STATES.items() if name != "ended"]
        entries = [
            Patch(color=CALLER, alpha=0.18, label="caller's turn (paler: until its end was decided)"),
            Patch(color=SERVICE, alpha=0.2, label="prompt plays (—✂ cut)"),
            Patch(color=DUCK, alpha=0.6, label="ducked"),
            Line2D([], [], color=STOP, lw=1.6, label="stopped"),
            Patch(label="suspended: was that speech?", **SUSPENDED),
            Line2D([], [], color=RESUME, lw=1.6, ls="--", label="resumed: no words"),
            Line2D([], [], color=STOP, lw=1.6, ls=":", label="ended: words"),
        ]
        others = [
            Line2D([], [], color=KEY, marker="o", ms=8, lw=1.0, label="key pressed"),
            Line2D([], [], color="#444444", lw=0.9, label="threshold of speech"),
            Line2D([], [], color="#444444", lw=0.9, ls=":", label="threshold of its end"),
            *states,
        ]
        if self._line.pauses:
            others.append(Patch(facecolor="none", edgecolor="#bbbbbb", hatch="///", label="recording paused"))
        for handles, y in ((entries, 0.026), (others, 0.0)):
            self._figure.legend(
                handles=handles,
                loc="lower center",
                bbox_to_anchor=(0.5, y),
                ncol=len(handles),
                frameon=False,
                fontsize=9.5,
                columnspacing=1.4,
            )

    def _shown(self, spans: list[Span]) -> list[Span]:
        return [span for span in spans if span.end > self._begin and span.begin < self._end]


def _overlaps(place: tuple[float, float], others: list[tuple[float, float]]) -> bool:
    return any(place[0] < end and begin < place[1] for begin, end in others)


def _label(moment: Moment) -> tuple[str, str]:
    match moment.stage:
        case "stop":
            cause = "a key" if moment.text == "dtmf" else moment.text or "the caller"
            return f"prompt stopped: {cause}", STOP
        case "duck":
            return "prompt ducked", DUCK
        case "confirm":
            return f"prompt ended: {moment.text}", STOP
        case "resume":
            return f"prompt resumed: {moment.text}", RESUME
        case "dtmf":
            return f"key {moment.text}", KEY
        case "ignore":
            return f"no interruption: {moment.text}", MUTED
        case "turn_ended":
            return f"turn ended: {moment.text}", CALLER
        case "paused":
            return f"turn detector: {moment.text}", MUTED
    return "no input", MUTED
