"""German built-in prompts."""

from collections.abc import Mapping

from ivr.grammar.languages.language import TextName

TEXTS: Mapping[TextName, str] = {
    "noinput": "Sind Sie noch da?",
    "nomatch": "Entschuldigung, das habe ich nicht verstanden.",
    "give_up": "Entschuldigung, ich konnte Ihnen diesmal nicht helfen. Auf Wiederhören.",
    "confirm": "Sie sagten {{ heard }}. Ist das richtig?",
    "confirm_keys": "Sie haben {{ heard }} eingegeben. Für ja drücken Sie die 1, für nein die 2.",
    "yes_or_no": "Bitte sagen Sie ja oder nein, oder drücken Sie 1 für ja und 2 für nein.",
    "one_moment": "Einen Moment, bitte.",
    "voice_failed": "Entschuldigung, das kann ich im Moment nicht sagen.",
}
