"""Italian rules for finding the phrases of a menu in what was said."""

from ivr.grammar.languages.it.vocabulary import SMALL, TENS
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.vocabulary import word_set

_ARTICLES = {"un", "una"}


def stem(word: str) -> str:
    """Return a word without the vowel in which singular, plural and gender differ."""
    return word[:-1] if len(word) > 4 and word[-1] in "aeio" else word


MATCHING = MatchingRules(
    small_numbers={word: number for word, number in SMALL.items() if word not in _ARTICLES},
    tens=TENS,
    noise=word_set("ehm eh ah mm mhm il lo la i gli le l un una mio mia miei mie"),
    carriers=word_set(
        "io vorrei voglio devo posso potrei avrei bisogno mi a al alla con di del della in per su che cosa"
        " parlare passare passi collegare è sono si tratta premo scelgo opzione tasto numero sì si ok va bene"
        " allora buongiorno salve grazie favore aiuto domanda fare sapere solo e"
    ),
    key_carriers=word_set("io vorrei premo scelgo opzione tasto numero il sì si ok grazie per favore"),
    key_nouns=word_set("opzione tasto numero premo"),
    negators=word_set("no non mai senza tranne"),
    soft_negators=word_set("no"),
    between_negator_and_phrase=word_set("voglio vorrei parlare con di a il la lo per"),
    stem=stem,
)
