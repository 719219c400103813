"""Values read aloud: what is said, in which language, and what cannot be read."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan.values.expressions import MAX_SIZE, ExpressionError, Template
from ivr.grammar import reading
from ivr.grammar.languages.en.reading import English
from ivr.grammar.languages.fr.reading import French
from ivr.grammar.languages.reader import country_code

SCOPE = {
    "amount": 12.5,
    "day": date(2027, 5, 4),
    "now": datetime(2027, 1, 1, tzinfo=UTC),
    "at": time(15, 30),
    "id": "ab12",
    "phone": "+33142685300",
    "n": 1234,
}


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "{{ n | number }}", "one thousand two hundred and thirty-four"),
        ("en", "{{ -80.05 | number }}", "minus eighty point zero five"),
        ("en", "{{ '1000001' | number }}", "one million and one"),
        ("en", "{{ 21 | ordinal }}", "twenty-first"),
        ("en", "{{ 40 | ordinal }}", "fortieth"),
        ("en", "{{ 112 | ordinal }}", "one hundred and twelfth"),
        ("en", "{{ amount | money('EUR') }}", "twelve euros and fifty cents"),
        ("en", "{{ 1 | money('GBP') }}", "one pound"),
        ("en", "{{ 0.01 | money('GBP') }}", "one penny"),
        ("en", "{{ -3 | money('USD') }}", "minus three dollars"),
        ("en", "{{ 0 | money }}", "zero euros"),
        ("en", "{{ 2.999 | money('SEK') }}", "three S E K"),
        ("en", "{{ day | date }}", "Tuesday, the fourth of May"),
        ("en", "{{ day | date(year=true) }}", "the fourth of May, twenty twenty-seven"),
        ("en", "{{ '1905-02-01' | date }}", "the first of February, nineteen oh five"),
        ("en", "{{ '2005-02-01' | date }}", "the first of February, two thousand and five"),
        ("en-US", "{{ day | date }}", "Tuesday, May fourth"),
        ("en-GB", "{{ day | date(weekday=false) }}", "the fourth of May"),
        ("en", "{{ at | time }}", "three thirty in the afternoon"),
        ("en", "{{ '09:05' | time }}", "nine oh five in the morning"),
        ("en", "{{ '0000' | time }}", "midnight"),
        ("en", "{{ '19:00' | time }}", "seven o'clock in the evening"),
        ("en", "{{ id | spell }}", "A B one two"),
        ("en", "{{ 'x-7@' | spell }}", "X dash seven at"),
        ("en", "{{ '12 34-5' | digits }}", "one two three four five"),
        ("en", "{{ phone | phone }}", "plus three three, one four two, six eight five, three zero zero"),
        ("en", "{{ '212 555 1234' | phone }}", "two one two, five five five, one two three four"),
        ("en", "{{ 'sip:alice@example.org' | phone }}", "A L I C E"),
        ("fr", "{{ n | number }}", "mille deux cent trente-quatre"),
        (
            "fr",
            "{{ 71 | number }} {{ 80 | number }} {{ 91 | number }} {{ 99 | number }}",
            "soixante et onze quatre-vingts quatre-vingt-onze quatre-vingt-dix-neuf",
        ),
        ("fr", "{{ 80000 | number }}", "quatre-vingt mille"),
        ("fr", "{{ 3.14 | number }}", "trois virgule quatorze"),
        (
            "fr",
            "{{ 1 | ordinal }} {{ 5 | ordinal }} {{ 9 | ordinal }} {{ 21 | ordinal }}",
            "premier cinquième neuvième vingt et unième",
        ),
        (
            "fr-CH",
            "{{ 98 | number }} {{ 71 | number }} {{ 80 | number }}",
            "nonante-huit septante et un huitante",
        ),
        ("fr-BE", "{{ 81 | number }}", "quatre-vingt-un"),
        ("fr", "{{ amount | money('EUR') }}", "douze euros cinquante"),
        ("fr", "{{ 1000000 | money('EUR') }}", "un million d'euros"),
        ("fr", "{{ 1 | money('GBP') }}", "une livre"),
        ("fr", "{{ 0.5 | money('EUR') }}", "cinquante centimes"),
        ("fr", "{{ day | date }}", "mardi quatre mai"),
        ("fr", "{{ '2026-01-01' | date }}", "le premier janvier deux mille vingt-six"),
        ("fr", "{{ at | time }}", "quinze heures trente"),
        ("fr", "{{ '01:01' | time }}", "une heure une"),
        ("fr", "{{ '12:00' | time }}", "midi"),
        (
            "fr",
            "{{ phone | phone }}",
            "plus trente-trois, un, quarante-deux, soixante-huit, cinquante-trois, zéro zéro",
        ),
        ("nl", "{{ amount | money('EUR') }}", "12,50 EUR"),
        ("nl", "{{ day | date(year=true) }}", "4.5.2027"),
        ("nl", "{{ 3 | ordinal }} {{ -1.5 | number }}", "3. -1,5"),
    ],
)
def test_what_is_said(language: str, text: str, said: str) -> None:
    assert Template(text).render({**SCOPE, "language": language}) == said


def test_in_a_call_of_no_language_it_is_english() -> None:
    assert Template("{{ 2 | number }}").render({}) == "two"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ 'x' | number }}", "expected a number of at most 18 digits, found 'x'"),
        ("{{ true | money }}", "expected a number"),
        ("{{ 1.5 | ordinal }}", "an ordinal is a whole number"),
        ("{{ 'soon' | date }}", "expected a date such as 2027-05-03"),
        ("{{ '25:00' | time }}", "expected a time such as 15:30"),
        ("{{ 3 | money('euros') }}", "a currency is a code of three letters"),
        ("{{ 'x' | digits }}", "there is no digit in 'x'"),
        ("{{ '99999999999999999999' | number }}", "at most 18 digits"),
        ("{{ nobody | spell }}", "'nobody' is undefined"),
        ("{{ nobody | date }}", "'nobody' is undefined"),
    ],
)
def test_what_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=None) as caught:
        Template(text).render(SCOPE)
    assert why in str(caught.value)


@given(
    st.one_of(st.text(max_size=200), st.integers(), st.floats(), st.dates(), st.times(), st.none()),
    st.sampled_from(["en", "en-US", "fr", "fr-CH", "de", "", "-"]),
)
def test_anything_is_read_or_refused_in_bounds(value: object, language: str) -> None:
    for read in (*reading.AS.values(), lambda value, language: reading.money(value, language, "USD")):
        try:
            said = read(value, language)
        except reading.CannotRead:
            continue
        assert len(said) < MAX_SIZE


@given(st.integers(0, 10**18 - 1))
def test_every_number_has_words_of_its_own(number: int) -> None:
    """Read back by the words' values, so that no two numbers sound alike."""
    assert _value(English().cardinal(number)) == number
    assert French().cardinal(number) != French().cardinal(number + 1)


def _value(words: str) -> int:
    from ivr.grammar.languages.en.reading import SCALES, TENS, UNITS

    scales = {name: size for size, name in SCALES}
    total = part = 0
    for word in words.replace("-", " ").split():
        if word in UNITS:
            part += UNITS.index(word)
        elif word in TENS:
            part += TENS.index(word) * 10
        elif word == "hundred":
            part *= 100
        elif word in scales:
            total, part = total + part * scales[word], 0
    return total + part


@pytest.mark.parametrize(
    ("digits", "length"), [("15551234", 1), ("4420", 2), ("331", 2), ("353", 3), ("7495", 1)]
)
def test_country_codes(digits: str, length: int) -> None:
    assert country_code(digits) == length
