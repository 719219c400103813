"""Italian words that decide about turns: backchannels, words that cannot end a sentence, yes and no."""

from ivr.grammar.languages.vocabulary import word_set

BACKCHANNELS = word_set("mm mmm mhm hm eh ehm ah oh sì si ok okay certo bene va capito ho esatto già giusto")
OPEN_WORDS = word_set(
    "il lo la i gli le un uno una mio mia miei mie tuo tua suo sua del della dei delle di a da in con su per"
    " tra fra e o ma perché che quando se è era ehm vorrei voglio al alla nel nella"
)
YES_NO_ANSWERS = word_set("sì si no certo esatto giusto corretto")

YES_PHRASES = (
    "sì", "sì, grazie", "sì, certo", "certo", "esatto", "va bene", "giusto", "è corretto", "d'accordo",
)  # fmt: skip
NO_PHRASES = (
    "no",
    "no, grazie",
    "non è corretto",
    "è sbagliato",
    "non è giusto",
    "per niente",
    "certo che no",
)
YES_IDIOMS = (
    "perché no", "come no", "certo che sì", "nessun problema", "non c'è problema", "senza problemi",
    "con piacere", "penso di sì", "credo di sì", "direi di sì",
)  # fmt: skip
NO_IDIOMS = (
    "assolutamente no", "direi di no", "penso di no", "credo di no", "meglio di no", "niente affatto",
    "non esatto", "non va bene",
)  # fmt: skip
