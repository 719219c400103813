"""French rules for finding the phrases of a menu in what was said."""

from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.vocabulary import numbered, word_set

_SMALL = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dixsept"
    " dixhuit dixneuf"
)


def stem(word: str) -> str:
    """Return a word without the ending of a plural."""
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


MATCHING = MatchingRules(
    small_numbers=numbered(_SMALL),
    tens=numbered("vingt trente quarante cinquante soixante", 20, 10),
    noise=word_set("euh heu hum ah mm svp s'il vous plaît le la les l une des du de d mon ma mes"),
    carriers=word_set(
        "j je nous voudrais voudrait veux aimerais souhaite souhaiterais besoin peux puis pourrais à au"
        " aux avec pour par sur en parler passer passezmoi mettre joindre contacter c est cest s agit il"
        " ai jai concernant propos appuie tape touche numéro option choix oui ok bon alors bien bonjour"
        " merci aide question savoir avoir faire juste simplement et un service département me moi"
    ),
    key_carriers=word_set("je j veux voudrais appuie tape touche numéro option choix le la oui ok merci"),
    key_nouns=word_set("touche numéro option tape"),
    negators=word_set("non pas jamais sauf sans"),
    soft_negators=word_set("non"),
    between_negator_and_phrase=word_set("parler à au aux avec pour de la le les du"),
    digit_homophones={"de": "2", "set": "7", "cette": "7", "cet": "7"},
    stem=stem,
)
