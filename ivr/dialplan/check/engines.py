"""Speech engines that a plan needs and the service does not have."""

from collections.abc import Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.plan.verb import SpeakingVerb
from ivr.dialplan.source.errors import quoted

SPEECH_ONLY = Rule(
    "speech-only",
    "error",
    "speech is needed, but no engine for it is configured",
    "No speech-to-text engine of the settings can be used, and this verb accepts no keys, so no caller can "
    "answer it. The rule examines the settings that `ivr check` was given, as `ivr serve` would read them.",
    "give its choices keys (press), or configure an engine (stt.order); `ivr doctor` says what is missing",
)
NO_SPEECH = Rule(
    "no-speech",
    "error",
    "the plan says texts, but no engine for it is configured",
    "No text-to-speech engine of the settings can be used; callers would only hear sound files.",
    "configure an engine (tts.order); `ivr doctor` says what is missing",
)
RULES = (SPEECH_ONLY, NO_SPEECH)


def check(subject: Subject) -> Iterator[Finding]:
    capabilities = subject.capabilities
    for place, placed in subject.reached.items():
        verb = placed.verb
        if not capabilities.speech_in and verb.listens and not verb.accepts_keys():
            message = f"{quoted(verb.name)} can only be answered by speech"
            yield subject.at_verb(SPEECH_ONLY, place, message)
    if not capabilities.speech_out:
        for place, placed in subject.reached.items():
            if isinstance(placed.verb, SpeakingVerb) and any(placed.verb.prompts()):
                yield subject.at_verb(NO_SPEECH, place, f"{quoted(placed.verb.name)} cannot be said")
                return  # it is so everywhere
