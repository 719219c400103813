"""The prompts of a recorded call, to be played in a replay: their sound, and when each can be interrupted."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ivr.audio.frames import LINE_FRAME, LINE_RATE, ms_to_samples
from ivr.audio.wav import Pcm16
from ivr.lab.replay.settings import from_record
from ivr.service.config.settings import settings_tree
from ivr.service.config.sources import SettingsError
from ivr.service.recording.recording import UP, Recording, RecordingError
from ivr.session.decisions import Decision
from ivr.session.options import BargeInOptions
from ivr.session.types import AudioClip
from ivr.speech.timed_words import Word

MAX_PROMPT = 600 * LINE_RATE
"""Samples of a prompt at most."""


class PromptOptions:
    """Barge-in options of the prompts of a recording: what the plan set for a prompt stays, everything else
    comes from ``now``, and ``over`` applies to all prompts.
    """

    def __init__(self, recording: Recording, now: BargeInOptions, over: Mapping[str, Any]) -> None:
        """``now``: ``session.barge_in`` of the replay. Raises RecordingError for impossible options."""
        self._path, self._now, self._over = recording.path, now, dict(over)
        self._tree = settings_tree()
        place = f"{self._path}: recorded options"
        self._was = self._replaced(BargeInOptions(), recording.options["session"].get("barge_in"), place)

    def for_prompt(self, started: Decision) -> BargeInOptions:
        """The options of the prompt that ``started`` began. Raises RecordingError for impossible ones."""
        place = f"{self._path}: options of prompt {started.details.get('prompt')}"
        then = self._replaced(self._was, started.details.get("options"), place)
        names = [each.name for each in dataclasses.fields(BargeInOptions)]
        own = {name: getattr(then, name) for name in names if getattr(then, name) != getattr(self._was, name)}
        return dataclasses.replace(self._now, **{**own, **self._over})

    def _replaced(self, options: BargeInOptions, recorded: Any, place: str) -> BargeInOptions:
        try:
            source, _ = from_record(self._tree, {"session": {"barge_in": recorded or {}}}, place)
            return dataclasses.replace(options, **source.values.get("session", {}).get("barge_in", {}))
        except SettingsError as error:
            raise RecordingError(str(error)) from error
        except ValueError as error:
            raise RecordingError(f"{place}: {error}") from error


def sound_of(recording: Recording, started: Decision) -> AudioClip:
    """Rebuild the prompt that ``started`` began: what was sent of it, repeated up to its planned
    length; with its words, where the speech engine timed them."""
    ended = _end_of(recording, started)
    begin = started.at // UP
    heard = ms_to_samples(_number(ended, "heard_ms"), LINE_RATE)
    planned = _number(ended, "planned_ms") or _number(started, "planned_ms")
    if planned:
        length = ms_to_samples(planned, LINE_RATE)
        heard = min(heard, length)  # which was rounded
    elif ended is not None and not ended.details.get("interrupted"):
        length = heard
    else:
        # The planned length is unknown: it lasts until the next prompt.
        later = (d.at for d in recording.of("say_started") if d.at > started.at)
        length = next(later, len(recording.service) * UP) // UP - begin
    length = min(max(length, heard, LINE_FRAME), MAX_PROMPT)
    pcm = np.resize(_heard_of(recording, started, min(heard, length)), length)  # zeros when nothing was sent
    text = str(started.details.get("text") or "")
    return AudioClip(pcm.tobytes(), LINE_RATE, text, tuple(_words(ended)))


def _heard_of(recording: Recording, started: Decision, length: int) -> Pcm16:
    """Join the first ``length`` samples of the prompt across its stops and resumptions."""
    sent = _without_ducking(recording, started)
    pcm = np.zeros(length, np.int16)
    begin, base = started.at // UP, 0
    for resumed in (d for d in _decisions_of(recording, started) if d.stage == "resume"):
        _copy(sent[begin:], pcm[base:], ms_to_samples(_number(resumed, "cut_ms"), LINE_RATE) - base)
        begin, base = resumed.at // UP, ms_to_samples(_number(resumed, "from_ms"), LINE_RATE)
    _copy(sent[begin:], pcm[base:], length - base)
    return pcm


def _copy(source: Pcm16, target: Pcm16, length: int) -> None:
    piece = source[: max(0, length)][: len(target)]
    target[: len(piece)] = piece


def _without_ducking(recording: Recording, started: Decision) -> Pcm16:
    """What was sent, with the ducked stretches at full volume."""
    options = started.details.get("options") or {}
    decibels = options.get("duck_db")
    if not isinstance(decibels, int | float) or not 0 < decibels < 40:
        return recording.service
    sent = recording.service.astype(np.float32)
    since: int | None = None
    for decision in _decisions_of(recording, started):
        if since is not None:
            sent[since : decision.at // UP] *= 10 ** (decibels / 20)
        since = decision.at // UP if decision.stage == "duck" else None
    return np.clip(np.rint(sent), -32768, 32767).astype(np.int16)


def _decisions_of(recording: Recording, started: Decision) -> Iterator[Decision]:
    number = started.details.get("prompt")
    for decision in recording.of("duck", "restore", "stop", "resume", "say_ended"):
        if decision.details.get("prompt") == number and decision.at >= started.at:
            yield decision


def _end_of(recording: Recording, started: Decision) -> Decision | None:
    return next((d for d in _decisions_of(recording, started) if d.stage == "say_ended"), None)


def _number(decision: Decision | None, name: str) -> float:
    value = decision.details.get(name) if decision is not None else None
    return float(value) if isinstance(value, int | float) else 0.0


def _words(ended: Decision | None) -> Iterator[Word]:
    for text, begin, end in (ended.details.get("word_times") or ()) if ended is not None else ():
        yield Word(text, ms_to_samples(begin, LINE_RATE), ms_to_samples(end, LINE_RATE))
