"""French: what is said around a value, corrections, and what recognisers write for letters and numbers."""

from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.vocabulary import word_set

_LETTERS = {
    "b": "bé", "c": "cé", "d": "dé", "f": "effe", "g": "gé", "h": "hache", "j": "ji", "k": "ka",
    "l": "elle", "m": "aime", "n": "haine", "p": "pé", "q": "ku", "r": "air erre", "s": "esse", "t": "thé té",
    "v": "vé", "x": "ixe", "z": "zède",
}  # fmt: skip
LETTER_NAMES: dict[tuple[str, ...], str] = {
    (word,): letter for letter, words in _LETTERS.items() for word in words.split()
} | {
    ("double", "v"): "w",
    ("double", "vé"): "w",
    ("i", "grec"): "y",
}

ANSWERS = AnswerRules(
    before=(
        r"(?:mon|ma|le|la|mes|les|ce|votre|son) (?:\w+ ){0,4}?(?:est|cest|sera|serait)",
        r"(?:c est|cest|ce sera|ce serait|ça sera|il y a|il y en a|on est|nous sommes|on sera|nous serons"
        r"|je suis)",
        r"(?:je )?(?:crois|pense|dirais|voudrais|prends|veux)(?: que)?(?: c est| cest)?",
        r"(?:vous pouvez )?(?:m appeler|me joindre|mappeler|me rappeler) (?:au|sur le|à)",
        r"(?:juste|seulement|environ|peut être|exactement|alors|euh|bon|oui|ben|bah|pour|disons|voyons"
        r"|attendez"
        r"|au|le|un instant|une seconde|numéro)",
    ),
    after=(
        r"(?:merci|merci beaucoup|merci bien|s il vous plaît|sil vous plaît|au revoir|voilà|oui"
        r"|exactement|donc)",
        r"(?:je crois|je pense|il me semble|sauf erreur|à peu près|environ|si possible|en tout|seulement)",
        r"(?:personnes?|c est tout|cest tout|c est ça|cest ça)",
    ),
    corrections=(
        r"(?:non|ah non|euh non|pardon|non pardon|désolé|excusez moi|je veux dire|je voulais dire|ou plutôt"
        r"|plutôt|non plutôt|attendez|enfin)",
    ),
    clock_joints=(r"à", r"vers", r"dès"),
    weekday_joints=word_set("de du d le en"),
    next_month=word_set("prochain"),
    named_days={
        "jour de l an": (1, 1), "nouvel an": (1, 1), "noël": (12, 25), "saint sylvestre": (12, 31),
        "fête nationale": (7, 14), "toussaint": (11, 1),
    },
    letter_names=LETTER_NAMES,
    as_in=(("comme", "dans"), ("comme",)),
    confusable_letters=("bcdegptvw", "mn", "fs", "ahk"),
)  # fmt: skip
