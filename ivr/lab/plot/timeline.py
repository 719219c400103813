"""Turns a call's decisions into spans and moments of time, in seconds from its beginning, for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.session.decisions import Decision


@dataclass(slots=True)
class Span:
    """A stretch of time from ``begin`` to ``end``; ``text`` is what was said in it, or its name."""

    begin: float
    end: float
    text: str = ""
    interrupted: bool = False
    """Whether a prompt was interrupted."""
    spoken: float = 0.0
    """Where the speech of a turn ended; the rest up to ``end`` was endpointing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A decision at one time."""

    at: float
    stage: str
    text: str = ""


@dataclass(slots=True)
class Timeline:
    """Everything that the picture shows."""

    turns: list[Span] = field(default_factory=list)
    prompts: list[Span] = field(default_factory=list)
    stretches: list[Span] = field(default_factory=list)
    """The played pieces of prompts, with their words: a prompt that stopped and resumed has several."""
    suspended: list[Span] = field(default_factory=list)
    """A stopped prompt, until it is known whether the speech had words."""
    ducks: list[Span] = field(default_factory=list)
    states: list[Span] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    """Pauses of the recording."""
    moments: list[Moment] = field(default_factory=list)
    """Stops, resumptions, keys and the like."""


def timeline(decisions: Sequence[Decision], seconds: float) -> Timeline:
    """Build the timeline of a call of ``seconds``; spans without an end last until then."""
    found = Timeline()
    texts = _transcripts(decisions)
    onset: int | None = None
    complete = ""
    prompts: dict[Any, _Prompt] = {}
    for decision in decisions:
        at, details = decision.at / VAD_RATE, decision.details
        match decision.stage:
            case "speech_began":
                onset = details.get("onset", decision.at)
            case "turn_ended":
                began = details.get("onset", onset if onset is not None else decision.at)
                spoken = details.get("offset", decision.at) / VAD_RATE
                found.turns.append(Span(began / VAD_RATE, at, texts.get(began, ""), spoken=spoken))
                reason = str(details.get("reason", ""))
                found.moments.append(Moment(at, "turn_ended", (reason == "complete" and complete) or reason))
                onset, complete = None, ""
            case "complete":
                complete = decision.rule
            case "say_started":
                span = Span(at, seconds, str(details.get("text") or "(a recording)"))
                prompts[details.get("prompt")] = _Prompt(span, _word_times(decisions, decision))
                found.prompts.append(span)
                _play(found, prompts.get(details.get("prompt")), at, 0)
            case "say_ended":
                ended = prompts.pop(details.get("prompt"), None)
                if ended is not None:
                    ended.span.end, ended.span.interrupted = at, bool(details.get("interrupted"))
                    if ended.span.interrupted and details.get("heard_text"):
                        ended.span.text = str(details["heard_text"])
                    _stop(ended, at)
                    if ended.first is not None and not ended.words:
                        ended.first.text = ended.span.text
                _end(found.ducks, at)
                _end(found.suspended, at)
            case "duck":
                _end(found.ducks, at)
                found.ducks.append(Span(at, seconds))
                found.moments.append(Moment(at, "duck"))
            case "restore":
                _end(found.ducks, at)
            case "stop" | "confirm" | "resume":
                _end(found.ducks, at)
                _end(found.suspended, at)
                found.moments.append(Moment(at, decision.stage, _why(decision)))
                prompt = prompts.get(details.get("prompt"))
                if decision.stage == "resume":
                    _play(found, prompt, at, details.get("from_ms") or 0)
                elif decision.stage == "stop":
                    _stop(prompt, at)
                    found.suspended.append(Span(at, seconds))
            case "state":
                _end(found.states, at)
                found.states.append(Span(at, seconds, str(details.get("name", ""))))
            case "ignore":
                found.moments.append(Moment(at, "ignore", decision.rule))
            case "dtmf":
                found.moments.append(Moment(at, "dtmf", str(details.get("digit", "?"))))
            case "noinput":
                found.moments.append(Moment(at, "noinput"))
            case "paused":
                probability = details.get("probability")
                found.moments.append(
                    Moment(at, "paused", "" if probability is None else f"{probability:.2f}")
                )
            case "recording":
                if details.get("paused"):
                    found.pauses.append(Span(at, seconds))
                else:
                    _end(found.pauses, at)
    if onset is not None:
        found.turns.append(Span(onset / VAD_RATE, seconds, texts.get(onset, ""), spoken=seconds))
    found.states = [span for span in found.states if span.end > span.begin]
    found.suspended = [span for span in found.suspended if span.end > span.begin]
    return found


@dataclass(slots=True)
class _Prompt:
    """A prompt that has not ended."""

    span: Span
    words: list[tuple[str, float, float]]
    """Each word with the seconds of the prompt at which it begins and ends; empty where these are not known.
    """
    first: Span | None = None
    """The first of its pieces."""
    playing: Span | None = None
    since: float = 0.0
    """Seconds of the prompt at which ``playing`` begins."""


def _play(found: Timeline, prompt: _Prompt | None, at: float, from_ms: float) -> None:
    if prompt is None:
        return
    text = prompt.span.text if prompt.first is None else ""
    prompt.playing, prompt.since = Span(at, prompt.span.end, text), from_ms / 1000
    prompt.first = prompt.first or prompt.playing
    found.stretches.append(prompt.playing)


def _stop(prompt: _Prompt | None, at: float) -> None:
    """End the piece that is playing, and set its words."""
    if prompt is None or prompt.playing is None:
        return
    playing, prompt.playing = prompt.playing, None
    playing.end, playing.interrupted = at, prompt.span.interrupted or prompt.span.end > at
    until = prompt.since + at - playing.begin
    if prompt.words:
        heard = [text for text, begin, end in prompt.words if prompt.since < (begin + end) / 2 < until]
        playing.text = " ".join(heard)
    elif prompt.since:
        playing.text = "…"


def _word_times(decisions: Sequence[Decision], started: Decision) -> list[tuple[str, float, float]]:
    """Return the word times in the decision that ended the prompt."""
    number = started.details.get("prompt")
    ended = next(
        (
            d
            for d in decisions
            if d.stage == "say_ended" and d.details.get("prompt") == number and d.at >= started.at
        ),
        None,
    )
    times = ended.details.get("word_times") if ended is not None else None
    return [(text, begin / 1000, end / 1000) for text, begin, end in times or ()]


def _transcripts(decisions: Sequence[Decision]) -> dict[Any, str]:
    """Return the last transcript of each turn, by onset."""
    found = {}
    for decision in decisions:
        if decision.stage == "transcript" and isinstance(text := decision.details.get("text"), str):
            found[decision.details.get("onset")] = text
    return found


def _end(spans: list[Span], at: float) -> None:
    """End the last span at ``at``, if it has not ended yet."""
    if spans:
        spans[-1].end = min(spans[-1].end, at)


def _why(decision: Decision) -> str:
    latency = decision.details.get("latency_ms")
    if decision.stage != "stop" or latency is None:
        return decision.rule
    if decision.rule != "speech":
        return f"{decision.rule}, after {latency:.0f} ms"
    return f"{latency:.0f} ms of {decision.rule}"
