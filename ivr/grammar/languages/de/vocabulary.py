"""German words of typed values. As ``inputs.tokens`` writes them: "ss" for "ß"."""

from collections.abc import Sequence

from ivr.grammar.languages.spelling_alphabet import SPELLING_ALPHABET
from ivr.grammar.languages.vocabulary import Vocabulary, named, numbered, word_set

_SMALL = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn"
)
SMALL = numbered(_SMALL) | dict.fromkeys(["ein", "eine", "einen", "einem", "einer"], 1) | {"zwo": 2}
_ROUND = numbered("zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig", 20, 10)
_UNITS = numbered("ein zwei drei vier fünf sechs sieben acht neun", 1) | {"zwo": 2}
TENS = _ROUND | {f"{unit}und{ten}": n + m for ten, n in _ROUND.items() for unit, m in _UNITS.items()}
_FIRST = {"erst": 1, "zweit": 2, "dritt": 3, "siebt": 7, "acht": 8}
_STEMS = (
    {f"{word}t": n for word, n in numbered(_SMALL).items() if n > 3 and n not in (7, 8)}
    | _FIRST
    | {f"{word}st": n for word, n in TENS.items() if n <= 31}
)
_ORDINALS = {f"{stem}{end}": n for stem, n in _STEMS.items() for end in ("e", "er", "en", "es")}
AFTER, BEFORE = frozenset(["nach"]), frozenset(["vor"])


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and the minutes after it (negative: before it), or None: "halb vier", "Viertel nach
    drei", "fünf vor halb vier"."""
    match [part for part in parts if part not in ("minute", "minuten")]:
        case ["halb", int(hour)]:
            return hour, -30
        case ["viertel", str(after), int(hour)] if after in AFTER:
            return hour, 15
        case ["viertel", str(before), int(hour)] if before in BEFORE:
            return hour, -15
        case ["dreiviertel", int(hour)]:
            return hour, -15
        case ["viertel", int(hour)]:
            return hour, -45  # as it is said in the south and east
        case [int(minutes), str(word), "halb", int(hour)] if word in AFTER | BEFORE and minutes < 30:
            return hour, -30 + (minutes if word in AFTER else -minutes)
        case [int(minutes), str(after), int(hour)] if after in AFTER and minutes < 60:
            return hour, minutes
        case [int(minutes), str(before), int(hour)] if before in BEFORE and 0 < minutes < 60:
            return hour, -minutes
    return None


VOCABULARY = Vocabulary(
    small=SMALL,
    tens=TENS,
    ordinals=_ORDINALS,
    hundred=word_set("hundert"),
    scales={
        "tausend": 1000, "million": 10**6, "millionen": 10**6, "milliarde": 10**9, "milliarden": 10**9,
    },
    joints=word_set("und"),
    times={"doppel": 2, "zweimal": 2, "dreimal": 3},
    point=word_set("komma punkt"),
    minus=word_set("minus"),
    plus=word_set("plus"),
    half=word_set("halb halbe halber"),
    yes_word="ja",
    no_word="nein",
    yes=word_set("ja jo jawohl jep jupp ok okay genau klar gern gerne natürlich selbstverständlich sicher"),
    assent=word_set("richtig stimmt korrekt das ist es so gut passt bitte ganz exakt"),
    no=word_set("nein nee nö nicht falsch kein keine keinen nie niemals"),
    denials=word_set("nicht nie kein keine"),
    months=numbered("januar februar märz april mai juni juli august september oktober november dezember", 1)
    | {"jänner": 1, "feber": 2, "maerz": 3, "juno": 6, "julei": 7},
    weekdays=numbered("montag dienstag mittwoch donnerstag freitag samstag sonntag") | {"sonnabend": 5},
    days={"heute": 0, "morgen": 1, "übermorgen": 2, "gestern": -1, "vorgestern": -2},
    units={
        "tag": 1, "tage": 1, "tagen": 1, "woche": 7, "wochen": 7, "monat": -1, "monate": -1, "monaten": -1,
    },
    ago=(word_set("vor"),),
    ahead=word_set("in"),
    last=word_set("letzten letzter letzte vergangenen"),
    this=word_set("diesen dieser"),
    next_week=word_set("nächste"),
    definite=word_set("der den dem am"),
    currencies=named(
        EUR="euro euros €", USD="dollar dollars $", GBP="pfund £", CHF="franken", JPY="yen ¥"
    ),
    cents=word_set("cent cents rappen"),
    parts=named(
        am="morgens vormittags vormittag früh", pm="nachmittags nachmittag abends abend nachts nacht",
    ),
    night=word_set("nachts nacht"),
    noon=word_set("mittag mittags"),
    midnight=word_set("mitternacht"),
    hour_words=word_set("uhr"),
    clock_words=AFTER | BEFORE | word_set("viertel halb"),
    clock_phrase=clock_phrase,
    letters=SPELLING_ALPHABET,
    as_in=(("wie",), ("für",)),
    name_prefix=r"(?:(?:also|hallo|ja|ok|okay|äh+m*)[\s,.]+)*"
    r"(?:(?:mein|der)\s+(?:\w+\s+)?name\s+ist\s+|ich\s+(?:heiße|heisse|bin)\s+|hier\s+(?:ist|spricht)\s+)?",
    rewrites=(
        (r"hundert(?:und)?(?=[^\W\d_])", " hundert "),
        (r"(?<=[^\W\d_])hundert", " hundert"),
        (r"tausend(?:und)?(?=[^\W\d_])", " tausend "),
        (r"(?<=[^\W\d_])tausend", " tausend"),
    ),
    ordinal_endings=word_set("te ten ter ste sten ster"),
    noise=word_set(
        "äh ähm hm mm bitte der die das den dem ist es meine mein nummer lautet also ja ok okay ich möchte"
        " hätte gern gerne will um gegen am im so und dann von danke code konto für ab"
    ),
)  # fmt: skip
