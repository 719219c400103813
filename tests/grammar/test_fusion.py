"""What an answer is taken for, from its text and the phrases that fit its sound."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.grammar.answers import NO, YES, expected_answers
from ivr.grammar.expectation import Expectation
from ivr.grammar.fusion import THRESHOLDS
from ivr.grammar.inputs import InputSpec
from ivr.grammar.recognition import MAX_PHRASES, Hypothesis, RecognitionContext, hypotheses_of

MENU = expected_answers({name: ((name,), ()) for name in ("billing", "sales", "returns")})


def offered(**confidences: float) -> tuple[Hypothesis, ...]:
    found = [Hypothesis(name, name, confidence) for name, confidence in confidences.items()]
    return tuple(sorted(found, key=lambda each: -each.confidence))


@pytest.mark.parametrize(
    ("text", "confidence", "hypotheses", "result"),
    [
        # no phrase was compared: the text stands
        ("sales", 0.9, (), ("sales", "text")),
        # the sound is sure, and the text is nothing
        ("Thank you.", 0.4, offered(billing=0.97, sales=0.1), ("billing", "sound")),
        ("", 0.0, offered(billing=0.97), ("billing", "sound")),
        # the text means the likeliest phrase's choice, however sure that is
        ("Sales, please.", 0.5, offered(sales=0.4, billing=0.1), ("sales", "agree")),
        # the sound is sure of another choice
        ("sales", 0.4, offered(returns=0.95, sales=0.2), ("returns", "sound")),
        # it is not: the text decides
        ("sales", 0.4, offered(returns=0.6, sales=0.2), ("sales", "text")),
        # neither is sure
        ("nails", 0.4, offered(sales=0.6), ("nails", "unsure")),
        ("the weather", 0.4, offered(sales=0.1), ("the weather", "rejected")),
        # a long sentence that was understood well is no phrase
        ("I read that you open on Sunday", 0.9, offered(sales=0.95),
         ("I read that you open on Sunday", "unsure")),
    ],
)  # fmt: skip
def test_text_and_sound_are_weighed(
    text: str, confidence: float, hypotheses: tuple[Hypothesis, ...], result: tuple[str, str]
) -> None:
    found = MENU.understand(text, confidence, hypotheses)
    assert (found.text, found.rule) == result


def test_what_the_caller_denied_is_not_offered_again() -> None:
    denied = Expectation(
        phrases=MENU.phrases, meaning=MENU.meaning, fits=MENU.fits, rejected=frozenset({"billing"})
    )
    found = denied.understand("x", 0.2, offered(billing=0.97, sales=0.9))
    assert (found.text, found.rule) == ("sales", "sound")
    assert [each.meaning for each in found.hypotheses] == ["sales"]


def test_a_typed_value_in_the_text_is_kept_as_it_was_said() -> None:
    digits = expected_answers({"operator": (("operator",), ())}, spec=InputSpec(kind="digits"))
    assert digits.understand("4 7 1 9", 0.5, offered(operator=0.9)).text == "4 7 1 9"


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        # decoded surely: its text, whatever was transcribed
        ("For 719", {"4 7 1 9": 0.95}, ("4 7 1 9", "typed")),
        ("4 7 1 5", {"4 7 1 9": 0.95}, ("4 7 1 9", "typed")),
        # not surely: the text stands, and is confirmed
        ("4 7 1 9", {"4 7 1 9": 0.6}, ("4 7 1 9", "unsure")),
        ("Have a good week.", {"4 7 1 9": 0.6}, ("Have a good week.", "unsure")),
        ("Have a good week.", {"4 7 1 9": 0.1}, ("Have a good week.", "rejected")),
        # what is no value of the question is no hypothesis
        ("4 7 1 9", {"hello": 0.95}, ("4 7 1 9", "text")),
    ],
)
def test_typed_values_that_were_compared_with_the_sound(
    text: str, values: dict[str, float], result: tuple[str, str]
) -> None:
    asked = expected_answers({}, spec=InputSpec(kind="digits", min_digits=4, max_digits=4))
    assert asked.context.typed["kind"] == "digits"
    found = asked.understand(text, 0.5, [Hypothesis("", said, sure) for said, sure in values.items()])
    assert (found.text, found.rule) == result


def test_a_denied_value_is_not_offered_again() -> None:
    spec = InputSpec(kind="digits", min_digits=4, max_digits=4)
    asked = dataclasses.replace(expected_answers({}, spec=spec), rejected=frozenset({"4 7 1 9"}))
    found = asked.understand("x", 0.2, [Hypothesis("", "4 7 1 9", 0.95), Hypothesis("", "4 7 1 5", 0.9)])
    assert (found.text, found.rule) == ("4 7 1 5", "typed")


def test_yes_and_no_are_compared_by_their_phrases() -> None:
    asked = expected_answers({}, spec=InputSpec(kind="yes_no"))
    assert set(asked.phrases) == {YES, NO}
    heard = (Hypothesis(YES, "yeah", 0.95), Hypothesis(NO, "no", 0.02))
    assert asked.understand("Yeah, ER", 0.2, heard).text in ("yeah", "Yeah, ER")


def test_a_key_is_named_by_its_number() -> None:
    menu = expected_answers({"sales": (("sales",), ("1",)), "operator": ((), ("0", "*"))})
    assert menu.phrases == {"sales": ("sales", "one"), "operator": ("zero",)}


def test_a_question_of_very_many_phrases_is_answered_by_text() -> None:
    assert RecognitionContext(phrases={"a": ("x",) * MAX_PHRASES}).closed
    assert not RecognitionContext(phrases={"a": ("x",) * (MAX_PHRASES + 1)}).closed
    assert not RecognitionContext().closed


def test_stricter_levels_take_less() -> None:
    assert THRESHOLDS["strict"].accept > THRESHOLDS["balanced"].accept > THRESHOLDS["lenient"].accept


@given(
    st.text(max_size=30),
    st.floats(0, 1),
    st.lists(st.tuples(st.sampled_from(["billing", "sales"]), st.floats(0, 1))),
)
def test_any_answer_is_understood_or_not_without_an_error(
    text: str, confidence: float, offers: list[tuple[str, float]]
) -> None:
    heard = [Hypothesis(name, name, each) for name, each in offers]
    found = MENU.understand(text, confidence, heard)
    assert found.text in (text, *(each.phrase for each in heard))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=4)
    )
)
def test_a_recording_may_hold_anything_where_hypotheses_are(plain: object) -> None:
    for each in hypotheses_of(plain):
        assert hypotheses_of([[each.meaning, each.phrase, each.confidence]])
