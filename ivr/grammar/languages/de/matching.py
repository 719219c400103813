"""German rules for finding the phrases of a menu in what was said."""

from ivr.grammar.languages.de.vocabulary import SMALL, TENS
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.vocabulary import word_set

_ARTICLES = {"ein", "eine", "einen", "einem", "einer"}


def stem(word: str) -> str:
    """Return a word without the ending of a plural or a case."""
    for ending in ("en", "e", "n", "s"):
        if len(word) > len(ending) + 4 and word.endswith(ending):
            return word.removesuffix(ending)
    return word


MATCHING = MatchingRules(
    small_numbers={word: number for word, number in SMALL.items() if word not in _ARTICLES},
    tens=TENS,
    noise=word_set(
        "äh ähm hm mm mhm bitte der die das den dem des ein eine einen einem einer mein meine meinen meiner"
    ),
    carriers=word_set(
        "ich wir möchte möchten will wollen würde hätte brauche benötige kann können könnte gern gerne mit zu"
        " zum zur für um von über wegen in im auf an es ist geht das mir mal sprechen reden verbinden haben"
        " bekommen wissen drücke taste nummer wähle option ja ok okay also gut hallo guten tag danke hilfe"
        " frage bei etwas einfach nur und sie mich"
    ),
    key_carriers=word_set(
        "ich möchte will drücke wähle nehme die taste nummer option ja ok okay bitte also danke"
    ),
    key_nouns=word_set("taste nummer option drücke"),
    negators=word_set("nein nicht kein keine keinen nie ohne ausser"),
    soft_negators=word_set("nein"),
    between_negator_and_phrase=word_set("mit zu zum zur die den das der in über"),
    stem=stem,
)
