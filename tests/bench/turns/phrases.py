"""What nobody recorded: the texts that the project's voices speak. ``|`` is where the speaker hesitates."""

BACKCHANNELS = {
    "en": (
        "uh-huh", "okay", "mm", "mm-hmm", "right", "yeah", "yes", "sure", "I see", "got it", "oh okay",
        "yeah yeah", "right right", "uh-huh okay", "okay yes",
    ),
    "fr": (
        "oui oui", "d'accord", "mm", "mm mm", "oui", "ok", "ah oui", "bien sûr", "je vois", "ouais",
        "très bien",
    ),
}  # fmt: skip

INTERRUPTIONS = {
    "en": (
        "wait", "no, stop", "stop it please", "I have a question", "hold on a second", "excuse me",
        "that is not what I asked", "can I speak to somebody", "billing please", "go back", "repeat that",
        "I want to cancel my order", "what did you say", "my number is four seven one", "cancel",
        "operator", "actually I changed my mind", "no no no", "where is my parcel", "hang on",
        "okay but I need the other one", "yes but not today", "right, and how much is it",
    ),
    "fr": (
        "attendez", "non, arrêtez", "stop", "j'ai une question", "un instant s'il vous plaît",
        "excusez-moi", "je voudrais parler à quelqu'un", "facturation", "répétez",
        "ce n'est pas ce que j'ai demandé", "je veux annuler ma commande", "opérateur",
        "oui mais pas aujourd'hui", "qu'est-ce que vous avez dit",
    ),
}  # fmt: skip

SENTENCES = {
    "en": (
        "I would like to change my appointment", "where is the nearest office", "I want to pay my bill",
        "my order has not arrived yet", "can you send it again please", "it is about an invoice",
        "I need help with my password", "what are your opening hours", "I am calling about the flat",
        "tomorrow at nine would be fine",
    ),
    "fr": (
        "je voudrais changer mon rendez-vous", "quels sont vos horaires d'ouverture",
        "ma commande n'est pas arrivée", "je voudrais payer ma facture", "c'est au sujet d'un contrat",
    ),
}  # fmt: skip

YES_NO = {
    "en": ("yes", "no", "yes please", "no thank you"),
    "fr": ("oui", "non", "oui merci", "non merci"),
}

CHOICES = {
    "en": ("billing", "support", "sales", "two", "the second one"),
    "fr": ("facturation", "la deuxième"),
}

ANSWERS = {language: YES_NO[language] + CHOICES[language] for language in YES_NO}

HESITATIONS = {
    "en": (
        "I would like to,| speak to somebody about my bill", "my account number is,| four seven one nine",
        "can you tell me,| when it will arrive", "I am calling because,| the heating does not work",
        "it was on,| Tuesday I think", "well,| I am not sure about that",
        "the address is,| twelve Station Road", "I want two tickets and,| one for a child",
        "could I have the,| the large one please", "yes, but,| not before the end of the month",
    ),
    "fr": (
        "je voudrais,| parler à quelqu'un", "mon numéro de client est le,| quatre sept un neuf",
        "j'appelle parce que,| le chauffage ne marche plus", "c'était,| mardi je crois",
        "oui, mais,| pas avant la fin du mois",
    ),
}  # fmt: skip

PROMPTS = (
    "Thank you for calling the city library. Our opening hours are Monday to Friday from nine in the "
    "morning until six in the evening, and on Saturdays from ten until two. If you want to renew a "
    "book, have your card number at hand. For events in the reading room, visit our web page or ask at "
    "the desk on the ground floor.",
    "Your order has been received and will be sent today. You will get a message with a link as soon as"
    " the parcel has left our warehouse. If nobody is at home, the driver leaves it with a neighbour, "
    "or takes it to the nearest shop, where you can collect it within seven days. Please bring a "
    "document with your photograph.",
    "All of our colleagues are speaking to other customers at the moment. You are number three in the "
    "queue, and the waiting time is about five minutes. While you wait, let me tell you about our new "
    "service. With it you can read your meter, pay your bills, and change your address, at any time and"
    " without waiting.",
)
"""Spoken by the service's own voice; long enough to be interrupted anywhere."""
