"""What the words of a transcript say about the turn: whether they are only a backchannel, whether the
sentence goes on, how much two transcripts have in common.
"""

import re
from collections import Counter

from ivr.grammar.languages import registry

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+", re.UNICODE)
_NOTE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|♪[^♪]*♪?")
"""What recognisers write for sounds that are no words: [music], (coughs), *sighs*."""


def transcript_words(text: str) -> list[str]:
    """Return the words of a transcript in lower case, without notes about noises."""
    return _WORD.findall(_NOTE.sub(" ", text).lower().replace("’", "'"))


def is_backchannel(text: str, language: str) -> bool:
    """Return whether ``text`` has nothing but backchannels ("uh-huh") of ``language`` ("en", "en-GB"), or no
    word at all.
    """
    known = registry.backchannels(language)
    return all(word in known or set(word.split("-")) <= known for word in transcript_words(text))


def word_overlap(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, 0.0 to 1.0: 1.0 for the same words in any
    order.
    """
    a, b = Counter(transcript_words(one)), Counter(transcript_words(other))
    most = max(a.total(), b.total())
    return (a & b).total() / most if most else 1.0


def is_unfinished(text: str, language: str) -> bool:
    """Return whether more must follow the last word of ``text``: after an article or a preposition a sentence
    goes on. A model of sound does not know that: people who think about a number say "my number is" with a
    falling voice. False where the language is not known.
    """
    words = transcript_words(text)
    known = registry.find_language(language)
    if not words or known is None:
        return False
    if words[-1] in known.copulas:
        return len(words) > 1 and words[-2] not in known.subject_pronouns
    return words[-1].rpartition("-")[2] in known.open_words
