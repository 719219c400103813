"""Everyday answers: what people say around a value, how they correct themselves, how recognisers write it."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan.verbs.gather.model import Choice
from ivr.dialplan.verbs.gather.question import Question
from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import InputSpec, make_input
from ivr.grammar.inputs.spoken_forms import without_fillers
from ivr.session.turn.interim_answers import InterimAnswers
from ivr.speech.base import Transcript

TODAY = "2026-11-26"
"""A Thursday."""
POSTCODE = "[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}"


def understood(kind: str, said: str, **options: object) -> object:
    typed = make_input(InputSpec(kind=kind, today=TODAY, **options)).parse(said)  # type: ignore[arg-type]
    return typed.value if typed is not None else None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        *((said, True) for said in (
            "why not", "sure, why not", "I don't see why not", "not a bad idea", "I don't mind",
            "no problem at all", "no doubt", "no objection", "nothing wrong with that", "without a doubt",
            "of course", "certainly", "by all means", "absolutely", "sounds good", "sounds great to me",
            "that would be great", "works for me", "go ahead", "go for it", "please do", "mm-hmm", "Mhm.",
            "uh-huh", "perfect", "spot on", "that's the one", "I don't see a problem", "be my guest",
            "you got that right", "that'd be lovely", "sounds about right",
        )),
        *((said, False) for said in (
            "of course not", "definitely not", "absolutely not", "certainly not", "I'm afraid not", "not now",
            "I'd rather not", "that's not correct", "that doesn't work for me", "no chance", "not really",
            "I'd rather you didn't", "of course I don't",
        )),
        *((said, None) for said in ("I don't know", "not sure", "no idea", "yes and no", "maybe", "um")),
    ],
)  # fmt: skip
def test_yes_and_no_in_everyday_english(said: str, value: bool | None) -> None:
    assert understood("yes_no", said) is value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("pourquoi pas", True), ("pas de problème", True), ("aucun souci", True), ("bien sûr", True),
        ("ça me va", True), ("allez-y", True), ("je veux bien", True), ("avec plaisir", True),
        ("bien sûr que non", False), ("pas vraiment", False), ("certainement pas", False),
        ("je ne crois pas", False), ("je ne sais pas", None), ("aucune idée", None),
    ],
)  # fmt: skip
def test_yes_and_no_in_everyday_french(said: str, value: bool | None) -> None:
    assert understood("yes_no", said, language="fr") is value


@pytest.mark.parametrize(
    ("kind", "options", "said", "value"),
    [
        ("number", {}, "just one", 1),
        ("number", {}, "only two", 2),
        ("number", {}, "one only", 1),
        ("number", {}, "maybe three or so", 3),
        ("number", {}, "it's five, I think", 5),
        ("number", {}, "there are four of us", 4),
        ("number", {}, "a table for six people please", 6),
        ("number", {}, "half a dozen", 6),
        ("number", {}, "a couple", 2),
        ("number", {}, "it's just me", 1),
        ("number", {"language": "fr"}, "juste trois, merci", 3),
        ("number", {"language": "fr"}, "nous sommes quatre", 4),
        ("number", {"language": "fr"}, "je crois que c'est cinq", 5),
        ("phone", {}, "my number is 087 123 4567 thanks", "0871234567"),
        ("phone", {}, "you can reach me on 087 123 4567", "0871234567"),
        ("phone", {}, "call me at 212 555 1234 please", "2125551234"),
        ("phone", {}, "the best number is +353 87 123 4567, thank you, bye", "+353871234567"),
        ("phone", {"language": "fr"}, "vous pouvez me joindre au 06 12 34 56 78 merci", "0612345678"),
        ("pattern", {"pattern": POSTCODE}, "my postcode is M1 1AE", "M1 1AE"),
        ("pattern", {"pattern": POSTCODE}, "it's M1 1AE thanks", "M1 1AE"),
        ("pattern", {"pattern": POSTCODE}, "the postcode's SW1A 2AA", "SW1A 2AA"),
        ("pattern", {"pattern": POSTCODE}, "M for Mike 1 1 A E", "M11AE"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{6}"}, "it's AB123456 I think", "AB123456"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{6}"}, "my order number is AB 12 34 56, I believe", "AB123456"),
        ("pattern", {"pattern": "[A-Z]{2}[0-9]{6}"}, "I think it's AB123456 thank you", "AB123456"),
        ("money", {}, "about fifty euros I think", 50),
        ("money", {}, "it was 12.50, thanks", 12.5),
        ("digits", {}, "let me see, 4719", "4719"),
        ("digits", {}, "four seven one nine, that's it", "4719"),
        ("date", {}, "I'd say the third of May, please", date(2027, 5, 3)),
        ("time", {}, "make it half past eight if possible", time(8, 30)),
        ("time", {}, "three o'clock would be great", time(15, 0)),
    ],
)
def test_what_is_said_around_a_value_does_not_matter(
    kind: str, options: dict[str, object], said: str, value: object
) -> None:
    assert understood(kind, said, **options) == value


@pytest.mark.parametrize(
    ("kind", "options", "said", "value"),
    [
        ("digits", {}, "no, nine", "9"),
        ("digits", {}, "sorry, seven", "7"),
        ("digits", {}, "4718, no, 4719", "4719"),
        ("digits", {}, "four seven one eight, no, nine", "4719"),
        ("digits", {"min_digits": 4, "max_digits": 4}, "4 7 1, no, 1 9", "4719"),
        ("digits", {}, "47, sorry, 4719", "4719"),
        ("phone", {}, "087 123 4568, sorry, 7", "0871234567"),
        ("number", {}, "three, no, four", 4),
        ("number", {}, "three I mean four", 4),
        ("number", {"language": "fr"}, "trois, pardon, quatre", 4),
        ("date", {}, "the third of May, no, the fourth of May", date(2027, 5, 4)),
        ("date", {}, "the third of May, no, the fourth", date(2026, 12, 4)),
        ("date", {}, "the Monday after next", date(2026, 12, 7)),
        ("date", {}, "Friday after next", date(2026, 12, 4)),
        ("date", {}, "Monday, sorry, Tuesday", date(2026, 12, 1)),
        ("time", {}, "three o'clock, no, four o'clock", time(16, 0)),
        ("number", {}, "three, no", None),
        ("digits", {}, "no", None),
    ],
)
def test_a_correction_takes_the_place_of_what_was_said(
    kind: str, options: dict[str, object], said: str, value: object
) -> None:
    assert understood(kind, said, **options) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("A B double one", "AB11"), ("double A 11", "AA11"), ("any double oh", "NE00"),
        ("are why 12", "RY12"),
        ("double U X 12", "WX12"), ("see you 12", "CU12"), ("tea pee 12", "TP12"), ("A bee 12", "AB12"),
        ("T has Nintendo, P as in Peter, 12", "TP12"), ("A as in Alpha, B for Bravo, 1 2", "AB12"),
        ("M as in Nancy, P as in Tango, 12", "NT12"), ("the number is N E 11 thanks", "NE11"),
        ("any 123", None), ("are 12", None), ("A B double", None),
    ],
)  # fmt: skip
def test_letters_as_recognisers_write_them(said: str, value: str | None) -> None:
    assert understood("pattern", said, pattern="[A-Z]{2}[0-9]{2}") == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("jay oh aitch en", "John"), ("tea oh em", "Tom"), ("why es em eye tea aitch", "Ysmith"),
        ("T has Nintendo O M", "Tom"), ("M for Mike I double L E R", "Miller"), ("you en a", "Una"),
        ("Amy", "Amy"), ("Kay", "Kay"), ("Dee", "Dee"), ("Bea Kay", "Bea Kay"),
    ],
)  # fmt: skip
def test_names_spelled_by_the_names_of_letters(said: str, value: str) -> None:
    assert understood("name", said) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("for 719", "4719"), ("to 719", "2719"), ("won 719", "1719"), ("ate 719", "8719"),
        ("nein 719", "9719"),
        ("double oh 71", "0071"), ("4 7 1 mine", "4719"), ("four seven won nine", "4719"),
    ],
)  # fmt: skip
def test_digits_as_recognisers_write_them(said: str, value: str) -> None:
    assert understood("digits", said, min_digits=4, max_digits=4) == value


def test_a_preposition_is_no_digit_where_there_is_no_room_for_one() -> None:
    assert understood("digits", "for 719", min_digits=3, max_digits=3) == "719"


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("have past three", time(15, 30)), ("half passed three", time(15, 30)),
        ("quarter two four", time(15, 45)), ("quarter past ate", time(8, 15)), ("half past to", time(14, 30)),
        ("next Tuesday at half past three", time(15, 30)), ("tomorrow at nine", time(9, 0)),
        ("noon on Tuesday", time(12, 0)), ("on Monday at 4 pm", time(16, 0)),
        ("tomorrow evening at nine", time(21, 0)), ("the third of May at 3 pm", time(15, 0)),
    ],
)  # fmt: skip
def test_times_as_people_say_and_recognisers_write_them(said: str, value: time) -> None:
    assert understood("time", said) == value


@pytest.mark.parametrize(
    ("options", "said", "value"),
    [
        ({}, "the first Monday in January", date(2027, 1, 4)),
        ({"today": "2023-11-26"}, "the first Monday in January", date(2024, 1, 1)),
        ({}, "the last Friday of December", date(2026, 12, 25)),
        ({}, "second Tuesday of next month", date(2026, 12, 8)),
        ({}, "the first Monday of the month", date(2026, 12, 7)),
        ({}, "first Tuesday in March 2028", date(2028, 3, 7)),
        ({"past": True}, "the third Sunday of June", date(2026, 6, 21)),
        ({"language": "fr"}, "le premier lundi de janvier", date(2027, 1, 4)),
        ({"language": "fr"}, "le dernier vendredi de décembre", date(2026, 12, 25)),
        ({"language": "fr"}, "le deuxième mardi du mois prochain", date(2026, 12, 8)),
        ({}, "the fifth Monday in February 2027", None),
        ({}, "next Tuesday at half past three", date(2026, 12, 1)),
        ({}, "on Monday the fourth of January at 3 pm", date(2027, 1, 4)),
        ({}, "the day after tomorrow at ten", date(2026, 11, 28)),
        ({"language": "fr"}, "mardi à quinze heures", date(2026, 12, 1)),
        ({}, "New Year's Day", date(2027, 1, 1)),
        ({}, "Christmas Eve", date(2026, 12, 24)),
        ({"past": True}, "Christmas Day", date(2025, 12, 25)),
        ({}, "the Friday after Christmas", None),
    ],
)
def test_dates_by_weekday_and_by_name(options: dict[str, object], said: str, value: date | None) -> None:
    given_options = {"today": TODAY, **options}
    typed = make_input(InputSpec(kind="date", **given_options)).parse(said)  # type: ignore[arg-type]
    assert (typed.value if typed is not None else None) == value


CLINIC = Question(
    {
        "book": Choice(say=("book", "appointment", "book an appointment")),
        "change": Choice(say=("change", "cancel", "change an appointment", "cancel my appointment")),
        "card": Choice(say=("lost card", "stolen card")),
    },
    {
        "operator": Choice(say=("operator", "somebody", "a person", "help")),
        "back": Choice(say=("go back", "main menu")),
    },
    None,
    "",
)


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ("somebody stole my card", "choice", "card"),
        ("I have lost my card", "choice", "card"),
        ("I need to move my appointment", "choice", "change"),
        ("I'd like to reschedule my appointment", "choice", "change"),
        ("can we postpone the appointment", "choice", "change"),
        ("I need an appointment", "choice", "book"),
        ("I need help with my appointment", "choice", "book"),
        ("somebody, please", "universal", "operator"),
        ("I want to talk to somebody", "universal", "operator"),
        ("take me back to the main menu", "universal", "back"),
        ("a real person", "universal", "operator"),
        ("somebody parked in front of my house", None, None),
        ("help me find my keys in the car park", None, None),
        ("a person wrote to me about the rent", None, None),
    ],
)
def test_universals_stay_behind_a_longer_answer(said: str, kind: str | None, name: str | None) -> None:
    meant = CLINIC.meant(said, 1.0)
    assert (meant[:2] if meant is not None else (None, None)) == (kind, name)


def test_an_appointment_that_is_moved_is_booked_where_nothing_else_is_offered() -> None:
    question = Question({"book": Choice(say=("appointment",)), "bill": Choice(say=("bill",))}, {}, None, "")
    meant = question.meant("I need to move my appointment", 1.0)
    assert meant is not None and meant[1] == "book"


@pytest.mark.parametrize(
    ("interim", "final", "kept"),
    [
        ("sales", "sales her", "sales her"),  # the final text fits
        ("sales", "sails or hmm", "sails or hmm"),
        ("sales", "mumble", "sales"),
        ("sales", "", "sales"),
        ("sales", "no sorry", "no sorry"),
        ("sales", "I was talking to my husband here", "I was talking to my husband here"),
        ("mumble", "grumble", "grumble"),
    ],
)
def test_an_interim_answer_that_fitted_is_kept(interim: str, final: str, kept: str) -> None:
    expected = expected_answers({"sales": (["sales"], []), "billing": (["billing"], [])})
    answers = InterimAnswers()
    answers.settled(100, Transcript(interim, 0.9), expected)
    settled = answers.settled(100, Transcript(final, 0.9), expected)
    assert settled.text == kept
    assert settled.rule == ("interim" if kept != final else "")
    assert answers.settled(900, Transcript(final, 0.9), expected).text == final, "another turn"


def test_an_unfinished_row_of_digits_is_no_answer_to_keep() -> None:
    expected = expected_answers({}, spec=InputSpec(kind="digits", max_digits=4))
    answers = InterimAnswers()
    answers.settled(0, Transcript("four seven", 0.9), expected)
    assert answers.settled(0, Transcript("mumble", 0.9), expected).text == "mumble"


WORDS = (
    "no sorry my number is it's please thanks I think at on four for to double oh A bee 12 3.5 -5 May Monday"
    " first half past three as in Alpha . , ? ' 1/2 why not um ß"
)


@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join) | st.text(max_size=60),
    st.sampled_from(["en", "fr", "de"]),
)
def test_wild_answers_raise_nothing_and_fillers_leave_a_part_of_the_text(said: str, language: str) -> None:
    for kind in ("digits", "number", "date", "time", "money", "phone", "yes_no", "name"):
        understood(kind, said, language=language)
    understood("pattern", said, language=language, pattern="[A-Z]{2}[0-9]{2}")
    assert without_fillers(said, language) in said


@given(
    st.integers(0, 10**8), st.sampled_from(["my number is {}", "it's {} I think", "sorry, {} please", "{}"])
)
def test_a_row_of_digits_keeps_all_its_digits(number: int, around: str) -> None:
    assert understood("digits", around.format(number)) == str(number)
