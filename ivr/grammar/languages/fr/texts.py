"""French built-in prompts."""

from collections.abc import Mapping

from ivr.grammar.languages.language import TextName

TEXTS: Mapping[TextName, str] = {
    "noinput": "Êtes-vous toujours là ?",
    "nomatch": "Désolé, je n'ai pas compris.",
    "give_up": "Désolé, je n'ai pas pu vous aider cette fois. Au revoir.",
    "confirm": "Vous avez dit {{ heard }}. C'est bien cela ?",
    "confirm_keys": "Vous avez tapé {{ heard }}. Pour oui, tapez 1. Pour non, tapez 2.",
    "yes_or_no": "Dites oui ou non, ou tapez 1 pour oui et 2 pour non.",
    "one_moment": "Un instant, s'il vous plaît.",
    "voice_failed": "Désolé, je ne peux pas le dire pour le moment.",
}
