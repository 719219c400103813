"""French phrases of several words that mean yes or no, though their words may not: "pourquoi pas"."""

YES_IDIOMS = (
    "pourquoi pas", "pas de problème", "pas de souci", "pas de soucis", "aucun problème", "aucun souci",
    "bien sûr", "bien sûr que oui", "bien entendu", "avec plaisir", "ça marche", "ça me va",
    "ça me convient", "allez y", "vas y", "je veux bien", "très bien", "c est bon", "c est bien ça",
    "c est cela", "c est juste", "c est parfait", "bonne idée", "sans problème", "sans aucun doute",
    "pas d objection", "je n y vois pas d inconvénient", "je crois que oui", "je pense que oui",
    "volontiers", "évidemment", "carrément", "absolument", "certainement", "effectivement",
    "si vous voulez", "et comment", "il n y a pas de problème", "y a pas de problème", "pas mal",
    "tout à fait", "exactement",
)  # fmt: skip
NO_IDIOMS = (
    "bien sûr que non", "certainement pas", "absolument pas", "surtout pas", "pas maintenant",
    "pas vraiment", "pas tout à fait", "pas du tout", "en aucun cas", "hors de question", "je ne crois pas",
    "je crois pas", "je ne pense pas", "je pense pas", "ça ne me va pas", "ça ne marche pas",
    "ça ne me convient pas", "ce n est pas bon", "c est pas bon", "ce n est pas juste", "c est pas ça",
    "ce n est pas ça", "ce n est pas exact", "pas d accord", "jamais de la vie", "c est faux", "sans façon",
    "pas exactement", "évidemment pas", "évidemment que non", "non merci",
)  # fmt: skip
NEITHER_IDIOMS = (
    "je ne sais pas", "je sais pas", "aucune idée", "je n en sais rien", "peut être", "peut être pas",
    "oui et non", "ça m est égal", "je n ai pas compris", "j ai pas compris", "pas sûr",
    "je ne suis pas sûr",
)  # fmt: skip
