"""Whether a prompt arrived, from what a recogniser wrote of a whole call."""

import pytest

from ivr.dialplan.matching import words
from ivr.service.sip_rehearsal import HEARD_SHARE, share

CALL = """Welcome to the demo line. You can interrupt me at any time. Say Sales, Billing or Opening Hours, or
press 1, 2 or 3. This is Billing, your last in voice is paid, and nothing is dew. Good bye."""


@pytest.mark.parametrize(
    ("said", "arrived"),
    [
        ("Welcome to the demo line. You can interrupt me at any time.", True),
        ("This is billing. Your last invoice is paid, and nothing is due.", True),
        ("Press one, two or three.", True),
        ("Goodbye.", False),
        ("Good bye.", True),
        ("We are open from nine in the morning to five in the afternoon.", False),
        ("time any at me interrupt can you line demo the", False),
    ],
)
def test_most_of_its_words_in_their_order(said: str, arrived: bool) -> None:
    assert (share(words(said), words(CALL)) >= HEARD_SHARE) == arrived


def test_nothing_was_heard() -> None:
    assert share(words("Hello."), []) == 0 and share([], words(CALL)) == 0
