"""Which choice was meant: what must match, what must not, what nobody can tell."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.grammar.languages import registry
from ivr.grammar.languages.en.matching import MATCHING, sound
from ivr.grammar.matching import MIN_CONFIDENCE, SURE_CONFIDENCE, Matcher, normalize
from ivr.grammar.word_similarity import closeness, distance

MENU = Matcher(
    {
        "sales": (["sales", "place an order"], ["1"]),
        "billing": (["billing", "invoice", "pay my bill"], ["2"]),
        "hours": (["opening hours"], ["3"]),
        "story": (["story"], ["4"]),
        "support": (["sales support"], ["*"]),
        "bye": (["goodbye", "hang up"], ["12"]),
    }
)
YES_NO = Matcher({"yes": (["yes", "yeah", "correct"], []), "no": (["no", "nope"], [])})


def chosen(menu: Matcher, heard: str) -> str | None:
    found = menu.match(heard)
    return found.choice if found else None


@pytest.mark.parametrize(
    ("heard", "choice"),
    [
        ("Sales.", "sales"),
        ("SALES!", "sales"),
        ("uh, sales, please", "sales"),
        ("I'd like to talk to sales please.", "sales"),
        ("the sales department", "sales"),
        ("Could you put me through to sales?", "sales"),
        ("sale", "sales"),
        ("Sails.", "sales"),
        ("sells", "sales"),
        ("I want to place an order.", "sales"),
        ("place the order", "sales"),
        ("place in order.", "sales"),
        ("pay off my bill", "billing"),
        ("Billing please.", "billing"),
        ("bealing", "billing"),
        ("Bealing, please.", "billing"),
        ("billin'", "billing"),
        ("it's about an invoice", "billing"),
        ("invoices", "billing"),
        ("in voice", "billing"),
        ("I have to pay the bill", "billing"),
        ("opening ours", "hours"),
        ("Opening hours?", "hours"),
        ("What are your opening hours?", "hours"),
        ("open in hours", "hours"),
        ("opening our", "hours"),
        ("Tell me the story", "story"),
        ("stories", "story"),
        ("sales support", "support"),
        ("not sales, billing", "billing"),
        ("I don't want sales, I want billing", "billing"),
        ("Good bye.", "bye"),
        ("good-bye", "bye"),
        ("one", "sales"),
        ("2", "billing"),
        ("Two.", "billing"),
        ("To.", "billing"),
        ("Too", "billing"),
        ("press two", "billing"),
        ("number three please", "hours"),
        ("Four", "story"),
        ("For.", "story"),
        ("Fourth", "story"),
        ("Free.", "hours"),
        ("twelve", "bye"),
    ],
)
def test_what_is_understood(heard: str, choice: str) -> None:
    found = MENU.match(heard)
    assert found is not None and found.choice == choice


@pytest.mark.parametrize(
    "heard",
    [
        "", " ", ".", "…", "uh", "the", "please", "you", "Thank you.", "Thanks for watching!",
        "[BLANK_AUDIO]", "(music)",
        "selfish", "He is selfish.", "wholesale", "salesman", "salsa", "tales", "males", "place no order",
        "scales",
        "salad", "soles",
        "building", "bowling", "boiling", "filling", "feeling", "ceiling", "Bill", "wheeling and dealing",
        "history", "sorry", "stormy", "storage", "what is in store for us", "the store is closed",
        "opening", "hours", "our", "happy hours", "opening tours", "good", "by",
        "not sales", "I don't want billing", "I do not want to talk to sales", "anything but",
        "never billing",
        "sales or billing", "billing, sales", "sales no billing",
        "I have two questions", "the two of us", "one more thing", "at two o'clock", "21", "twenty one",
        "zero", "five",
        "to be or not to be", "what for", "a billion dollars", "voice", "order", "place", "pay", "hang",
    ],
)  # fmt: skip
def test_what_is_not_understood(heard: str) -> None:
    assert MENU.match(heard) is None


@pytest.mark.parametrize(
    ("heard", "choice"),
    [("Yes.", "yes"), ("yes please", "yes"), ("no", "no"), ("No, thank you.", "no"),
    ("that is correct", "yes"),
     ("yeah", "yes"), ("know", None), ("I have no idea", None), ("not", None), ("incorrect", None),
     ("yes no", None),
     ("noble", None), ("yesterday", None), ("not correct", None)],
)  # fmt: skip
def test_yes_and_no(heard: str, choice: str | None) -> None:
    found = YES_NO.match(heard)
    assert (found.choice if found else None) == choice


def test_more_words_beat_fewer_and_closer_beats_farther() -> None:
    menu = Matcher(
        {"a": (["support"], []), "b": (["technical support"], []), "c": (["sales"], []), "d": (["sails"], [])}
    )
    assert chosen(menu, "technical support") == "b"
    assert chosen(menu, "support") == "a"
    assert chosen(menu, "sails") == "d"
    assert chosen(menu, "sales") == "c"


def test_a_phrase_wins_over_a_spoken_key() -> None:
    menu = Matcher({"rooms": (["two", "double room"], ["1"]), "single": (["one"], ["2"])})
    assert chosen(menu, "two") == "rooms"
    assert chosen(menu, "one") == "single"


def test_a_word_that_sounds_like_a_number_is_first_of_all_itself() -> None:
    menu = Matcher({"paid": (["free"], ["1"]), "other": ([], ["3"]), "tone": (["tone"], ["2"])})
    assert chosen(menu, "Free.") == "paid" and chosen(menu, "3") == "other"
    assert chosen(menu, "Tune.") is None, "what a recogniser made of two"


def test_digits_in_any_writing() -> None:
    menu = Matcher(
        {"code": (["one two three"], []), "age": (["twenty-one"], []), "other": (["voicemail"], [])}
    )
    for heard, choice in (
        ("123", "code"),
        ("1-2-3", "code"),
        ("one two three", "code"),
        ("21", "age"),
        ("voice mail", "other"),
    ):
        assert chosen(menu, heard) == choice


def test_a_phrase_of_noise_words_alone_can_be_chosen() -> None:
    menu = Matcher({"polite": (["please"], []), "the": (["the the"], [])})
    assert chosen(menu, "please") == "polite"


def test_confidence() -> None:
    assert MENU.match("sales", MIN_CONFIDENCE / 2) is None
    assert MENU.match("sails", (MIN_CONFIDENCE + SURE_CONFIDENCE) / 2) is None
    assert MENU.match("sales", (MIN_CONFIDENCE + SURE_CONFIDENCE) / 2) is not None
    assert MENU.match("sails", SURE_CONFIDENCE) is not None
    assert MENU.match("sales", 0.0) is not None, "an engine that gives no confidence"


def test_words() -> None:
    assert normalize("Twenty-one; I'd LIKE 07 & fifty five, it’s ½") == [
        "21",
        "id",
        "like",
        "07",
        "55",
        "its",
        "1",
        "2",
    ]


@given(st.text(max_size=200), st.floats(0, 1))
def test_nothing_breaks_it(heard: str, confidence: float) -> None:
    found = MENU.match(heard, confidence)
    assert found is None or found.score > 0


@given(
    st.lists(st.sampled_from(["uh", "um", "please", "well", "the", "my"]), max_size=4),
    st.sampled_from(["sales", "billing"]),
)
def test_noise_around_an_answer_does_not_matter(noise: list[str], said: str) -> None:
    for heard in (" ".join([*noise, said]), " ".join([said, *noise])):
        found = MENU.match(heard)
        assert found is not None and found.choice == said


_word = st.text("abcdeilmnorst", min_size=1, max_size=9)


@given(_word, _word)
def test_distance_is_a_distance(a: str, b: str) -> None:
    assert distance(a, a) == 0 and distance(a, b) == distance(b, a)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))
    assert 0.0 <= closeness(a, b, MATCHING) <= 1.0


def test_distance_counts() -> None:
    assert distance("story", "store") == 1 and distance("salse", "sales") == 1 and distance("", "abc") == 3
    assert distance("kitten", "sitting") == 3


def test_sound() -> None:
    for a, b in (
        ("sails", "sales"),
        ("bealing", "billing"),
        ("hours", "ours"),
        ("right", "rite"),
        ("phone", "fone"),
    ):
        assert sound(a) == sound(b)
    for a, b in (
        ("selfish", "sales"),
        ("bowling", "billing"),
        ("story", "sorry"),
        ("ship", "chip"),
        ("bad", "bat"),
        ("tone", "tune"),
    ):
        assert sound(a) != sound(b)


def test_a_matcher_can_go_to_another_process() -> None:
    """It goes with the plan that it belongs to; its rules are those of that process."""
    again = pickle.loads(pickle.dumps(YES_NO))
    assert again.match("correct") == YES_NO.match("correct") is not None
    assert again._rules is registry.matching_rules("en")


def test_figures_that_are_no_key_choose_none() -> None:
    matcher = Matcher({"one": ((), ("1",)), "five": ((), ("5",)), "twelve": (("twelve",), ())})
    for said in ("1/2", "½", "2 1/2", "10%", "$5", "5 €", "5²", "5th"):
        assert matcher.match(said) is None, said
    for said, choice in (("12", "twelve"), ("5", "five"), ("٥", "five"), ("５.", "five")):
        found = matcher.match(said)
        assert found is not None and found.choice == choice, said
