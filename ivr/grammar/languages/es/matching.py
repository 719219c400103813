"""Spanish rules for finding the phrases of a menu in what was said."""

from ivr.grammar.languages.es.vocabulary import SMALL, TENS
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.vocabulary import word_set

_ARTICLES = {"un", "una"}


def stem(word: str) -> str:
    """Return a word without the ending of a plural."""
    if len(word) > 5 and word.endswith("es"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


MATCHING = MatchingRules(
    small_numbers={word: number for word, number in SMALL.items() if word not in _ARTICLES},
    tens=TENS,
    noise=word_set("eh em ah mm mhm por favor el la los las un una unos unas mi mis"),
    carriers=word_set(
        "quiero quisiera querría necesito puedo podría me gustaría a al con de del en para por sobre lo que"
        " hablar pasar ponme póngame comunicar es son se trata pulso marco opción tecla número sí si ok vale"
        " bueno pues hola buenos días buenas tardes gracias ayuda consulta pregunta hacer saber solo y"
    ),
    key_carriers=word_set("yo quiero pulso marco opción tecla número la el sí si ok vale por favor gracias"),
    key_nouns=word_set("opción tecla número"),
    negators=word_set("no nunca sin excepto tampoco"),
    between_negator_and_phrase=word_set("quiero hablar con de a el la los las para"),
    stem=stem,
)
