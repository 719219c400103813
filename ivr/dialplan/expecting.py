"""What a gather's caller is expected to say, in the session's terms: how long a pause is waited for and which
words are an answer depend on it.
"""

from collections.abc import Mapping, Sequence

from ivr.dialplan.matching import Matcher, spoken
from ivr.session.options import Expectation, ExpectedKind

Choices = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Name to (phrases, keys), as ``Matcher`` takes them."""

_YES_NO = (
    "yes yeah yep yup yea sure ok okay right correct thats it is no nope nah not now wrong"
    " oui ouais si non ja jo doch nein nö sí"
)
YES_NO = frozenset(_YES_NO.split())
"""Words of which whole answers to a yes-or-no question are made, as ``matching.words`` writes them."""


def expectation(choices: Choices, matcher: Matcher | None = None) -> Expectation:
    """``matcher`` is that of the choices, when there is one already."""
    matcher = matcher or Matcher(choices)
    return Expectation(
        kind=_kind(choices),
        fits=matcher.fits,
        may_go_on=matcher.may_go_on,
        choices={name: (tuple(say), tuple(press)) for name, (say, press) in choices.items()},
    )


def _kind(choices: Choices) -> ExpectedKind:
    phrases = [spoken(phrase) for say, _ in choices.values() for phrase in say]
    words = [word for phrase in phrases for word in phrase]
    if words and YES_NO.issuperset(words):
        return "yes_no"
    digits = [key for _, press in choices.values() for key in press if key.isdigit()]
    if (words or digits) and all(word.isdigit() for word in words):
        return "digits"
    return "menu"
