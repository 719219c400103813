"""Languages: texts that are missing in one of them, and languages that no voice speaks."""

from collections.abc import Iterator, Sequence

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject, values_in
from ivr.dialplan.source.errors import listed, quoted
from ivr.dialplan.values.expressions import Template
from ivr.dialplan.values.texts import Spoken

MISSING_TEXT = Rule(
    "missing-text",
    "warning",
    "a text that is missing in one of the plan's languages",
    "A caller would hear it in another language. A plan with several `languages` has each text as a "
    "mapping of languages to texts. Where the service has no built-in text in a language, the plan needs "
    "its own. A text that consists of values is the same in all languages.",
    "give the text for each language: {en: Hello, fr: Bonjour}",
)
NO_VOICE = Rule(
    "no-voice",
    "error",
    "a language without a voice",
    "No configured text-to-speech engine speaks it, so a voice of another language would read its texts.",
    "configure a voice for it in the settings (tts), or remove the language from `languages`",
)
RULES = (MISSING_TEXT, NO_VOICE)


def check(subject: Subject) -> Iterator[Finding]:
    yield from _texts(subject)
    voices = subject.capabilities.voices
    for at, language in enumerate(subject.plan.languages):
        if voices is not None and language.partition("-")[0] not in {v.partition("-")[0] for v in voices}:
            message = f"no configured voice speaks {quoted(language)}; there are {listed(sorted(voices))}"
            yield subject.at_top(NO_VOICE, message, ("languages", at), key=False)


def _texts(subject: Subject) -> Iterator[Finding]:
    languages = subject.plan.languages
    for place, placed in subject.reached.items():
        own: set[str] = set()
        for path, value in values_in(placed.verb):
            if isinstance(value, Spoken):
                own.update(value.literals())
                missing = lacking(value, languages)
                if missing:
                    message = f"this text is missing in {listed(missing)}"
                    yield subject.at_verb(MISSING_TEXT, place, message, path)
        built_in = placed.verb.built_in_languages()
        strange = [each for each in languages if each.partition("-")[0] not in built_in]
        for text in dict.fromkeys(placed.verb.prompts()) if strange else ():
            if text not in own:
                message = (
                    f"{quoted(placed.verb.name)} says {quoted(text)}, which is missing in {listed(strange)}"
                )
                yield subject.at_verb(MISSING_TEXT, place, message, remedy="give the verb a text of its own")


def lacking(text: Spoken, languages: Sequence[str]) -> list[str]:
    """Return the ``languages`` in which ``text`` is missing."""
    if text.languages == ("",):
        plain = text.in_language("")
        # One text for all is right where there is one language, or nothing to translate.
        return [] if len(languages) == 1 or _only_values(plain) else list(languages[1:])
    return [
        language
        for language in languages
        if language not in text.languages and language.partition("-")[0] not in text.languages
    ]


def _only_values(text: Template) -> bool:
    rest = text.source
    while "{{" in rest:
        before, _, after = rest.partition("{{")
        rest = before + after.partition("}}")[2]
    return not any(character.isalpha() for character in rest)
