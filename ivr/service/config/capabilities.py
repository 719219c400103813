"""What the settings offer to a plan: usable engines, their languages, and what its verbs need."""

import dataclasses
import importlib.util
from collections.abc import Iterator
from typing import Any

from ivr.dialplan.check.subject import ServiceCapabilities
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb, Verb
from ivr.dialplan.verbs.agent.verb import Agent
from ivr.dialplan.verbs.record import Record
from ivr.modelstore import ModelMissing
from ivr.service.config.options import EngineOptions
from ivr.service.config.settings import Settings
from ivr.speech import registry
from ivr.speech.base import SpeechError
from ivr.speech.providers.openai.client import OpenAIClient

LOCAL_ENGINES = {
    "whisper": ("faster_whisper", "whisper-tiny.en"),
    "piper": ("piper", "piper-joe"),
    "smart-turn": ("onnxruntime", "smart-turn"),
}
"""Engine to the package it imports and the model it uses when none is named."""


def settings_for_plan(settings: Settings, plan: Plan) -> Settings:
    """Return the settings for calls of a plan, whose language is the plan's first one; if it names none, the
    service's.
    """
    if not plan.names_languages:
        return settings
    session = dataclasses.replace(settings.session, language=plan.languages[0])
    return dataclasses.replace(settings, session=session)


def capabilities_of(settings: Settings) -> ServiceCapabilities:
    """Return what the service of these settings can do, for the rules of ``ivr check``.

    No engine is started and no server is asked. An engine whose model has not been fetched yet counts as
    usable: `ivr models fetch` is all that is missing. Does not raise.
    """
    stt, tts = _usable("stt", settings.stt), _usable("tts", settings.tts)
    languages = [getattr(engine, "languages", None) for engine in tts]
    own = (language.tag for language in settings.languages)
    known = [found for found in languages if found is not None]
    return ServiceCapabilities(
        speech_in=bool(stt),
        speech_out=bool(tts),
        # An engine that does not name its languages may speak any.
        voices=(frozenset(own).union(*known) if known and len(known) == len(languages) else None),
    )


def missing_requirements(settings: Settings, plan: Plan) -> Iterator[tuple[PlacedVerb, str, str]]:
    """Yield the verbs that would fail for every caller with these settings: verb, what is missing, remedy.

    Each missing thing comes once. No server is asked.
    """
    reported: set[str] = set()
    for step in plan.steps.values():
        for placed in step.verbs:
            for missing, remedy in _requirements_of(placed.verb, settings):
                if missing not in reported:
                    reported.add(missing)
                    yield placed, missing, remedy


def _requirements_of(verb: Verb, settings: Settings) -> Iterator[tuple[str, str]]:
    if isinstance(verb, Record):
        if settings.files.folder is None:
            yield "no folder for what callers leave", "set files.folder in the settings"
        if verb.hook is not None and verb.hook.mail is not None and not settings.mail.host:
            yield "no mail server", "set mail.host in the settings"
    if isinstance(verb, Agent):
        try:
            OpenAIClient("agent", settings.agent).read_key()
        except SpeechError as error:
            yield "no language model", str(error)


def _usable(kind: str, engines: EngineOptions) -> list[Any]:
    """Return the engines that can be made; None stands for one whose model is missing."""
    found: list[Any] = []
    for name in engines.order:
        package = LOCAL_ENGINES.get(name, ("", ""))[0]
        if package and importlib.util.find_spec(package) is None:
            continue
        try:
            found.append(registry.KINDS[kind].create(name, **engines.of(name)))
        except ModelMissing:
            found.append(None)
        except (SpeechError, ValueError, TypeError, OSError, ImportError):
            continue
    return found
