"""English built-in prompts."""

from collections.abc import Mapping

from ivr.grammar.languages.language import TextName

TEXTS: Mapping[TextName, str] = {
    "noinput": "Are you still there?",
    "nomatch": "Sorry, I did not get that.",
    "give_up": "Sorry, I could not help you this time. Goodbye.",
    "confirm": "You said {{ heard }}. Is that right?",
    "confirm_keys": "You entered {{ heard }}. For yes, press 1. For no, press 2.",
    "yes_or_no": "Please say yes or no, or press 1 for yes and 2 for no.",
    "one_moment": "One moment, please.",
    "voice_failed": "Sorry, I cannot say that at the moment.",
}
