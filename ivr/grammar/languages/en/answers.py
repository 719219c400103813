"""English: what is said around a value, corrections, and what recognisers write for letters and numbers."""

from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.vocabulary import word_set

_LETTERS = {
    "a": "ay eh", "b": "be bee", "c": "see sea cee", "d": "dee", "e": "ee", "f": "eff", "g": "gee",
    "h": "aitch haitch", "i": "eye aye", "j": "jay", "k": "kay okay", "l": "el ell", "m": "em", "n": "en",
    "o": "oh", "p": "pea pee", "q": "queue cue", "r": "are our ar", "s": "es ess", "t": "tea tee",
    "u": "you ewe", "v": "vee", "x": "ex axe", "y": "why", "z": "zed zee", "ne": "any", "sa": "essay",
    "nv": "envy", "ic": "icy", "kt": "katie", "ez": "easy", "xl": "excel", "ok": "okay",
}  # fmt: skip
LETTER_NAMES: dict[tuple[str, ...], str] = {
    (word,): letters for letters, words in _LETTERS.items() for word in words.split() if word != "okay"
} | {("double", "u"): "w", ("double", "you"): "w", ("okay",): "ok"}

ANSWERS = AnswerRules(
    before=(
        r"(?:my|the|our|his|her|your|its|this|that|a) (?:\w+ ){0,4}?(?:is|was|would be|should be)",
        r"(?:my|the|our|his|her|your) [a-z]+s",
        r"(?:my |the |our )?(?:post ?code|zip ?code|order|booking|tracking|account|reference|number|code"
        r"|phone"
        r"|mobile|customer|policy|serial)(?: number| code)?",
        r"(?:its|it is|it was|thats|that is|thatll be|that will be|it would be|it should be|itll be|this is)",
        r"(?:i|we) (?:think|believe|guess|suppose|reckon|said|have|want|need|do|am|are|would say)(?: its"
        r"| it is)?",
        r"(?:id say|id like|ill take|ill have|im|were|theres|there is|there are|there will be|make it"
        r"|lets say"
        r"|let me see|lets see|hold on|hang on|one moment|one second|just a moment|you can)",
        r"(?:call|reach|ring|phone) me (?:on|at|under)",
        r"(?:just|only|about|around|roughly|maybe|perhaps|probably|possibly|exactly|well|so|um|uh|okay|ok|yes"
        r"|yeah|yep|sure|please|on|at|for|the|party of|table for|group of|a party of|a table for)",
    ),
    after=(
        r"(?:thanks|thank you|cheers)(?: very much| so much| a lot| bye| goodbye)?",
        r"(?:please|bye|goodbye|okay|ok|right|then|now|though|yes|yeah|exactly|only|actually|ish)",
        r"(?:or so|or thereabouts|i think|i guess|i believe|i suppose|i reckon|if im not mistaken|i hope"
        r"|i am sure"
        r"|im sure|if thats okay|if that works|if possible|if you can|would be (?:good|great|fine|nice"
        r"|best))",
        r"(?:(?:that|it) is|thats|its) (?:it|all|right|correct|my \w+|the \w+|everything)",
        r"(?:that is|thats) (?:my|the) \w+ \w+",
        r"(?:of us|people|persons|guests|adults|of them|in total|all together|altogether)",
        r"is (?:it|that|my \w+|the \w+|fine|good|ok|okay|best)",
    ),
    corrections=(
        r"(?:no|nope|oh no|sorry|im sorry|no sorry|sorry no|no wait|wait|wait no|i mean|i meant|or rather"
        r"|rather"
        r"|no i mean|no i meant|correction|make that|no make that|no actually|actually|scratch that|excuse me"
        r"|no no|oops|sorry i mean|sorry i meant)",
    ),
    clock_joints=(r"at", r"on", r"by", r"around", r"from"),
    weekday_joints=word_set("of in the for"),
    next_month=word_set("next following"),
    named_days={
        "new years day": (1, 1), "new years eve": (12, 31), "christmas eve": (12, 24), "boxing day": (12, 26),
        "christmas day": (12, 25), "christmas": (12, 25), "valentines day": (2, 14), "halloween": (10, 31),
    },
    misheard={
        "time": (
            (r"\b(?:have|half|her|off) (?:past|passed|pass|fast)\b", "half past"),
            (r"\b(?:quarter|a quarter|corner) (?:past|passed|pass)\b", "quarter past"),
            (r"\b(?:quarter|corner) (?:too|two|2)\b(?= \w)", "quarter to"),
            (r"\b(past|after|to) (?:to|too)\b", r"\1 two"),
            (r"\b(past|after|to) (?:for|fore)\b", r"\1 four"),
            (r"\b(past|after|to|at) ate\b", r"\1 eight"),
            (r"\b(past|after|to|at) (?:won)\b", r"\1 one"),
            (r"\b(past|after|to|at) (?:tree|free)\b", r"\1 three"),
            (r"^(?:to|too)\b(?= \w)", "two"),
            (r"^(?:for|fore)\b(?= \w)", "four"),
            (r"^ate\b", "eight"),
        ),
        "digits": (
            (r"^(?:for|fore|forth)\b(?= \w)", "four"),
            (r"^(?:to|too)\b(?= \w)", "two"),
            (r"^won\b", "one"),
            (r"^(?:tree|free)\b", "three"),
            (r"^ate\b", "eight"),
            (r"\b(?:nein|mine|nigh|dine|nyne)\b", "nine"),
            (r"\b(?:sex|sics|sicks)\b", "six"),
            (r"\b(?:hate|hey)\b", "eight"),
            (r"\bfife\b", "five"),
        ),
        "number": (
            (r"^(?:half a dozen)\b", "six"),
            (r"^(?:two|a couple of) dozen\b", "twenty four"),
            (r"^(?:a|one) (?:dozen)\b", "twelve"),
            (r"^(?:a couple)(?: of)?\b", "two"),
            (r"^me$", "one"),
            (r"^(?:to|too)$", "two"),
            (r"^(?:for|fore)$", "four"),
            (r"^(?:ate)$", "eight"),
            (r"^(?:won|one one)$", "one"),
            (r"^(?:tree|free)$", "three"),
        ),
    },
    letter_names=LETTER_NAMES,
    as_in=(
        ("as", "in"), ("has", "in"), ("is", "in"), ("us", "in"), ("like", "in"), ("for", "in"), ("as",),
        ("has",), ("like",),
    ),
    as_in_same=(("for",), ("four",), ("is",)),
    confusable_letters=("bcdegptvz", "mn", "fsx", "ahjk"),
)  # fmt: skip
