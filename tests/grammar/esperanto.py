"""A language that the service does not have, as a package of its own would bring it: Esperanto."""

from collections.abc import Sequence
from datetime import date, time

from ivr.grammar.languages.language import Language
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.reader import PlainReader
from ivr.grammar.languages.vocabulary import Vocabulary, named, numbered, word_set

UNITS = "nul unu du tri kvar kvin ses sep ok naŭ"
TENS = "dudek tridek kvardek kvindek sesdek sepdek okdek naŭdek"
MONTHS = "januaro februaro marto aprilo majo junio julio aŭgusto septembro oktobro novembro decembro"


def combine(part: int, value: int) -> int | None:
    """Return 10 and 1 as 11 ("dek unu"), 100 and 40 as 140."""
    return part + value if part % (10 if value < 10 else 100) == 0 else None


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and minutes of "tri kaj duono", half past three."""
    match parts:
        case [int(hour), "kaj", "duono"]:
            return hour, 30
    return None


class Reader(PlainReader):
    """Reads whole numbers below 100, dates and amounts in words."""

    def cardinal(self, number: int) -> str:
        if number >= 100:
            return str(number)
        units, tens = UNITS.split(), ["", "dek", *TENS.split()]
        words = [tens[number // 10], units[number % 10] if number % 10 or not number else ""]
        return " ".join(filter(None, words))

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        return f"la {self.cardinal(day.day)}a de {MONTHS.split()[day.month - 1]}"

    def time(self, at: time) -> str:
        return f"la {self.cardinal(at.hour)}a horo"

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        return f"{self.cardinal(whole)} {'eŭroj' if currency == 'EUR' else currency}"


LANGUAGE = Language(
    code="eo",
    vocabulary=Vocabulary(
        small=numbered(UNITS) | {"dek": 10},
        tens=numbered(TENS, 20, 10),
        hundred=word_set("cent"),
        scales={"mil": 1000},
        combine=combine,
        minus=word_set("minus"),
        point=word_set("komo"),
        half=word_set("duono"),
        yes_word="jes",
        no_word="ne",
        yes=word_set("jes"),
        no=word_set("ne"),
        months=numbered(MONTHS, 1),
        weekdays=numbered("lundo mardo merkredo ĵaŭdo vendredo sabato dimanĉo"),
        days={"hodiaŭ": 0, "morgaŭ": 1},
        units={"tago": 1, "tagoj": 1, "semajno": 7, "semajnoj": 7},
        ahead=word_set("post"),
        clock_words=word_set("kaj"),
        clock_phrase=clock_phrase,
        currencies=named(EUR="eŭro eŭroj €"),
        noise=word_set("la de je kaj"),
        name_prefix=r"(?:mia nomo estas\s+)?",
    ),
    matching=MatchingRules(
        small_numbers=numbered(UNITS),
        noise=word_set("la bonvolu"),
        carriers=word_set("mi volas kun paroli"),
        negators=word_set("ne"),
    ),
    readers={"": Reader()},
    yes_no_answers=word_set("jes ne"),
    backchannels=word_set("mhm jes nu bone"),
    open_words=word_set("la de kaj mia al"),
    texts={"noinput": "Ĉu vi ankoraŭ estas tie?", "nomatch": "Pardonu, mi ne komprenis."},
)
