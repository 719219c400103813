"""The words of which typed answers are made, by language."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def _numbered(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _named(**values: str) -> dict[str, str]:
    return {word: name for name, words in values.items() for word in words.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language's, in small letters, without apostrophes."""

    small: Mapping[str, int]
    """0 to 19."""
    tens: Mapping[str, int]
    ordinals: Mapping[str, int]
    hundred: frozenset[str]
    scales: Mapping[str, int]
    joints: frozenset[str]
    """May stand inside a number: "a hundred and one"."""
    oh: frozenset[str]
    alike: Mapping[str, int]
    """What recognisers write for a digit."""
    times: Mapping[str, int]
    """double, triple."""
    point: frozenset[str]
    minus: frozenset[str]
    half: frozenset[str]
    yes: frozenset[str]
    assent: frozenset[str]
    """Yes, where nothing denies it: "that is right"."""
    no: frozenset[str]
    denials: frozenset[str]
    """No, about the words that follow."""
    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    days: Mapping[str, int]
    """today, tomorrow: days from now."""
    units: Mapping[str, int]
    """Days in a week, a day; months are -1."""
    currencies: Mapping[str, str]
    cents: frozenset[str]
    parts: Mapping[str, str]
    """Of a day, to am or pm."""
    noon: frozenset[str]
    midnight: frozenset[str]
    as_in: frozenset[str]
    """Between a letter and the word that begins with it."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """Words that stand for a letter."""
    noise: frozenset[str]
    """Says nothing."""


_EN_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_EN_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_NATO = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec"
    " romeo sierra tango uniform victor whiskey xray yankee zulu"
)
NATO = {word: word[0] for word in _NATO.split()} | {"alfa": "a", "juliett": "j", "whisky": "w"}

ENGLISH = Words(
    small=_numbered(_EN_SMALL) | {"nought": 0, "naught": 0, "nil": 0, "niner": 9},
    tens=_numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10) | {"fourty": 40},
    ordinals=_numbered(_EN_ORDINALS) | {"twentieth": 20, "thirtieth": 30},
    hundred=_set("hundred"),
    scales={"thousand": 1000, "million": 10**6, "billion": 10**9},
    joints=_set("and"),
    oh=_set("oh o"),
    alike={"won": 1, "to": 2, "too": 2, "tree": 3, "free": 3, "for": 4, "fore": 4, "ate": 8},
    times={"double": 2, "triple": 3, "treble": 3},
    point=_set("point dot"),
    minus=_set("minus negative"),
    half=_set("half"),
    yes=_set("yes yeah yep yup yea sure ok okay absolutely definitely certainly affirmative"),
    assent=_set("right correct thats exactly it is fine good please"),
    no=_set("no nope nah not wrong incorrect never negative dont isnt"),
    denials=_set("not never dont isnt didnt"),
    months=_numbered(
        "january february march april may june july august september october november december", 1
    )
    | _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)
    | {"sept": 9},
    weekdays=_numbered("monday tuesday wednesday thursday friday saturday sunday")
    | _numbered("mondays tuesdays wednesdays thursdays fridays saturdays sundays")
    | {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thurs": 3, "fri": 4, "sat": 5, "sun": 6},
    days={"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1},
    units={"day": 1, "days": 1, "week": 7, "weeks": 7, "fortnight": 14, "month": -1, "months": -1},
    currencies=_named(
        EUR="euro euros €", USD="dollar dollars buck bucks $", GBP="pound pounds quid sterling £",
        CHF="franc francs", JPY="yen ¥",
    ),
    cents=_set("cent cents penny pence p"),
    parts={
        "am": "am", "pm": "pm", "morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm",
        "tonight": "pm",
    },
    noon=_set("noon midday"),
    midnight=_set("midnight"),
    as_in=_set("as like for"),
    letters=NATO,
    noise=_set(
        "uh um uhm er erm ah eh hm hmm mm please the a an my your its is it so well ok okay yes yeah this"
        " that thats number id im i would like want to be will make say said and then of on at for about"
        " around in digits code pin account press pressed dash hyphen"
    ),
)  # fmt: skip

_FR_SMALL = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
FRENCH = Words(
    small=_numbered(_FR_SMALL) | {"zero": 0, "une": 1},
    tens=_numbered("vingt trente quarante cinquante soixante", 20, 10)
    | {"vingts": 20, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90},
    ordinals={"premier": 1, "première": 1, "deuxième": 2, "second": 2, "troisième": 3},
    hundred=_set("cent cents"),
    scales={"mille": 1000, "million": 10**6, "millions": 10**6, "milliard": 10**9, "milliards": 10**9},
    joints=_set("et"),
    oh=_set("o"),
    alike={"de": 2, "cette": 7, "set": 7, "sète": 7, "uit": 8},
    times={"double": 2, "triple": 3},
    point=_set("virgule point"),
    minus=_set("moins"),
    half=_set("demi demie"),
    yes=_set("oui ouais si ok okay"),
    assent=_set("exact exactement correct correcte bien ça daccord accord parfait juste c ce est d cela"),
    no=_set("non pas nan faux jamais incorrect"),
    denials=_set("pas jamais"),
    months=_numbered(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre", 1
    )
    | {"fevrier": 2, "aout": 8, "decembre": 12},
    weekdays=_numbered("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    days={"aujourdhui": 0, "demain": 1, "hier": -1, "avanthier": -2},
    units={"jour": 1, "jours": 1, "semaine": 7, "semaines": 7, "quinzaine": 15, "mois": -1},
    currencies=_named(
        EUR="euro euros €", USD="dollar dollars $", GBP="livre livres £", CHF="franc francs", JPY="yen yens ¥"
    ),
    cents=_set("centime centimes"),
    parts={"matin": "am", "aprèsmidi": "pm", "soir": "pm", "soirée": "pm", "midi": "pm"},
    noon=_set("midi"),
    midnight=_set("minuit"),
    as_in=_set("comme"),
    letters=NATO,
    noise=_set(
        "euh heu hum ah le la les l mon ma mes c est ce le du de d numéro alors oui voilà ok"
        " bon je voudrais veux s il vous plaît sil te à pour tiret code compte et donc"
    ),
)

_BY_LANGUAGE = {"en": ENGLISH, "fr": FRENCH}


def words_of(language: str) -> Words:
    """Those of ``language`` (``en-GB`` is en); English where there are none: figures are the same."""
    return _BY_LANGUAGE.get(language.partition("-")[0], ENGLISH)
