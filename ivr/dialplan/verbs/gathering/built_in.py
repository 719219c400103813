"""What a gather says where its plan has no text, by language; English where there is none."""

from collections.abc import Mapping, Sequence

from ivr.dialplan.values.expressions import Template
from ivr.dialplan.values.texts import Spoken

NOINPUT_TEXT = "Are you still there?"
NOMATCH_TEXT = "Sorry, I did not get that."
GIVE_UP_TEXT = "Sorry, I could not help you this time. Goodbye."
"""Said before the call is ended when a gather is given up and names no step to go to."""
CONFIRM_TEXT = "You said {{ heard }}. Is that right?"
CONFIRM_KEYS_TEXT = "You entered {{ heard }}. For yes, press 1. For no, press 2."
YES_OR_NO_TEXT = "Please say yes or no, or press 1 for yes and 2 for no."

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "noinput": {"en": NOINPUT_TEXT, "fr": "Êtes-vous toujours là ?"},
    "nomatch": {"en": NOMATCH_TEXT, "fr": "Désolé, je n'ai pas compris."},
    "give_up": {"en": GIVE_UP_TEXT, "fr": "Désolé, je n'ai pas pu vous aider cette fois. Au revoir."},
    "confirm": {"en": CONFIRM_TEXT, "fr": "Vous avez dit {{ heard }}. C'est bien cela ?"},
    "confirm_keys": {
        "en": CONFIRM_KEYS_TEXT,
        "fr": "Vous avez tapé {{ heard }}. Pour oui, tapez 1. Pour non, tapez 2.",
    },
    "yes_or_no": {"en": YES_OR_NO_TEXT, "fr": "Dites oui ou non, ou tapez 1 pour oui et 2 pour non."},
}


def built_in(name: str, languages: Sequence[str]) -> Spoken:
    """The text ``name`` in the languages of a plan."""
    texts = _TEXTS[name]
    spoken = {language: texts.get(language.partition("-")[0], texts["en"]) for language in languages}
    return Spoken({language: Template(text) for language, text in spoken.items()})
