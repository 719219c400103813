"""Typed inputs: what is understood of what callers say and press, and what is not."""

import re
import time as clock
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.grammar.inputs import INPUTS, InputSpec, make_input
from ivr.grammar.inputs.tokens import number_at, tokens
from ivr.grammar.languages.en.reading import English
from ivr.grammar.languages.fr.reading import French
from ivr.grammar.languages.registry import vocabulary
from ivr.grammar.linear_regex import MAX_SOURCE, LinearRegex, RegexError

TODAY = "2026-11-26"
"""A Thursday."""


@pytest.mark.parametrize(
    ("kind", "options", "said", "value"),
    [
        ("digits", {}, "four seven one nine", "4719"),
        ("digits", {}, "4719", "4719"),
        ("digits", {}, "47 19", "4719"),
        ("digits", {}, "double oh seven", "007"),
        ("digits", {}, "forty-two nineteen", "4219"),
        ("digits", {}, "my number is, um, 1-2-3", "123"),
        ("digits", {}, "it's four", "4"),
        ("digits", {}, "two thousand and one", "2001"),
        ("digits", {}, "hello", None),
        ("digits", {}, "for", "4"),
        ("digits", {}, "nine hundred", "900"),
        ("digits", {}, "", None),
        ("digits", {}, "triple five, 1234", "5551234"),
        ("digits", {}, "nought one", "01"),
        ("digits", {"language": "fr"}, "quatre sept un neuf", "4719"),
        ("digits", {"language": "fr"}, "quarante-deux soixante-dix-sept", "4277"),
        ("digits", {"language": "fr"}, "zéro six douze trente-quatre", "061234"),
        ("digits", {"language": "fr"}, "quatre-vingt-dix-sept", "97"),
        ("number", {}, "minus three point five", -3.5),
        ("number", {}, "twelve hundred", 1200),
        ("number", {}, "a hundred and one", 101),
        ("number", {}, "two and a half", 2.5),
        ("number", {}, "-4", -4),
        ("number", {}, "1,234.50", 1234.5),
        ("number", {}, "one five zero", 150),
        ("number", {}, "3.5", 3.5),
        ("number", {}, "two million three hundred thousand and six", 2300006),
        ("number", {}, "twenty five", 25),
        ("number", {}, "hello 5", None),
        ("number", {}, "a number please", None),
        ("number", {"language": "fr"}, "trois virgule quatorze", 3.14),
        ("number", {"language": "fr"}, "quatre-vingt-dix-neuf", 99),
        ("number", {"language": "fr"}, "deux mille vingt-sept", 2027),
        ("number", {"language": "fr"}, "3,5", 3.5),
        ("number", {"language": "fr"}, "vingt et un", 21),
        ("number", {"language": "fr"}, "vingt-et-un", 21),
        ("number", {"language": "fr"}, "mille deux cents", 1200),
        ("money", {}, "twelve euros fifty", 12.5),
        ("money", {}, "twelve euros and fifty cents", 12.5),
        ("money", {}, "fifty cents", 0.5),
        ("money", {}, "€12.50", 12.5),
        ("money", {}, "12.50", 12.5),
        ("money", {}, "twelve fifty", 12.5),
        ("money", {}, "a hundred and twenty", 120),
        ("money", {}, "twelve dollars", None),
        ("money", {}, "one euro", 1),
        ("money", {}, "€ 1,250", 1250),
        ("money", {}, "twelve point five euros", 12.5),
        ("money", {}, "hundred euros please", 100),
        ("money", {"language": "fr"}, "douze euros cinquante", 12.5),
        ("money", {"language": "fr"}, "cent vingt euros", 120),
        ("money", {"language": "fr"}, "12,50 €", 12.5),
        ("money", {"language": "fr"}, "cinquante centimes", 0.5),
        ("phone", {}, "plus 33 1 42 68 53 00", "+33142685300"),
        ("phone", {}, "212-555-1234", "2125551234"),
        ("phone", {}, "(212) 555 1234", "2125551234"),
        ("phone", {}, "oh two oh seven, nine four six oh nine five eight", "02079460958"),
        ("phone", {}, "+44 20 7946 0958", "+442079460958"),
        ("phone", {}, "911", "911"),
        ("phone", {"language": "fr"}, "zéro un quarante-deux soixante-huit dix zéro un", "0142681001"),
        ("yes_no", {}, "yes please", True),
        ("yes_no", {}, "no", False),
        ("yes_no", {}, "that's right", True),
        ("yes_no", {}, "that's not right", False),
        ("yes_no", {}, "nope", False),
        ("yes_no", {}, "yes no", None),
        ("yes_no", {}, "yeah sure", True),
        ("yes_no", {}, "okay", True),
        ("yes_no", {}, "maybe", None),
        ("yes_no", {}, "well no thanks", False),
        ("yes_no", {}, "correct", True),
        ("yes_no", {"language": "fr"}, "oui", True),
        ("yes_no", {"language": "fr"}, "non merci", False),
        ("yes_no", {"language": "fr"}, "c'est exact", True),
        ("yes_no", {"language": "fr"}, "ce n'est pas ça", False),
        ("yes_no", {"language": "fr"}, "d'accord", True),
        ("name", {}, "Smith", "Smith"),
        ("name", {}, "my name is John Smith", "John Smith"),
        ("name", {}, "S M I T H", "Smith"),
        ("name", {}, "Smith, S-M-I-T-H", "Smith"),
        ("name", {}, "B as in Bravo, O as in Oscar, B as in Bravo", "Bob"),
        ("name", {}, "bravo oscar bravo", "Bob"),
        ("name", {}, "mike", "Mike"),
        ("name", {}, "it's o'brien", "O'Brien"),
        ("name", {}, "jean-luc picard", "Jean-Luc Picard"),
        ("name", {}, "B for Bob E for Edward N for Nancy", "Ben"),
        ("name", {}, "double l o y d", "Lloyd"),
        ("name", {}, "", None),
        ("name", {}, "I am an engineer who likes to ramble on and on about things", None),
        ("name", {"language": "fr"}, "je m'appelle Dupont", "Dupont"),
        ("name", {"language": "fr"}, "D comme Denis, U comme Ursule, P comme Paul", "Dup"),
        ("text", {}, " hello   there ", "hello there"),
        ("text", {}, "...", None),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{2}"}, "A B one two", "AB12"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{2}"}, "ab12", "AB12"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{2}"}, "A as in alpha, B as in bravo, one two", "AB12"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{2}"}, "it is a b 1 2", "AB12"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{2}"}, "c d 1", None),
        ("pattern", {"pattern": "gold|silver"}, "gold", "gold"),
        ("pattern", {"pattern": "gold|silver"}, "it's gold please", "gold"),
        ("pattern", {"pattern": "gold|silver"}, "silver", "silver"),
        ("pattern", {"pattern": "gold|silver"}, "green", None),
        ("time", {}, "half past three", time(15, 30)),
        ("time", {}, "quarter to four", time(15, 45)),
        ("time", {}, "three thirty", time(15, 30)),
        ("time", {}, "3:30 pm", time(15, 30)),
        ("time", {}, "15:30", time(15, 30)),
        ("time", {}, "three pm", time(15, 0)),
        ("time", {}, "nine oh five", time(9, 5)),
        ("time", {}, "noon", time(12, 0)),
        ("time", {}, "midnight", time(0, 0)),
        ("time", {}, "ten past eight in the evening", time(20, 10)),
        ("time", {}, "in the morning at ten", time(10, 0)),
        ("time", {}, "twenty five to nine", time(8, 35)),
        ("time", {}, "seven o'clock", time(7, 0)),
        ("time", {}, "half three", time(15, 30)),
        ("time", {}, "1530", time(15, 30)),
        ("time", {}, "at nine", time(9, 0)),
        ("time", {}, "twelve thirty", time(12, 30)),
        ("time", {}, "eight p.m.", time(20, 0)),
        ("time", {}, "two at night", time(2, 0)),
        ("time", {}, "fifteen hundred hours", time(15, 0)),
        ("time", {}, "quarter past one a.m.", time(1, 15)),
        ("time", {}, "9.30", time(9, 30)),
        ("time", {}, "25:00", None),
        ("time", {}, "hello", None),
        ("time", {}, "quarter to one", time(12, 45)),
        ("time", {}, "five to midnight", time(23, 55)),
        ("time", {"language": "fr"}, "quinze heures trente", time(15, 30)),
        ("time", {"language": "fr"}, "trois heures et demie", time(15, 30)),
        ("time", {"language": "fr"}, "midi", time(12, 0)),
        ("time", {"language": "fr"}, "midi et quart", time(12, 15)),
        ("time", {"language": "fr"}, "quatre heures moins le quart", time(15, 45)),
        ("time", {"language": "fr"}, "15h30", time(15, 30)),
        ("time", {"language": "fr"}, "neuf heures du matin", time(9, 0)),
        ("time", {"language": "fr"}, "neuf heures du soir", time(21, 0)),
        ("time", {"language": "fr"}, "une heure", time(13, 0)),
        ("time", {"language": "fr"}, "8h", time(8, 0)),
        ("date", {}, "today", date(2026, 11, 26)),
        ("date", {}, "tomorrow", date(2026, 11, 27)),
        ("date", {}, "the day after tomorrow", date(2026, 11, 28)),
        ("date", {}, "next Tuesday", date(2026, 12, 1)),
        ("date", {}, "Tuesday", date(2026, 12, 1)),
        ("date", {}, "this Thursday", date(2026, 11, 26)),
        ("date", {}, "Thursday", date(2026, 12, 3)),
        ("date", {}, "last Monday", date(2026, 11, 23)),
        ("date", {}, "the third of May", date(2027, 5, 3)),
        ("date", {}, "May third", date(2027, 5, 3)),
        ("date", {}, "May the 3rd, 2027", date(2027, 5, 3)),
        ("date", {}, "3 May twenty twenty-eight", date(2028, 5, 3)),
        ("date", {}, "in three days", date(2026, 11, 29)),
        ("date", {}, "in two weeks", date(2026, 12, 10)),
        ("date", {}, "in a month", date(2026, 12, 26)),
        ("date", {}, "a week ago", date(2026, 11, 19)),
        ("date", {}, "4/5/2027", date(2027, 5, 4)),
        ("date", {}, "2027-05-04", date(2027, 5, 4)),
        ("date", {}, "4.5.", date(2027, 5, 4)),
        ("date", {}, "the 30th", date(2026, 11, 30)),
        ("date", {}, "the third", date(2026, 12, 3)),
        ("date", {}, "twenty-ninth of February", date(2028, 2, 29)),
        ("date", {}, "Tuesday the fourth of May", date(2027, 5, 4)),
        ("date", {}, "hello", None),
        ("date", {}, "thirty first of june", None),
        ("date", {}, "third of may nineteen eighty", date(1980, 5, 3)),
        ("date", {}, "a week on Tuesday", date(2026, 12, 8)),
        ("date", {}, "May", None),
        ("date", {}, "next week", None),
        ("date", {}, "may i speak", None),
        ("date", {}, "three", None),
        ("date", {"past": True}, "03/05/85", date(1985, 5, 3)),
        ("date", {"past": True}, "third of may nineteen eighty", date(1980, 5, 3)),
        ("date", {"past": True}, "the third of December", date(2025, 12, 3)),
        ("date", {"past": True}, "third of may eighty five", date(1985, 5, 3)),
        ("date", {"language": "fr"}, "le trois mai", date(2027, 5, 3)),
        ("date", {"language": "fr"}, "premier janvier deux mille vingt-sept", date(2027, 1, 1)),
        ("date", {"language": "fr"}, "demain", date(2026, 11, 27)),
        ("date", {"language": "fr"}, "après-demain", date(2026, 11, 28)),
        ("date", {"language": "fr"}, "aujourd'hui", date(2026, 11, 26)),
        ("date", {"language": "fr"}, "mardi prochain", date(2026, 12, 1)),
        ("date", {"language": "fr"}, "dans trois jours", date(2026, 11, 29)),
        ("date", {"language": "fr"}, "mardi", date(2026, 12, 1)),
        ("date", {"language": "fr"}, "il y a une semaine", date(2026, 11, 19)),
        ("date", {"language": "fr"}, "le 3 mai 2027", date(2027, 5, 3)),
        ("date", {"language": "fr"}, "lundi dernier", date(2026, 11, 23)),
        ("date", {"order": "mdy"}, "4/5/2027", date(2027, 4, 5)),
    ],
)  # fmt: skip
def test_what_is_said(kind: str, options: dict[str, object], said: str, value: object) -> None:
    typed = make_input(InputSpec(kind=kind, today=TODAY, **options)).parse(said)  # type: ignore[arg-type]
    assert (typed.value if typed is not None else None) == value
    if isinstance(value, bool | int | float | str):
        assert typed is not None and type(typed.value) is type(value)


@pytest.mark.parametrize(
    ("kind", "options", "keys", "value", "more"),
    [
        ("digits", {"max_digits": 4}, "0470", "0470", False),
        ("digits", {"min_digits": 4, "max_digits": 8}, "471", None, True),
        ("digits", {}, "4*", None, False),
        ("number", {}, "12*5", 12.5, True),
        ("number", {}, "12*", None, True),
        ("number", {}, "*", None, False),
        ("number", {"max_digits": 2}, "120", None, False),
        ("money", {}, "12*50", 12.5, False),
        ("money", {}, "12*5", 12.5, True),
        ("money", {}, "1250", 1250, True),
        ("date", {}, "04052027", date(2027, 5, 4), False),
        ("date", {"order": "mdy"}, "04052027", date(2027, 4, 5), False),
        ("date", {"order": "ymd"}, "20270405", date(2027, 4, 5), False),
        ("date", {}, "0405", date(2027, 5, 4), True),
        ("date", {"past": True}, "040585", date(1985, 5, 4), True),
        ("date", {}, "31022027", None, False),
        ("date", {}, "040", None, True),
        ("time", {}, "1530", time(15, 30), False),
        ("time", {}, "930", time(9, 30), True),
        ("time", {}, "2460", None, False),
        ("phone", {}, "0142685300", "0142685300", True),
        ("phone", {}, "12", None, True),
        ("yes_no", {}, "1", True, False),
        ("yes_no", {}, "2", False, False),
        ("yes_no", {}, "3", None, False),
        ("name", {}, "5", None, False),
        ("text", {}, "", None, False),
        ("pattern", {"pattern": "4[0-9]{3}"}, "4719", "4719", False),
        ("pattern", {"pattern": "4[0-9]{3}"}, "5", None, False),
        ("pattern", {"pattern": "A[0-9]"}, "", None, False),
    ],
)
def test_what_is_pressed(kind: str, options: dict[str, object], keys: str, value: object, more: bool) -> None:
    asked = make_input(InputSpec(kind=kind, today=TODAY, **options))  # type: ignore[arg-type]
    typed = asked.parse_keys(keys)
    assert (typed.value if typed is not None else None) == value
    assert asked.accepts_more_keys(keys) is more


@pytest.mark.parametrize(
    ("kind", "options", "said", "more"),
    [
        ("digits", {"max_digits": 4}, "four seven", True),
        ("digits", {"max_digits": 4}, "four seven one nine", False),
        ("digits", {}, "hello", False),
        ("phone", {}, "two one two", True),
        ("yes_no", {}, "yes", False),
        ("pattern", {"pattern": "ab12"}, "a b", True),
        ("pattern", {"pattern": "ab12"}, "a b one two", False),
        ("pattern", {"pattern": "ab12"}, "hello", False),
    ],
)
def test_what_may_go_on(kind: str, options: dict[str, object], said: str, more: bool) -> None:
    assert make_input(InputSpec(kind=kind, **options)).may_continue(said) is more  # type: ignore[arg-type]


NO_DIGITS = [
    "1/2", "2 1/2", "3/4", "2, 3", "½", "2½", "3.5", "1:30", "10%", "10 %", "٪10", "$5", "5€", "5th", "fifth",
    "the third", "1e3", "1e+3", "+5", "-5", "5²", "10⁶", "1 / 2", "3,5",
]  # fmt: skip


@pytest.mark.parametrize("said", NO_DIGITS)
def test_what_is_written_as_something_else_is_no_row_of_digits(said: str) -> None:
    asked = make_input(InputSpec(kind="digits"))
    assert asked.parse(said) is None and not asked.may_continue(said)


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("4, 7, 1, 9", "4719"), ("4-7-1-9.", "4719"), ("1-2", "12"), ("1,234", "1234"),
        ("555, 1234", "5551234"),
        ("4.7.1.9", "4719"), ("٤٧١٩", "4719"), ("४७१९", "4719"), ("４７１９", "4719"), ("①②", "12"),
    ],
)  # fmt: skip
def test_rows_of_digits_as_recognisers_write_them(said: str, digits: str) -> None:
    typed = make_input(InputSpec(kind="digits")).parse(said)
    assert typed is not None and typed.value == digits


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("1/2", 0.5), ("2 1/2", 2.5), ("3/4", 0.75), ("½", 0.5), ("2½", 2.5), ("2 and 1/2", 2.5),
        ("two and 1/2", 2.5), ("-1/2", -0.5), ("-2 1/2", -2.5), ("1/3", None), ("1/0", None), ("5 7/2", None),
        ("2, 3", None), ("1-2", None), ("3.5", 3.5), ("1:30", None), ("10%", None), ("$5", None),
        ("5th", None), ("fifth", None), ("1e3", None), ("+5", 5), ("plus five", 5), ("5²", None), ("٤٢", 42),
        ("４２", 42), ("1/2/3", None), ("12, 50", None),
    ],
)  # fmt: skip
def test_numbers_in_figures(said: str, value: object) -> None:
    typed = make_input(InputSpec(kind="number")).parse(said)
    assert (typed.value if typed is not None else None) == value


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        ("money", "2 1/2", 2.5), ("money", "€2 1/2", 2.5), ("money", "10%", None), ("money", "5th", None),
        ("money", "2, 3", None), ("money", "1-2", None), ("money", "12, 50", 12.5), ("time", "1/2", None),
        ("time", "½", None), ("time", "10%", None), ("time", "5th", None), ("phone", "100%", None),
        ("phone", "911th", None), ("phone", "12:30", None), ("phone", "030/1234567", "0301234567"),
        ("pattern", "1/2", None), ("pattern", "10%", None), ("pattern", "3.5", None),
        ("pattern", "1:3", None), ("pattern", "12", "12"),
    ],
)  # fmt: skip
def test_figures_of_other_kinds_are_not_taken_for_what_they_are_not(
    kind: str, said: str, value: object
) -> None:
    typed = make_input(InputSpec(kind=kind, pattern="[0-9]{2}" if kind == "pattern" else "")).parse(said)
    assert (typed.value if typed is not None else None) == value


def test_what_was_understood_is_read_back_in_the_callers_language() -> None:
    def said(kind: str, text: str, **options: object) -> str:
        typed = make_input(InputSpec(kind=kind, today=TODAY, **options)).parse(text)  # type: ignore[arg-type]
        assert typed is not None
        return typed.read_back

    assert said("digits", "4719") == "four seven one nine"
    assert said("digits", "4719", language="fr") == "quatre sept un neuf"
    assert said("date", "tomorrow") == "Friday, the twenty-seventh of November"
    assert said("money", "12.50", currency="USD") == "twelve dollars and fifty cents"
    assert said("name", "S M I T H") == "Smith, S M I T H"


WORDS = sorted(
    {
        word
        for language in ("en", "fr")
        for table in (
            "small",
            "tens",
            "months",
            "weekdays",
            "noise",
            "units",
            "ordinals",
            "scales",
            "parts",
            "letters",
            "hundred",
            "half",
            "point",
            "cents",
            "days",
            "times",
            "oh",
        )
        for word in getattr(vocabulary(language), table)
    }
    | {"to", "past", "quarter", "12", "3.5", "9:30", "0", "et"}
)


@given(
    st.sampled_from(sorted(INPUTS)),
    st.sampled_from(["en", "en-US", "fr", "de"]),
    st.booleans(),
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)),
)
def test_nothing_that_is_said_breaks_it(kind: str, language: str, past: bool, said: str) -> None:
    asked = InputSpec(kind=kind, language=language, past=past, today="2028-02-29", pattern="[a-z]{2}[0-9]+")
    typed = make_input(asked).parse(said)
    assert typed is None or (typed.read_back and len(typed.read_back) < 2000)
    assert make_input(asked).may_continue(said) in (True, False)


@given(st.sampled_from(sorted(INPUTS)), st.text("0123456789*#ABCD", max_size=40))
def test_nothing_that_is_pressed_breaks_it(kind: str, keys: str) -> None:
    asked = make_input(InputSpec(kind=kind, today="2028-02-29", pattern="[0-9]+"))
    typed = asked.parse_keys(keys)
    assert typed is None or typed.read_back
    if asked.accepts_more_keys(keys) and keys:
        assert asked.accepts_more_keys(keys[:-1]), "what may go on has begun"


@given(st.integers(0, 10**15 - 1))
def test_every_number_that_is_read_aloud_is_understood(number: int) -> None:
    for reader, language in ((English(), "en"), (French(), "fr")):
        words = vocabulary(language)
        if number < 10**12:
            found = tokens(reader.cardinal(number))
            assert number_at(found, 0, words) == (number, len(found)), (language, found)


@given(st.dates(date(2026, 11, 26), date(2035, 11, 25)), st.sampled_from(["en", "en-US", "fr"]))
def test_every_date_that_is_read_aloud_is_understood(day: date, language: str) -> None:
    asked = make_input(InputSpec(kind="date", language=language, today=TODAY))
    typed = asked.parse_keys(f"{day:%d%m%Y}")
    assert typed is not None and typed.value == day
    again = asked.parse(typed.read_back)
    assert again is not None and again.value == day, typed.read_back


@given(st.times(), st.sampled_from(["en", "fr"]))
def test_every_time_that_is_read_aloud_is_understood(at: time, language: str) -> None:
    asked = make_input(InputSpec(kind="time", language=language))
    typed = asked.parse_keys(f"{at:%H%M}")
    assert typed is not None
    again = asked.parse(typed.read_back)
    certain = language == "en" or at.hour > 12 or 7 <= at.hour <= 12 or at.hour == 0
    assert again is not None and (again.value == typed.value or not certain), typed.read_back


# -- regular expressions

EXPRESSIONS = [
    "ab",
    "a|b",
    "(ab|cd)*e?",
    "[a-c]{2,4}",
    "[^a-c]+",
    r"\d{3}-\d+",
    "a{2}b{0,2}",
    "(a?b?){3}",
    "(a*)*b",
    ".x.",
    r"\.\*",
    "[a-]+",
    "x{2,}",
    "(?:a|)(b)",
]


@given(st.sampled_from(EXPRESSIONS), st.text("abcdex0123-.*", max_size=9))
def test_expressions_match_as_pythons_do(source: str, text: str) -> None:
    pattern = LinearRegex(source)
    assert pattern.fullmatch(text) is (re.fullmatch(source, text) is not None)
    if pattern.fullmatch(text) and text:
        assert all(pattern.may_continue(text[:at]) for at in range(len(text)))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "(",
        ")",
        "[a",
        "[]",
        "a{",
        "a{9,2}",
        "a{999}",
        "*",
        "a**b|(?=x)",
        r"\q",
        "\\",
        "((((a{60}){60}){60}){60})",
        "x" * (MAX_SOURCE + 1),
        "(" * 30 + ")" * 30,
        "[z-a]",
        "a{1,2,3}",
        "a{x}",
    ],
)
def test_expressions_that_are_none(source: str) -> None:
    with pytest.raises(RegexError):
        LinearRegex(source)


@given(st.text("ab()[]{}|*+?\\.^$-0123,", max_size=40))
def test_any_expression_is_compiled_or_refused(source: str) -> None:
    try:
        pattern = LinearRegex(source)
    except RegexError as error:
        assert str(error)
        return
    assert pattern.fullmatch("ab") in (True, False)


def test_an_expression_that_makes_others_backtrack_for_ever() -> None:
    pattern = LinearRegex("(a+)+(a+)+b")
    began = clock.process_time()
    assert not pattern.fullmatch("a" * 500)
    assert clock.process_time() - began < 1
