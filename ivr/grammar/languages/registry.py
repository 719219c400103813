"""All languages by code. A new language is a folder beside this file, imported here and listed in
``BUILT_IN``; one from elsewhere calls ``register``.
"""

from collections.abc import Iterator

from ivr.grammar.languages import de, en, es, fr, it
from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.language import DateOrder, Language, TextName
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.reader import PlainReader, Reader
from ivr.grammar.languages.vocabulary import Vocabulary

BUILT_IN = (en.LANGUAGE, fr.LANGUAGE, de.LANGUAGE, es.LANGUAGE, it.LANGUAGE)

_PLAIN_READER = PlainReader()
_languages: dict[str, Language] = {}


def register(language: Language) -> None:
    """Make a language known under its code, instead of one that had the code before."""
    _languages[language.code] = language


for _language in BUILT_IN:
    register(_language)


def languages() -> Iterator[Language]:
    """Return every language that is known."""
    return iter(tuple(_languages.values()))


def find_language(tag: str) -> Language | None:
    """Return the language of a tag ("en", "en-GB"), or None."""
    return _languages.get(tag.partition("-")[0].lower())


def vocabulary(tag: str) -> Vocabulary:
    """Return the words of typed values; the English ones where a language has none: figures are the same."""
    found = find_language(tag)
    return (found and found.vocabulary) or _english_vocabulary()


def matching_rules(tag: str) -> MatchingRules:
    """Return the rules by which menus are matched; the English ones where a language has none."""
    found = find_language(tag)
    rules = found.matching if found is not None else None
    rules = rules or _languages["en"].matching
    assert rules is not None
    return rules


def answer_rules(tag: str) -> AnswerRules:
    """Return what is said around a value; the English rules where the language is not known."""
    return (find_language(tag) or _languages["en"]).answers


def reader(tag: str) -> Reader:
    """Return how values are read aloud: of the region, of the language, or else digits for the voice."""
    found = find_language(tag)
    readers = found.readers if found is not None else {}
    return readers.get(tag.partition("-")[2]) or readers.get("") or _PLAIN_READER


def date_order(tag: str) -> DateOrder:
    """Return how a date is written in figures in a language and region; day, month, year where not known."""
    found = find_language(tag)
    return found.date_orders.get(tag.partition("-")[2], found.date_order) if found is not None else "dmy"


def decimal_point(tag: str) -> str:
    """Return the character before decimals: "," where the language is not known."""
    found = find_language(tag)
    return found.decimal_point if found is not None else ","


def backchannels(tag: str) -> frozenset[str]:
    """Return the words that mean "I am listening"; the English ones where a language has none."""
    found = find_language(tag)
    return (found and found.backchannels) or _languages["en"].backchannels


def text(name: TextName, tag: str) -> str:
    """Return a built-in prompt; in English where the language does not have it."""
    found = find_language(tag)
    texts = found.texts if found is not None else {}
    return texts.get(name) or _languages["en"].texts[name]


def languages_with_texts() -> frozenset[str]:
    """Return the codes of the languages that have every built-in prompt."""
    names = _languages["en"].texts.keys()
    return frozenset(code for code, each in _languages.items() if each.texts.keys() >= names)


def yes_no_answers() -> frozenset[str]:
    """Return the words of every language of which answers to a yes-or-no question are made."""
    return frozenset().union(*(language.yes_no_answers for language in languages()))


def _english_vocabulary() -> Vocabulary:
    found = _languages["en"].vocabulary
    assert found is not None
    return found
