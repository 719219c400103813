"""A call's decisions as stretches and moments of time, for a picture of it. Seconds from its beginning."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.session.decisions import Decision


@dataclass(slots=True)
class Span:
    """From ``begin`` to ``end``. ``text`` is what is said in it, or its name."""

    begin: float
    end: float
    text: str = ""
    interrupted: bool = False
    """A prompt: it was."""
    spoken: float = 0.0
    """A turn: up to where the caller spoke; from there to ``end`` it took to decide that it was over."""


@dataclass(frozen=True, slots=True)
class Moment:
    at: float
    stage: str
    text: str = ""


@dataclass(slots=True)
class Timeline:
    turns: list[Span] = field(default_factory=list)
    prompts: list[Span] = field(default_factory=list)
    ducks: list[Span] = field(default_factory=list)
    states: list[Span] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    """Of the recording."""
    moments: list[Moment] = field(default_factory=list)
    """Stops, resumes, keys and the like."""


def timeline(decisions: Sequence[Decision], seconds: float) -> Timeline:
    """Of a call that is ``seconds`` long; what has no end lasts until then."""
    found = Timeline()
    texts = _transcripts(decisions)
    onset: int | None = None
    open_prompts: dict[Any, Span] = {}
    for decision in decisions:
        at, details = decision.at / VAD_RATE, decision.details
        match decision.stage:
            case "speech_began":
                onset = details.get("onset", decision.at)
            case "turn_ended":
                began = details.get("onset", onset if onset is not None else decision.at)
                spoken = details.get("offset", decision.at) / VAD_RATE
                found.turns.append(Span(began / VAD_RATE, at, texts.get(began, ""), spoken=spoken))
                found.moments.append(Moment(at, "turn_ended", str(details.get("reason", ""))))
                onset = None
            case "say_started":
                span = Span(at, seconds, str(details.get("text") or "(a recording)"))
                open_prompts[details.get("prompt")] = span
                found.prompts.append(span)
            case "say_ended":
                ended = open_prompts.pop(details.get("prompt"), None)
                if ended is not None:
                    ended.end, ended.interrupted = at, bool(details.get("interrupted"))
                    if ended.interrupted and details.get("heard_text"):
                        ended.text = str(details["heard_text"])
                _end(found.ducks, at)
            case "duck":
                _end(found.ducks, at)
                found.ducks.append(Span(at, seconds))
            case "restore" | "stop" | "resume":
                _end(found.ducks, at)
                if decision.stage != "restore":
                    found.moments.append(Moment(at, decision.stage, _why(decision)))
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
    return found


def _transcripts(decisions: Sequence[Decision]) -> dict[Any, str]:
    """By onset; what was understood last."""
    found = {}
    for decision in decisions:
        if decision.stage == "transcript" and isinstance(text := decision.details.get("text"), str):
            found[decision.details.get("onset")] = text
    return found


def _end(spans: list[Span], at: float) -> None:
    """The last of them ends at ``at``, if it has not ended yet."""
    if spans:
        spans[-1].end = min(spans[-1].end, at)


def _why(decision: Decision) -> str:
    latency = decision.details.get("latency_ms")
    if decision.stage == "resume" or latency is None:
        return decision.rule
    return f"{decision.rule}, {latency:.0f} ms"
