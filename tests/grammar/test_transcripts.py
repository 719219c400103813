"""Words after which a sentence goes on."""

import pytest

from ivr.grammar.transcripts import is_unfinished


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("My account number is", "en"),
        ("could I have the", "en-GB"),
        ("I want two tickets and...", "en"),
        ("Um,", "en"),
        ("je voudrais parler à", "fr"),
        ("c'était", "fr-BE"),
        ("ich möchte mit", "de"),
        ("quiero hablar con", "es"),
    ],
)
def test_more_must_follow(text: str, language: str) -> None:
    assert is_unfinished(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("[music]", "en"),
        ("Yes it is.", "en"),
        ("I want to pay my bill", "en"),
        ("is", "en"),
        ("My account number is", "fi"),
        ("oui merci", "fr"),
        ("nein danke", "de"),
        ("sí, por favor", "es"),
    ],
)
def test_it_may_be_all(text: str, language: str) -> None:
    assert not is_unfinished(text, language)
