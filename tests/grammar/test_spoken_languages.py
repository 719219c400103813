"""German, Spanish and Italian: what people say, and what it means. Each row is from daily speech."""

from datetime import date, time
from typing import Any

import pytest

from ivr.grammar import reading
from ivr.grammar.inputs import InputSpec, make_input
from ivr.grammar.languages.registry import languages_with_texts
from ivr.grammar.matching import Matcher
from ivr.grammar.transcripts import is_backchannel, is_unfinished

TODAY = "2026-11-26"
"""A Thursday."""

SAID: dict[str, list[tuple[str, str, Any]]] = {
    "de": [
        ("digits", "vier sieben eins neun", "4719"),
        ("digits", "meine Nummer ist null acht zwo", "082"),
        ("digits", "siebenundvierzig neunzehn", "4719"),
        ("number", "einundzwanzig", 21),
        ("number", "zweihundertfünfzig", 250),
        ("number", "zweitausendsechsundzwanzig", 2026),
        ("number", "hundertundeins", 101),
        ("number", "dreißig", 30),
        ("number", "drei Komma eins vier", 3.14),
        ("number", "minus sieben", -7),
        ("money", "zwölf Euro fünfzig", 12.5),
        ("money", "12,50 €", 12.5),
        ("money", "fünfzig Cent", 0.5),
        ("money", "hundertzwanzig Euro", 120),
        ("date", "am dritten Mai", date(2027, 5, 3)),
        ("date", "der erste Januar zweitausendsiebenundzwanzig", date(2027, 1, 1)),
        ("date", "3. Mai", date(2027, 5, 3)),
        ("date", "heute", date(2026, 11, 26)),
        ("date", "übermorgen", date(2026, 11, 28)),
        ("date", "nächsten Dienstag", date(2026, 12, 1)),
        ("date", "in zwei Wochen", date(2026, 12, 10)),
        ("date", "vor drei Tagen", date(2026, 11, 23)),
        ("time", "halb vier", time(15, 30)),
        ("time", "Viertel nach drei", time(15, 15)),
        ("time", "viertel vor vier", time(15, 45)),
        ("time", "dreiviertel vier", time(15, 45)),
        ("time", "fünf vor halb vier", time(15, 25)),
        ("time", "15 Uhr 30", time(15, 30)),
        ("time", "neun Uhr morgens", time(9, 0)),
        ("time", "um acht Uhr abends", time(20, 0)),
        ("time", "Mitternacht", time(0, 0)),
        ("yes_no", "ja, bitte", True),
        ("yes_no", "das stimmt", True),
        ("yes_no", "warum nicht", True),
        ("yes_no", "kein Problem", True),
        ("yes_no", "nein danke", False),
        ("yes_no", "das stimmt nicht", False),
        ("yes_no", "auf keinen Fall", False),
        ("yes_no", "die Rechnung", None),
        ("name", "mein Name ist Müller", "Müller"),
        ("name", "ich heiße Schmidt", "Schmidt"),
    ],
    "es": [
        ("digits", "cuatro siete uno nueve", "4719"),
        ("digits", "mi número es cero ocho dos", "082"),
        ("digits", "cuarenta y siete diecinueve", "4719"),
        ("number", "veintiuno", 21),
        ("number", "doscientos cincuenta", 250),
        ("number", "dos mil veintiséis", 2026),
        ("number", "ciento uno", 101),
        ("number", "treinta y tres", 33),
        ("number", "tres coma uno cuatro", 3.14),
        ("number", "menos siete", -7),
        ("money", "doce euros con cincuenta", 12.5),
        ("money", "12,50 €", 12.5),
        ("money", "cincuenta céntimos", 0.5),
        ("money", "ciento veinte euros", 120),
        ("date", "el tres de mayo", date(2027, 5, 3)),
        ("date", "el primero de enero de dos mil veintisiete", date(2027, 1, 1)),
        ("date", "hoy", date(2026, 11, 26)),
        ("date", "pasado mañana", date(2026, 11, 28)),
        ("date", "el próximo martes", date(2026, 12, 1)),
        ("date", "el martes que viene", date(2026, 12, 1)),
        ("date", "dentro de dos semanas", date(2026, 12, 10)),
        ("date", "hace tres días", date(2026, 11, 23)),
        ("time", "las tres y media", time(15, 30)),
        ("time", "las tres y cuarto", time(15, 15)),
        ("time", "las cuatro menos cuarto", time(15, 45)),
        ("time", "a las quince treinta", time(15, 30)),
        ("time", "las nueve de la mañana", time(9, 0)),
        ("time", "las ocho de la noche", time(20, 0)),
        ("time", "medianoche", time(0, 0)),
        ("yes_no", "sí, por favor", True),
        ("yes_no", "claro que sí", True),
        ("yes_no", "por qué no", True),
        ("yes_no", "no hay problema", True),
        ("yes_no", "no, gracias", False),
        ("yes_no", "claro que no", False),
        ("yes_no", "no es correcto", False),
        ("yes_no", "la factura", None),
        ("name", "me llamo García", "García"),
        ("name", "mi nombre es Pérez", "Pérez"),
    ],
    "it": [
        ("digits", "quattro sette uno nove", "4719"),
        ("digits", "il mio numero è zero otto due", "082"),
        ("digits", "quarantasette diciannove", "4719"),
        ("number", "ventuno", 21),
        ("number", "duecentocinquanta", 250),
        ("number", "duemilaventisei", 2026),
        ("number", "millecinquecento", 1500),
        ("number", "centouno", 101),
        ("number", "trentatré", 33),
        ("number", "tre virgola uno quattro", 3.14),
        ("number", "meno sette", -7),
        ("money", "dodici euro e cinquanta", 12.5),
        ("money", "12,50 €", 12.5),
        ("money", "cinquanta centesimi", 0.5),
        ("money", "centoventi euro", 120),
        ("date", "il tre maggio", date(2027, 5, 3)),
        ("date", "il primo gennaio duemilaventisette", date(2027, 1, 1)),
        ("date", "oggi", date(2026, 11, 26)),
        ("date", "dopodomani", date(2026, 11, 28)),
        ("date", "martedì prossimo", date(2026, 12, 1)),
        ("date", "tra due settimane", date(2026, 12, 10)),
        ("date", "tre giorni fa", date(2026, 11, 23)),
        ("time", "le tre e mezza", time(15, 30)),
        ("time", "le tre e un quarto", time(15, 15)),
        ("time", "le quattro meno un quarto", time(15, 45)),
        ("time", "alle quindici e trenta", time(15, 30)),
        ("time", "le nove di mattina", time(9, 0)),
        ("time", "le otto di sera", time(20, 0)),
        ("time", "l'una", time(13, 0)),
        ("time", "mezzogiorno", time(12, 0)),
        ("yes_no", "sì, grazie", True),
        ("yes_no", "va bene", True),
        ("yes_no", "perché no", True),
        ("yes_no", "nessun problema", True),
        ("yes_no", "no, grazie", False),
        ("yes_no", "certo che no", False),
        ("yes_no", "non è corretto", False),
        ("yes_no", "la fattura", None),
        ("name", "mi chiamo Rossi", "Rossi"),
        ("name", "il mio nome è Bianchi", "Bianchi"),
    ],
    "fr": [
        ("yes_no", "pourquoi pas", True),
        ("yes_no", "bien sûr", True),
        ("yes_no", "pas de problème", True),
        ("yes_no", "bien sûr que non", False),
        ("yes_no", "pas vraiment", False),
    ],
}


@pytest.mark.parametrize(
    ("language", "kind", "said", "value"), [(code, *row) for code, rows in SAID.items() for row in rows]
)
def test_what_people_say(language: str, kind: str, said: str, value: Any) -> None:
    found = make_input(InputSpec(kind=kind, language=language, today=TODAY)).parse(said)
    assert (found.value if found is not None else None) == value


@pytest.mark.parametrize(
    ("language", "said", "choice"),
    [
        ("de", "Ich hätte gerne einen Termin, bitte", "book"),
        ("de", "Äh, die Rechnung", "bill"),
        ("de", "nicht die Rechnung", None),
        ("de", "drücke die zwei", "bill"),
        ("es", "Quisiera pedir una cita, por favor", "book"),
        ("es", "Pues, es por la factura", "bill"),
        ("es", "no quiero la factura", None),
        ("es", "la opción dos", "bill"),
        ("it", "Vorrei prendere un appuntamento, per favore", "book"),
        ("it", "Allora, la fattura", "bill"),
        ("it", "non voglio la fattura", None),
        ("it", "il due", "bill"),
        ("fr", "Je voudrais prendre rendez-vous, s'il vous plaît", "book"),
        ("fr", "C'est pour la facture", "bill"),
        ("fr", "tapez deux, le deux", None),
        ("fr", "le deux", "bill"),
    ],
)
def test_menus(language: str, said: str, choice: str | None) -> None:
    phrases = {
        "de": ("Termin", "Rechnung"),
        "es": ("pedir una cita", "factura"),
        "it": ("prendere un appuntamento", "fattura"),
        "fr": ("prendre rendez-vous", "facture"),
    }
    book, bill = phrases[language]
    found = Matcher({"book": ((book,), ("1",)), "bill": ((bill,), ("2",))}, language).match(said)
    assert (found.choice if found is not None else None) == choice


@pytest.mark.parametrize(
    ("language", "number", "money", "day", "clock"),
    [
        (
            "de", "zweitausendsechsundzwanzig", "ein Euro und fünfzig Cent", "Montag, der dritte Mai",
            "fünfzehn Uhr dreißig",
        ),
        (
            "es", "dos mil veintiséis", "un euro con cincuenta céntimos", "lunes tres de mayo",
            "las tres y treinta de la tarde",
        ),
        (
            "it", "duemilaventisei", "un euro e cinquanta centesimi", "lunedì tre maggio",
            "le tre e trenta del pomeriggio",
        ),
    ],
)  # fmt: skip
def test_values_are_read_aloud(language: str, number: str, money: str, day: str, clock: str) -> None:
    assert reading.number(2026, language) == number
    assert reading.money(1.5, language, "EUR") == money
    assert reading.day(date(2027, 5, 3), language, date(2027, 3, 1)) == day
    assert reading.clock(time(15, 30), language) == clock


@pytest.mark.parametrize("language", ["de", "es", "it"])
@pytest.mark.parametrize(
    "number", [0, 1, 7, 16, 21, 28, 33, 100, 101, 121, 999, 1000, 1001, 2026, 45_678, 10**6]
)
def test_a_number_that_is_read_aloud_is_understood(language: str, number: int) -> None:
    said = make_input(InputSpec(kind="number", language=language)).parse(reading.number(number, language))
    assert said is not None and said.value == number


def test_turns_and_texts() -> None:
    assert is_backchannel("Mhm, genau.", "de") and is_unfinished("mein Name und", "de")
    assert is_backchannel("sì, certo", "it") and is_unfinished("vorrei parlare con", "it")
    assert {"en", "fr", "de", "es", "it"} <= languages_with_texts()
