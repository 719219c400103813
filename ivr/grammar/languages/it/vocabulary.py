"""Italian words of typed values."""

from collections.abc import Sequence

from ivr.grammar.languages.it.reading import UNITS, below_hundred
from ivr.grammar.languages.spelling_alphabet import SPELLING_ALPHABET
from ivr.grammar.languages.vocabulary import Vocabulary, named, numbered, word_set

_DIGITS = "due|tre|quattro|cinque|sei|sette|otto|nove"
_BEGINNINGS = "un|due|tre|quat|cin|sei|set|ott|nov|die|undi|dodi|quin|sedi|ven|cen"


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and the minutes after it (negative: before it), or None: "le tre e mezza", "le quattro
    meno un quarto"."""
    match [part for part in parts if part not in ("minuto", "minuti")]:
        case [int(hour), "e", "mezza" | "mezzo"]:
            return hour, 30
        case [int(hour), "e", "quarto"] | [int(hour), "e", 1, "quarto"]:
            return hour, 15
        case [int(hour), "e", "trequarti"] | [int(hour), "e", 3, "quarti"]:
            return hour, 45
        case [int(hour), "meno", "quarto"] | [int(hour), "meno", 1, "quarto"]:
            return hour, -15
        case [int(hour), "e", int(minutes)] if minutes < 60:
            return hour, minutes
        case [int(hour), "meno", int(minutes)] if 0 < minutes < 60:
            return hour, -minutes
    return None


SMALL = numbered(" ".join(UNITS)) | {"un": 1, "una": 1}
TENS = {below_hundred(number): number for number in range(20, 100)} | {
    f"{below_hundred(ten)}tre": ten + 3 for ten in range(20, 100, 10)
}
_STEMS = ["prim", "second", "terz", "quart", "quint", "sest", "settim", "ottav", "non", "decim"]
VOCABULARY = Vocabulary(
    small=SMALL,
    tens=TENS,
    ordinals={f"{stem}{end}": n for n, stem in enumerate(_STEMS, 1) for end in ("o", "a") if stem != "quart"},
    hundred=word_set("cento"),
    scales={
        "mille": 1000, "mila": 1000, "milione": 10**6, "milioni": 10**6, "miliardo": 10**9, "miliardi": 10**9,
    },
    joints=word_set("e"),
    joins=lambda part, value: part < 0 or (part % 100 == 0 and part > 0),
    oh=word_set("o"),
    times={"doppio": 2, "triplo": 3},
    point=word_set("virgola punto"),
    minus=word_set("meno"),
    plus=word_set("più"),
    half=word_set("mezzo mezza"),
    yes_word="sì",
    no_word="no",
    yes=word_set("sì si certo certamente esatto esattamente ok okay giusto corretto volentieri"),
    assent=word_set("va bene è così d accordo daccordo perfetto tutto grazie per favore bene"),
    no=word_set("no non sbagliato mai niente nemmeno errato"),
    denials=word_set("non mai"),
    months=numbered(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre", 1
    ),
    weekdays=numbered("lunedì martedì mercoledì giovedì venerdì sabato domenica")
    | numbered("lunedi martedi mercoledi giovedi venerdi"),
    days={"oggi": 0, "stasera": 0, "domani": 1, "dopodomani": 2, "ieri": -1},
    day_phrases={"dopo domani": 2, "altro ieri": -2},
    units={"giorno": 1, "giorni": 1, "settimana": 7, "settimane": 7, "mese": -1, "mesi": -1},
    ago=(word_set("fa"),),
    ahead=word_set("tra fra"),
    last=word_set("scorso scorsa"),
    this=word_set("questo questa"),
    next_week=word_set("settimana"),
    definite=word_set("il"),
    currencies=named(
        EUR="euro €", USD="dollaro dollari $", GBP="sterlina sterline £", CHF="franco franchi", JPY="yen ¥"
    ),
    cents=word_set("centesimo centesimi"),
    parts=named(am="mattina mattino", pm="pomeriggio sera stasera notte"),
    night=word_set("notte"),
    noon=word_set("mezzogiorno"),
    midnight=word_set("mezzanotte"),
    hour_words=word_set("ora ore h"),
    clock_words=word_set("e meno un"),
    clock_phrase=clock_phrase,
    letters=SPELLING_ALPHABET,
    as_in=(("come",), ("di",)),
    name_prefix=r"(?:(?:allora|buongiorno|sì|si|ok|eh+m*)[\s,.]+)*"
    r"(?:(?:il\s+mio|il)\s+nome\s+è\s+|mi\s+chiamo\s+|(?:io\s+)?sono\s+)?",
    contractions=((r"\b(dell|nell|all|sull|un|quest|mezz)[’'`´](?=[^\W\d_])", r"\1 "),),
    rewrites=(
        (rf"\b((?:{_BEGINNINGS}|tren|quar|sess|nona)[^\W\d_]*?)mila", r"\1 mila "),
        (rf"\bmille(?=(?:{_BEGINNINGS}|tren|qua|ses|non))", "mille "),
        (rf"\b({_DIGITS})cento", r"\1 cento "),
        (rf"\bcento(?=(?:{_BEGINNINGS}|tren|qua|ses|non))", "cento "),
    ),
    noise=word_set(
        "ehm eh ah mm il lo la i gli le un mio mia è sono di del a alle dalle per in sì si ok allora numero"
        " codice conto vorrei voglio favore grazie e con che circa verso l"
    ),
)  # fmt: skip
