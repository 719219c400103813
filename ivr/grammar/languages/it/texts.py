"""Italian built-in prompts."""

from collections.abc import Mapping

from ivr.grammar.languages.language import TextName

TEXTS: Mapping[TextName, str] = {
    "noinput": "È ancora in linea?",
    "nomatch": "Mi scusi, non ho capito.",
    "give_up": "Mi scusi, questa volta non ho potuto aiutarla. Arrivederci.",
    "confirm": "Ha detto {{ heard }}. È corretto?",
    "confirm_keys": "Ha digitato {{ heard }}. Per sì, prema 1. Per no, prema 2.",
    "yes_or_no": "Dica sì o no, oppure prema 1 per sì e 2 per no.",
    "one_moment": "Un momento, per favore.",
    "voice_failed": "Mi scusi, al momento non posso dirlo.",
}
