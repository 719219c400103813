"""Spanish words of typed values."""

from collections.abc import Sequence

from ivr.grammar.languages.es.reading import HUNDREDS, UNITS
from ivr.grammar.languages.spelling_alphabet import SPELLING_ALPHABET
from ivr.grammar.languages.vocabulary import Vocabulary, add_smaller, named, numbered, word_set


def combine(part: int, value: int) -> int | None:
    """Return the number made of two number words: 200 ("doscientos") and 50, 30 and 5; None when they are two
    numbers."""
    return None if value >= 100 else add_smaller(part, value)


def joins_with_y(part: int, value: int) -> bool:
    """Return whether "y" joins ``value`` to ``part``: "treinta y uno"."""
    return 0 < value < 10 and part % 100 in (20, 30, 40, 50, 60, 70, 80, 90)


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and the minutes after it (negative: before it), or None: "las tres y media", "las
    cuatro menos cuarto"."""
    match [part for part in parts if part not in ("minuto", "minutos")]:
        case [int(hour), "y", "media"]:
            return hour, 30
        case [int(hour), "y", "cuarto"] | [int(hour), "y", 4]:
            return hour, 15
        case [int(hour), "menos", "cuarto"] | ["cuarto", "para", int(hour)]:
            return hour, -15
        case [int(hour), "y", int(minutes)] if minutes < 60:
            return hour, minutes
        case [int(hour), "menos", int(minutes)] | [int(minutes), "para", int(hour)] if 0 < minutes < 60:
            return hour, -minutes
    return None


SMALL = numbered(" ".join(UNITS)) | {
    "un": 1, "una": 1, "dieciseis": 16, "veintiún": 21, "veintiun": 21, "veintiuna": 21, "veintidos": 22,
    "veintitres": 23, "veintiseis": 26,
}  # fmt: skip
TENS = numbered("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
_HUNDREDS = {word: 100 * place for place, word in enumerate(HUNDREDS) if place > 1}
_ORDINALS = {
    f"{stem}{end}": number
    for number, stem in enumerate(
        ["primer", "segund", "tercer", "cuart", "quint", "sext", "séptim", "octav", "noven", "décim"], 1
    )
    for end in ("o", "a")
}
VOCABULARY = Vocabulary(
    small={word: n for word, n in SMALL.items() if n < 20},
    tens={word: n for word, n in SMALL.items() if n >= 20}
    | TENS
    | _HUNDREDS
    | {word.replace("ientos", "ientas"): n for word, n in _HUNDREDS.items()},
    ordinals={word: n for word, n in _ORDINALS.items() if word != "cuarto"} | {"primer": 1, "tercer": 3},
    hundred=word_set("cien ciento"),
    scales={"mil": 1000, "millón": 10**6, "millon": 10**6, "millones": 10**6},
    joints=word_set("y"),
    joins=joins_with_y,
    combine=combine,
    oh=word_set("o"),
    times={"doble": 2, "triple": 3},
    point=word_set("coma punto"),
    minus=word_set("menos"),
    plus=word_set("más"),
    half=word_set("medio media"),
    yes_word="sí",
    no_word="no",
    yes=word_set("sí si claro vale ok okay exacto exactamente correcto efectivamente desde"),
    assent=word_set("bien eso es así está todo de acuerdo perfecto por favor luego gracias"),
    no=word_set("no nunca incorrecto tampoco nada negativo"),
    denials=word_set("no nunca"),
    months=numbered(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", 1
    )
    | {"setiembre": 9},
    weekdays=numbered("lunes martes miércoles jueves viernes sábado domingo")
    | {"miercoles": 2, "sabado": 5},
    days={"hoy": 0, "mañana": 1, "ayer": -1, "anteayer": -2},
    day_phrases={"pasado mañana": 2, "antes de ayer": -2},
    units={"día": 1, "días": 1, "dia": 1, "dias": 1, "semana": 7, "semanas": 7, "mes": -1, "meses": -1},
    ago=(word_set("hace"),),
    ahead=word_set("en dentro"),
    last=word_set("pasado último"),
    this=word_set("este"),
    next_week=word_set("semana"),
    definite=word_set("el"),
    currencies=named(
        EUR="euro euros €", USD="dólar dólares dolar dolares $", GBP="libra libras £", CHF="franco francos",
        JPY="yen yenes ¥",
    ),
    cents=word_set("céntimo céntimos centimos centavo centavos"),
    parts=named(am="mañana madrugada am", pm="tarde noche pm"),
    night=word_set("noche"),
    noon=word_set("mediodía mediodia"),
    midnight=word_set("medianoche"),
    hour_words=word_set("hora horas h"),
    clock_words=word_set("y menos para"),
    clock_phrase=clock_phrase,
    letters=SPELLING_ALPHABET,
    as_in=(("de",), ("como",)),
    name_prefix=r"(?:(?:bueno|hola|sí|si|ok|eh+|pues)[\s,.]+)*"
    r"(?:(?:mi|el)\s+nombre\s+es\s+|me\s+llamo\s+|(?:yo\s+)?soy\s+)?",
    ordinal_endings=word_set("º ª"),
    noise=word_set(
        "eh em ah mm el la los las un mi mis es son de del a al por en sí si ok vale número código"
        " cuenta quiero quisiera favor gracias con y que para sobre pues bueno día"
    ),
)  # fmt: skip
