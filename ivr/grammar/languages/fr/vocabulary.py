"""French words of typed values."""

from collections.abc import Sequence

from ivr.grammar.languages.spelling_alphabet import SPELLING_ALPHABET
from ivr.grammar.languages.vocabulary import Vocabulary, named, numbered, word_set


def combine(part: int, value: int) -> int | None:
    """Return the number made of a number below 1000 and the number word after it: 60 and 11 are 71
    ("soixante-onze"), 4 and 20 are 80 ("quatre-vingts"); None when they are two numbers.
    """
    last = part % 100
    if value == 20 and last == 4:
        return part + 76
    if value < 10:
        fits = value >= 7 if last == 10 else last % 10 == 0
    elif value < 20:
        fits = last == 0 or (last in (60, 80) and value <= 16)
    else:
        fits = last == 0
    return part + value if fits else None


def joins_with_et(part: int, value: int) -> bool:
    """Return whether "et" joins ``value`` to ``part``: "vingt et un", "soixante et onze"."""
    return value in (1, 11) and part % 100 in (20, 30, 40, 50, 60, 70, 80, 90)


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and the minutes after it (negative: before it), or None: "trois heures et demie",
    "quatre heures moins le quart".
    """
    match parts:
        case [int(hour), "et", "demi" | "demie"]:
            return hour, 30
        case ["demi" | "demie", int(hour)]:
            return hour, 30
        case [int(hour), "et", "quart"]:
            return hour, 15
        case [int(hour), "moins", "quart"]:
            return hour, -15
        case [int(hour), "moins", int(minutes)] if 0 < minutes < 60:
            return hour, -minutes
    return None


_SMALL = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
VOCABULARY = Vocabulary(
    small=numbered(_SMALL) | {"zero": 0, "une": 1},
    tens=numbered("vingt trente quarante cinquante soixante", 20, 10)
    | {"vingts": 20, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90},
    ordinals={"premier": 1, "première": 1, "deuxième": 2, "second": 2, "troisième": 3},
    hundred=word_set("cent cents"),
    scales={"mille": 1000, "million": 10**6, "millions": 10**6, "milliard": 10**9, "milliards": 10**9},
    joints=word_set("et"),
    joins=joins_with_et,
    combine=combine,
    number_noise=word_set("a il"),
    oh=word_set("o"),
    digit_homophones={"de": 2, "cette": 7, "set": 7, "sète": 7, "uit": 8},
    times={"double": 2, "triple": 3},
    point=word_set("virgule point"),
    minus=word_set("moins"),
    plus=word_set("plus"),
    half=word_set("demi demie"),
    yes_word="oui",
    no_word="non",
    yes=word_set("oui ouais si ok okay"),
    assent=word_set("exact exactement correct correcte bien ça daccord accord parfait juste c ce est d cela"),
    no=word_set("non pas nan faux jamais incorrect"),
    denials=word_set("pas jamais"),
    months=numbered("janvier février mars avril mai juin juillet août septembre octobre novembre décembre", 1)
    | {"fevrier": 2, "aout": 8, "decembre": 12},
    weekdays=numbered("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    days={"aujourdhui": 0, "demain": 1, "hier": -1, "avanthier": -2},
    day_phrases={"après demain": 2, "avant hier": -2},
    units={"jour": 1, "jours": 1, "semaine": 7, "semaines": 7, "quinzaine": 15, "mois": -1},
    ago=(word_set("il a"),),
    ahead=word_set("dans"),
    last=word_set("dernier"),
    this=word_set("ce"),
    week_later=("en huit",),
    definite=word_set("le"),
    currencies=named(
        EUR="euro euros €", USD="dollar dollars $", GBP="livre livres £", CHF="franc francs", JPY="yen yens ¥"
    ),
    cents=word_set("centime centimes"),
    parts={"matin": "am", "aprèsmidi": "pm", "soir": "pm", "soirée": "pm", "midi": "pm"},
    noon=word_set("midi"),
    midnight=word_set("minuit"),
    hour_words=word_set("heure heures h"),
    clock_words=word_set("et"),
    clock_phrase=clock_phrase,
    as_in=(("comme",),),
    name_prefix=r"(?:(?:alors|bonjour|oui|ok|euh+|bon)[\s,.]+)*"
    r"(?:(?:mon|le|son)\s+nom(?:\s+c)?(?:\s+|')est\s+|c'est\s+|je\s+(?:m'appelle|suis)\s+)?",
    letters=SPELLING_ALPHABET,
    contractions=(
        (r"apr[eè]s[- ]midi", "aprèsmidi"),
        (r"aujourd[’'`´ ]hui", "aujourdhui"),
        (r"(?<=\b[ldnsjcm])[’'`´](?=[a-zà-ÿ]{2,})", " "),  # l'an, d'euros; but not it's
    ),
    ordinal_endings=word_set("er ère e ème eme"),
    noise=word_set(
        "euh heu hum ah le la les l mon ma mes c est ce le du de d numéro alors oui voilà ok"
        " bon je voudrais veux s il vous plaît sil te à pour tiret code compte et donc"
    ),
)
