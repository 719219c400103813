"""Spanish built-in prompts."""

from collections.abc import Mapping

from ivr.grammar.languages.language import TextName

TEXTS: Mapping[TextName, str] = {
    "noinput": "¿Sigue usted ahí?",
    "nomatch": "Disculpe, no le he entendido.",
    "give_up": "Disculpe, esta vez no he podido ayudarle. Adiós.",
    "confirm": "Ha dicho {{ heard }}. ¿Es correcto?",
    "confirm_keys": "Ha marcado {{ heard }}. Para sí, pulse 1. Para no, pulse 2.",
    "yes_or_no": "Diga sí o no, o pulse 1 para sí y 2 para no.",
    "one_moment": "Un momento, por favor.",
    "voice_failed": "Disculpe, ahora mismo no puedo decirlo.",
}
