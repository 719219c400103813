"""Markup in texts: what is said, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan.values.markup import PARAGRAPH_MS, MarkupError, Silence, check_markup, has_markup, pieces


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello.", ["Hello."]),
        ('Wait <break time="500ms"/> here.', ["Wait", Silence(500), "here."]),
        ("Wait <break/>, <break strength='x-strong'/>here.", ["Wait", Silence(400), Silence(1000), "here."]),
        ("It is <emphasis level='strong'>very</emphasis> late.", ["It is very late."]),
        ("<p><s>One.</s><s>Two.</s></p><p>Three.</p>",
         ["One. Two.", Silence(PARAGRAPH_MS), "Three.", Silence(PARAGRAPH_MS)]),
        ("Id <say-as interpret-as='characters'>ab1</say-as>.", ["Id A B one."]),
        ("On <say-as interpret-as='date'>2027-05-03</say-as>", ["On the third of May, twenty twenty-seven"]),
        ("By <say-as interpret-as='date'>Monday</say-as>", ["By Monday"]),
        ("Is 3 < 4, or > 2?", ["Is 3 < 4, or > 2?"]),
        # What only a value can bring along: it is not read aloud, and breaks nothing.
        ("Dear <b>Bob</b> <script>", ["Dear Bob"]),
        ("a </p> b <say-as interpret-as='x'>c", ["a", Silence(PARAGRAPH_MS), "b c"]),
        ("<break time='99999s'/>", [Silence(10_000)]),
    ],
)  # fmt: skip
def test_pieces(text: str, said: list[str | Silence]) -> None:
    assert pieces(text, "en") == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<b>Hello</b>", "<b> is not one of <break>, <say-as>, <emphasis>, <p>, <s>"),
        ("<p>Hello", "<p> is not closed"),
        ("Hello</p>", "</p> closes what is not open"),
        ("<p><s>Hello</p></s>", "</p> closes what is not open"),
        ("<break>", "a break has nothing in it"),
        ("<break time='soon'/>", "the time of <break> is such as 500ms"),
        ("<break time='11s'/>", "at most 10s"),
        ("<break strength='big'/>", "the strength of <break> is one of"),
        ("<break tiem='1s'/>", "<break> has no attribute 'tiem'"),
        ("<break time=1s/>", "is not written as name"),
        ("<say-as>1</say-as>", "<say-as> needs an interpret-as"),
        ("<emphasis level='huge'>x</emphasis>", "the level of <emphasis>"),
        ("Hello <break", "begins markup that does not end with >"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(MarkupError) as caught:
        check_markup(text)
    assert why in str(caught.value)


@given(st.text(alphabet="<>/ abps='\"0-=breakmeti", max_size=300))
def test_nothing_breaks_it_and_no_tag_is_said(text: str) -> None:
    said = pieces(text, "en")
    assert not any(isinstance(each, str) and has_markup(each) for each in said)
