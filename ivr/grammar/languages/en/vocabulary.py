"""English words of typed values."""

from ivr.grammar.languages.en.clock import PAST, TO, clock_phrase
from ivr.grammar.languages.spelling_alphabet import SPELLING_ALPHABET
from ivr.grammar.languages.vocabulary import Vocabulary, named, numbered, word_set

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
VOCABULARY = Vocabulary(
    small=numbered(_SMALL) | {"nought": 0, "naught": 0, "nil": 0, "niner": 9},
    tens=numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10) | {"fourty": 40},
    ordinals=numbered(_ORDINALS) | {"twentieth": 20, "thirtieth": 30},
    hundred=word_set("hundred"),
    scales={"thousand": 1000, "million": 10**6, "billion": 10**9},
    joints=word_set("and"),
    number_noise=word_set("a"),
    oh=word_set("oh o"),
    digit_homophones={"won": 1, "to": 2, "too": 2, "tree": 3, "free": 3, "for": 4, "fore": 4, "ate": 8},
    times={"double": 2, "triple": 3, "treble": 3},
    point=word_set("point dot"),
    minus=word_set("minus negative"),
    plus=word_set("plus"),
    half=word_set("half"),
    yes=word_set("yes yeah yep yup yea sure ok okay absolutely definitely certainly affirmative mhm"),
    assent=word_set(
        "right correct thats exactly it is fine good please perfect lovely great brilliant alright"
    ),
    no=word_set("no nope nah not wrong incorrect never negative dont isnt"),
    denials=word_set("not never dont isnt didnt"),
    months=numbered(
        "january february march april may june july august september october november december", 1
    )
    | numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)
    | {"sept": 9},
    not_months={"may": "i"},
    weekdays=numbered("monday tuesday wednesday thursday friday saturday sunday")
    | numbered("mondays tuesdays wednesdays thursdays fridays saturdays sundays")
    | {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thurs": 3, "fri": 4, "sat": 5, "sun": 6},
    days={"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1},
    day_phrases={"day after tomorrow": 2, "day before yesterday": -2},
    units={"day": 1, "days": 1, "week": 7, "weeks": 7, "fortnight": 14, "month": -1, "months": -1},
    ago=(word_set("ago"),),
    ahead=word_set("in from"),
    last=word_set("last"),
    this=word_set("this"),
    next_week=word_set("next"),
    week_later=("after next", "week"),
    definite=word_set("the"),
    currencies=named(
        EUR="euro euros €", USD="dollar dollars buck bucks $", GBP="pound pounds quid sterling £",
        CHF="franc francs", JPY="yen ¥",
    ),
    cents=word_set("cent cents penny pence p"),
    parts={
        "am": "am", "pm": "pm", "morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm",
        "tonight": "pm",
    },
    night=word_set("night"),
    noon=word_set("noon midday"),
    midnight=word_set("midnight"),
    hour_words=word_set("oclock hour hours hundred h"),
    clock_words=PAST | TO,
    clock_phrase=clock_phrase,
    as_in=(("as", "in"), ("like", "in"), ("for", "in"), ("as",), ("like",), ("for",)),
    name_prefix=r"(?:(?:well|hello|hi|yes|ok|okay|um+|uh+|er+)[\s,.]+)*"
    r"(?:(?:my|the|her|his|our|their)\s+(?:\w+\s+)?name(?:'s|\s+is)\s+"
    r"|(?:it|this)(?:'s|\s+is)\s+|i(?:'m|\s+am)\s+)?",
    letters=SPELLING_ALPHABET,
    rewrites=((r"\b([ap])\.?\s?m\b\.?", r" \1m "),),
    ordinal_endings=word_set("st nd rd th"),
    noise=word_set(
        "uh um uhm er erm ah eh hm hmm mm please the a an my your its is it so well ok okay yes yeah this"
        " that thats number id im i would like want to be will make say said and then of on at for about"
        " around in digits code pin account press pressed dash hyphen"
    ),
)  # fmt: skip
