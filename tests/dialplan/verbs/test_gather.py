"""gather in calls: typed values, by voice and by keys; timers; tapered prompts; universals; privacy."""

import json
import random
from pathlib import Path

import pytest

from ivr.dialplan import Plan, PlanError, load_plan
from ivr.dialplan.runtime.world import World
from ivr.dialplan.verbs.built_in_texts import GIVE_UP_TEXT, NOINPUT_TEXT, NOMATCH_TEXT, YES_OR_NO_TEXT
from ivr.speech.base import SpeechError, Transcript
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan, write

PIN = """
a:
  - gather:
      prompt: Your number?
      input: digits
      into: pin
      timeout: 3s
      {more}
  - say: "It is {{{{ pin | spell }}}}."
"""


def pin(folder: Path, more: str) -> Plan:
    return plan(folder, PIN.format(more=more))


def top(folder: Path, head: str, steps: str) -> Plan:
    """Make a plan with more at its top."""
    indented = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
    return load_plan(write(folder, f"dialplan: 1\nstart: a\n{head}\nsteps:\n{indented}"))


# -- typed values


@pytest.mark.parametrize(
    ("more", "keys", "said", "seconds"),
    [
        ("max_digits: 4", "4719", "four seven one nine", 0.0),
        ("max_digits: 4, min_digits: 2", "47", "four seven", 2.0),
        ("max_digits: 4, min_digits: 2", "47#", "four seven", 0.0),
        ("finish_on_key: '*'", "47*", "four seven", 0.0),
        ("inter_digit: 1s", "0", "zero", 1.0),
    ],
)
async def test_keys_are_waited_for_as_long_as_they_may_go_on(
    more: str, keys: str, said: str, seconds: float, tmp_path: Path
) -> None:
    async with Phone(pin(tmp_path, more.replace(", ", "\n      "))) as phone:
        await phone.silence(1)
        await phone.presses(keys)
        before = phone.clock
        await phone.hears(f"It is {said}.")
        assert phone.clock - before == pytest.approx(seconds, abs=0.1)
        (entry,) = phone.logged("input_matched")
        assert (entry["input"], entry["by"], entry["value"]) == ("digits", "keys", keys.rstrip("#*"))


async def test_digits_are_said(tmp_path: Path) -> None:
    async with Phone(pin(tmp_path, "max_digits: 4")) as phone:
        await phone.silence(1)
        await phone.says("four seven one nine")
        await phone.hears("It is four seven one nine.")


async def test_digits_are_said_in_pieces(tmp_path: Path) -> None:
    async with Phone(pin(tmp_path, "min_digits: 4\n      max_digits: 4")) as phone:
        await phone.silence(1)
        await phone.says("four seven", pause=1.6)
        await phone.says("one nine")
        await phone.hears("It is four seven one nine.", within=2)
        assert not phone.logged("nomatch")


async def test_keys_too_few_are_no_match(tmp_path: Path) -> None:
    async with Phone(pin(tmp_path, "min_digits: 4")) as phone:
        await phone.silence(1)
        await phone.presses("47#")
        await phone.hears(NOMATCH_TEXT, within=1)
        assert phone.logged("nomatch")[0]["heard"] == "47"


async def test_the_end_key_after_a_complete_value_is_not_the_next_questions(tmp_path: Path) -> None:
    steps = """
    a:
      - gather: {prompt: Number?, input: digits, max_digits: 4, into: n}
      - gather: {prompt: Code?, input: digits, max_digits: 2, into: code}
      - say: "{{ n }} {{ code }}"
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.5)
        await phone.presses("4719#12#")
        await phone.hears("4719 12", within=1)
        assert not phone.logged("nomatch")


async def test_term_waits_for_the_end_key_and_hands_on_any_other(tmp_path: Path) -> None:
    steps = """
    a:
      - gather: {prompt: Number?, input: digits, max_digits: 2, term: 1s, into: n}
      - gather: {prompt: Code?, input: digits, max_digits: 2, term: 1s, into: code}
      - say: "{{ n }} {{ code }}"
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.5)
        await phone.presses("47#1")
        await phone.presses("2")
        before = phone.clock
        await phone.hears("47 12", within=2)
        assert phone.clock - before == pytest.approx(1, abs=0.1)
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.5)
        await phone.presses("4712#")
        await phone.hears("47 12", within=0.5)


async def test_first_digit_may_be_waited_for_longer(tmp_path: Path) -> None:
    async with Phone(pin(tmp_path, "first_digit: 6s")) as phone:
        await phone.silence(0.2)
        before = phone.clock
        await phone.hears(NOINPUT_TEXT)
        assert phone.clock - before == pytest.approx(6, abs=0.3)


async def test_choices_beside_a_typed_value(tmp_path: Path) -> None:
    steps = """
    a:
      - gather:
          prompt: Number, or say operator?
          input: digits
          into: n
          details: about
          goto: typed
          max_digits: 6
          choices: {desk: {say: operator, press: 0, goto: desk}}
    typed:
      - say: "Typed {{ n }}, {{ about.by }}."
    desk:
      - say: "The desk, {{ n }}."
    """
    loaded = plan(tmp_path, steps)
    for keys, heard in (
        ("0", "The desk, desk."),
        ("012#", "Typed 012, keys."),
        ("470000", "Typed 470000, keys."),
    ):
        async with Phone(loaded) as phone:
            await phone.silence(0.5)
            await phone.presses(keys)
            await phone.hears(heard, within=3)
    for said, heard in (("operator please", "The desk, desk."), ("zero one two", "Typed 012, speech.")):
        async with Phone(loaded) as phone:
            await phone.silence(1)
            await phone.says(said)
            await phone.hears(heard, within=2)


@pytest.mark.parametrize(
    ("fields", "said", "value"),
    [
        ("input: date", "the third of May", "2027-05-03"),
        ("input: time", "half past three", "15:30:00"),
        ("input: money, currency: USD", "twelve dollars fifty", "12.5"),
        ("input: yes_no", "yeah sure", "True"),
        ("input: name", "B as in Bravo, O as in Oscar, B as in Bravo", "Bob"),
        ("input: text", "my card does not work", "my card does not work"),
        ("input: phone", "two one two five five five one two three four", "2125551234"),
        ("input: number", "minus three point five", "-3.5"),
        ("input: pattern, pattern: '[A-Z]{2}[0-9]{2}'", "A B one two", "AB12"),
    ],
)
async def test_every_kind_becomes_a_value(fields: str, said: str, value: str, tmp_path: Path) -> None:
    steps = f"a:\n  - gather: {{prompt: Well?, {fields}, into: x}}\n  - say: 'It is {{{{ x }}}}.'\n"
    async with Phone(plan(tmp_path, steps), world=World(now=_noon)) as phone:
        await phone.silence(1)
        await phone.says(said)
        await phone.hears(f"It is {value}.", within=3)


def _noon():  # type: ignore[no-untyped-def]
    from datetime import UTC, datetime

    return datetime(2026, 11, 26, 12, tzinfo=UTC)


async def test_the_language_of_the_call_is_that_of_its_answers(tmp_path: Path) -> None:
    loaded = top(
        tmp_path,
        "languages: [fr, en]",
        """
a:
  - gather: {prompt: {fr: Quel jour ?, en: Which day?}, input: date, into: day}
  - say: {text: {fr: "{{ day | date }}", en: "no"}}
""",
    )
    async with Phone(loaded, world=World(now=_noon)) as phone:
        await phone.hears("Quel jour ?")
        await phone.silence(1)
        await phone.says("le trois mai")
        await phone.hears("le trois mai deux mille vingt-sept", within=3)
        assert "Désolé, je n'ai pas compris." in loaded.prompts()


async def test_flush_forgets_what_was_pressed_ahead(tmp_path: Path) -> None:
    steps = """
    a:
      - say: Welcome to the line, dear caller.
      - gather: {prompt: Which?, flush: FLUSH, choices: {x: {press: 1, goto: b}}}
    b:
      - say: One.
    """
    for flush, spoken in (("false", False), ("true", True)):
        async with Phone(plan(tmp_path, steps.replace("FLUSH", flush))) as phone:
            await phone.silence(0.1)
            await phone.presses("1")
            await phone.silence(2)
            assert ("Which?" in phone.tts.spoken) is spoken
            assert bool(phone.logged("choice_matched")) is not spoken
            await phone.presses("1")
            await phone.silence(0.5)
            assert phone.logged("choice_matched")


# -- misses


async def test_texts_taper_and_misses_are_counted_apart(tmp_path: Path) -> None:
    steps = """
    a:
      - gather:
          prompt: [Long question., Short.]
          timeout: 1s
          choices: {x: {say: yes, press: 1}}
          noinput: {say: [First silence., Second silence.], tries: 3}
          nomatch: {say: What?, tries: 1}
          exhausted: b
    b:
      - say: Given up.
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.hears("First silence.")
        await phone.hears("Short.")
        await phone.presses("9")
        await phone.hears("What?")
        await phone.hears("Short.")
        await phone.hears("Second silence.")
        await phone.hears("Second silence.")
        await phone.hears("Given up.")
        counted = [(e["event"], e["attempt"]) for e in phone.events if e["event"] in ("noinput", "nomatch")]
        assert counted == [("noinput", 1), ("nomatch", 1), ("noinput", 2), ("noinput", 3), ("noinput", 4)]


async def test_a_miss_with_a_route_of_its_own_goes_there(tmp_path: Path) -> None:
    steps = """
    a:
      - gather: {timeout: 1s, choices: {x: {press: 1}}, noinput: {tries: 0, goto: c}, exhausted: b}
    b:
      - say: Common.
    c:
      - say: Own.
    """
    loaded = plan(tmp_path, steps)
    verb = loaded.steps["a"].verbs[0].verb
    assert dict(verb.may_go_to()) == {"noinput": "c", "exhausted": "b"} and not verb.may_end()
    async with Phone(loaded) as phone:
        await phone.hears("Own.")


# -- confirmation

CONFIRM = """
a:
  - gather:
      prompt: How many?
      input: number
      into: n
      confirm: {confirm}
      nomatch: {{goto: b}}
  - say: "{{{{ n }}}} it is."
b:
  - say: Given up.
"""
SEVEN = "You said seven. Is that right?"


@pytest.mark.parametrize(
    ("replies", "heard"),
    [
        (["yes"], "7 it is."),
        (["that's right"], "7 it is."),
        (["seven"], "7 it is."),
        (["no, eight", "yes"], "8 it is."),
        (["eight", "yes"], "8 it is."),
        (["no", "eight", "yes"], "8 it is."),
        (["no", "eight", "no", "nine", "no"], "Given up."),
        (["that is not seven", "nine", "yes"], "9 it is."),
        (["bananas", "yes"], "7 it is."),
    ],
)
async def test_an_answer_is_said_back(replies: list[str], heard: str, tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, CONFIRM.format(confirm="always"))) as phone:
        await phone.silence(1)
        await phone.says("seven")
        await phone.hears(SEVEN, within=1)
        for reply in replies:
            await phone.silence(2.5)
            await phone.says(reply, pause=2)
        await phone.hears(heard, within=2)
        if "bananas" in replies:
            assert phone.logged("answer_not_confirmed")


async def test_keys_confirm_and_deny(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, CONFIRM.format(confirm="always"))) as phone:
        await phone.silence(1)
        await phone.presses("7#")
        await phone.hears("You entered seven. For yes, press 1. For no, press 2.", within=1)
        await phone.presses("2")
        await phone.hears("How many?", within=1)
        await phone.presses("8#1")
        await phone.hears("8 it is.", within=1)


@pytest.mark.parametrize(("confidence", "asked"), [(0.5, True), (0.0, True), (0.9, False)])
async def test_only_what_was_not_heard_well_is_said_back(
    confidence: float, asked: bool, tmp_path: Path
) -> None:
    async with Phone(plan(tmp_path, CONFIRM.format(confirm="below 0.7"))) as phone:
        phone.stt.confidence = confidence
        await phone.silence(1)
        await phone.says("seven")
        await phone.hears(SEVEN if asked else "7 it is.", within=1)
        if asked:
            phone.stt.confidence = 0.9
            await phone.silence(2)
            await phone.says("no, eight")
            await phone.hears("8 it is.", within=1)


async def test_a_choice_is_said_back_in_the_plans_words(tmp_path: Path) -> None:
    steps = """
    a:
      - gather:
          prompt: Which?
          confirm: {when: always, say: "{{ heard }}, yes?"}
          choices: {s: {say: sales, goto: b}, k: {say: kitchen, goto: b}}
          into: which
    b:
      - say: "To {{ which }}."
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(1)
        await phone.says("sales")
        await phone.hears("sales, yes?", within=1)
        await phone.silence(1)
        await phone.says("no, kitchen")
        await phone.hears("kitchen, yes?", within=1)
        await phone.silence(1)
        await phone.says("yes")
        await phone.hears("To k.", within=1)


async def test_silence_at_a_confirmation_is_no_yes(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, CONFIRM.format(confirm="always"))) as phone:
        await phone.silence(1)
        await phone.says("seven")
        await phone.hears(SEVEN)
        await phone.hears(YES_OR_NO_TEXT)
        await phone.hears(SEVEN)
        await phone.hears(NOINPUT_TEXT, within=30)
        assert not phone.logged("input_matched")


# -- universals

UNIVERSALS = """universals:
  operator: {say: operator, press: 0, goto: desk}
  again: {say: [repeat, say that again], press: "*", do: repeat}
  back: {say: go back, do: back}
  main: {say: main menu, press: "**", do: main}"""
HOUSE = """
a:
  - say: Welcome.
  - goto: menu
menu:
  - gather:
      prompt: Menu?
      choices: {n: {say: number, press: 1, goto: number}, o: {say: off, press: 2, goto: off}}
number:
  - gather: {prompt: Number?, input: digits, into: n, inter_digit: 1s, min_digits: 2, max_digits: 4}
  - say: "Thanks for {{ n }}."
off:
  - gather: {prompt: Alone?, universals: false, timeout: 1s, choices: {x: {press: 1}}, exhausted: desk}
desk:
  - say: The desk.
"""


async def test_universals_hold_in_every_gather(tmp_path: Path) -> None:
    loaded = top(tmp_path, UNIVERSALS, HOUSE)
    async with Phone(loaded) as phone:
        await phone.hears("Menu?")
        await phone.silence(1)
        await phone.says("say that again")
        await phone.hears("Menu?", within=1)
        await phone.presses("1")
        await phone.hears("Number?")
        await phone.silence(1)
        await phone.says("go back please")
        await phone.hears("Menu?", within=1)
        await phone.presses("1")
        await phone.hears("Number?")
        await phone.presses("**")
        await phone.hears("Welcome.", within=1)
        await phone.hears("Menu?")
        await phone.says("operator")
        await phone.hears("The desk.", within=1)
        assert [e["universal"] for e in phone.logged("universal_chosen")] == [
            "again",
            "back",
            "main",
            "operator",
        ]


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        ("0", "The desk."),
        ("01#", "Thanks for 01."),
        ("4700", "Thanks for 4700."),
        ("*", "Number?"),
        ("4*", NOMATCH_TEXT),
    ],
)
async def test_a_universals_key_does_not_break_what_is_typed(keys: str, heard: str, tmp_path: Path) -> None:
    async with Phone(top(tmp_path, UNIVERSALS, HOUSE)) as phone:
        await phone.silence(0.3)
        await phone.presses("1")
        await phone.hears("Number?")
        await phone.presses(keys)
        await phone.hears(heard, within=3)


async def test_universals_can_be_turned_off(tmp_path: Path) -> None:
    loaded = top(tmp_path, UNIVERSALS, HOUSE)
    off = loaded.steps["off"].verbs[0].verb
    assert ("operator", "desk") not in list(off.may_go_to())
    assert ("operator", "desk") in list(loaded.steps["menu"].verbs[0].verb.may_go_to())
    async with Phone(loaded) as phone:
        await phone.presses("2")
        await phone.hears("Alone?")
        await phone.presses("0")
        await phone.hears(NOMATCH_TEXT, within=2)


async def test_a_universal_leaves_a_subroutine_for_good(tmp_path: Path) -> None:
    steps = """
a:
  - gather: {prompt: First?, choices: {x: {press: 1}}}
  - call: {step: sub}
  - say: Back from it.
sub:
  - gather: {prompt: Inner?, choices: {x: {press: 1}}}
  - gather: {prompt: Second inner?, choices: {x: {press: 1}}}
desk:
  - say: The desk.
"""
    async with Phone(top(tmp_path, UNIVERSALS, steps)) as phone:
        await phone.presses("1")
        await phone.hears("Inner?")
        await phone.presses("0")
        await phone.hears("The desk.", within=1)
        assert await phone.ends() == "end_of_step"
        assert "Back from it." not in phone.tts.spoken
    async with Phone(top(tmp_path, UNIVERSALS, steps)) as phone:
        await phone.presses("1")
        await phone.hears("Inner?")
        await phone.silence(1)
        await phone.says("go back")
        await phone.hears("First?", within=1)
        await phone.presses("1")
        await phone.hears("Inner?")
        await phone.presses("11")
        await phone.hears("Back from it.", within=1)


# -- the recogniser is down

KEYS_ONLY = """
a:
  - gather:
      prompt: Say sales or support.
      keys_only: Press 1 for sales, 2 for support.
      first_digit: 4s
      choices: {s: {say: sales, press: 1}, t: {say: support, press: 2}}
  - gather:
      prompt: And now?
      keys_only: Press 3.
      choices: {x: {say: bye, press: 3}}
  - say: Thanks.
"""


async def test_while_nobody_can_be_understood_keys_are_asked_for(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, KEYS_ONLY)) as phone:

        async def broken(pcm16: bytes, sample_rate: int) -> Transcript:
            raise SpeechError("script", "broken by the test")

        whole, phone.stt.transcribe = phone.stt.transcribe, broken  # type: ignore[method-assign]
        assert not phone.session.recogniser_down
        await phone.hears("Say sales or support.")
        await phone.silence(1)
        await phone.says("sales")
        assert phone.session.recogniser_down
        await phone.hears("Press 1 for sales, 2 for support.", within=2)
        assert NOMATCH_TEXT not in phone.tts.spoken
        await phone.presses("1")
        await phone.hears("Press 3.", within=1)
        phone.stt.texts.clear()
        phone.stt.transcribe = whole  # type: ignore[method-assign]
        await phone.silence(1)
        await phone.says("bye")
        await phone.hears("Thanks.", within=1)
        assert not phone.session.recogniser_down
        assert len(phone.logged("keys_only")) == 2


# -- what is private

SECRET = """
a:
  - say: Welcome to the bank, where all is well.
  - gather: {prompt: Your PIN?, input: digits, max_digits: 4, into: pin, details: about, sensitive: true,
             nomatch: {tries: 0, goto: b}}
  - log: "Got {{ pin }}."
  - tag: {it: pin, how: about.text}
  - set: {copy: "pin ~ '!'"}
  - say: "You said {{ pin | spell }}."
  - gather: {prompt: Anything else?, choices: {n: {say: goodbye, press: 9}}}
b:
  - say: Bye.
"""


@pytest.mark.parametrize("by", ["speech", "keys", "ahead", "wrong"])
async def test_what_is_sensitive_is_written_nowhere(by: str, tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, SECRET)) as phone:
        if by == "ahead":
            await phone.presses("4719")
        else:
            await phone.hears("Your PIN?")
            await phone.silence(1)
        if by == "speech":
            await phone.says("four seven one nine")
        elif by == "wrong":
            await phone.says("four seven one nine eight")
        elif by == "keys":
            await phone.presses("4719")
        if by != "wrong":
            await phone.hears("You said four seven one nine.", within=3)
            await phone.hears("Anything else?")
            await phone.says("goodbye")
        await phone.silence(2)
        written = json.dumps(
            [phone.events, [d.flat() for d in phone.decisions], phone.session_events], default=str
        )
        for secret in ("4719", "four", "seven", "nine"):
            assert secret not in written, written[max(0, written.find(secret) - 200) :][:400]
        assert not any(d.details.get("digit") for d in phone.decisions)
        assert not phone.session.privacy.active
        if by in ("speech", "keys"):
            assert "goodbye" in written and "Anything else?" in written, "what is not private is"


async def test_a_sensitive_answer_that_fits_nothing_is_not_logged(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, SECRET)) as phone:
        await phone.hears("Your PIN?")
        await phone.presses("47#*")
        await phone.silence(1)
        assert [entry["heard"] for entry in phone.logged("nomatch")] == ["***"]


# -- mistakes

WRONG = {
    "no pattern": ("input: pattern, into: x", "gather needs 'pattern'"),
    "pattern for nothing": ("input: digits, into: x, pattern: a", "'pattern' is for input: pattern"),
    "a pattern that is none": (
        "input: pattern, into: x, pattern: '('",
        "the pattern '(' has a mistake: a ( is not closed",
    ),
    "nowhere to keep it": ("input: digits", "gather needs 'into'"),
    "an unknown kind": ("input: digit, into: x", "did you mean 'digits'?"),
    "digits of a name": ("input: name, into: x, max_digits: 3", "'max_digits' is for"),
    "too many at least": ("input: digits, into: x, min_digits: 5, max_digits: 4", "at least 5 and at most 4"),
    "a currency of digits": ("input: digits, into: x, currency: USD", "'currency' is for input: money"),
    "no currency": ("input: money, into: x, currency: euros", "expected the currency of a money input"),
    "an order of its own": ("input: date, into: x, date_order: ydm", "expected one of dmy, mdy, ymd"),
    "a key that is none": ("input: digits, into: x, finish_on_key: ab", "expected one key such as"),
    "confirm what": (
        "input: digits, into: x, confirm: sometimes",
        "expected auto, never, always, or a confidence",
    ),
    "confirm how sure": (
        "input: digits, into: x, confirm: below 7",
        "expected auto, never, always, or a confidence",
    ),
    "confirm a secret": ("input: digits, into: x, sensitive: true, confirm: always", "never said back"),
    "keys where none are": ("input: text, into: x, keys_only: Press 1", "this gather has no keys"),
    "goto without input": ("choices: {x: {press: 1}}, goto: a", "'goto' is for a typed input"),
    "exhausted nowhere": ("choices: {x: {press: 1}}, exhausted: b", "there is no step 'b'"),
    "into a name of ours": ("input: digits, into: call", "'call' cannot be set"),
    "neither": ("timeout: 1s", "gather needs 'choices'"),
    "markup": (
        "choices: {x: {press: 1}}, prompt: 'Hi <b>you</b>'",
        "has a mistake in its markup: <b> is not one of",
    ),
    "a filter that is none": (
        "choices: {x: {press: 1}}, prompt: '{{ now | dates }}'",
        "there is no filter 'dates'",
    ),
    "a list as a kind": ("input: [a], into: x", "'input': expected"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_reported(name: str, tmp_path: Path) -> None:
    fields, expected = WRONG[name]
    with pytest.raises(PlanError) as caught:
        plan(tmp_path, f"a:\n  - gather: {{{fields}}}\n")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("universals", "expected"),
    [
        ("{x: {press: 1}}", "a universal needs either a 'goto' or a 'do'"),
        ("{x: {do: main}}", "a universal needs a 'say' or a 'press'"),
        ("{x: {press: 1, do: back}, y: {press: 1, do: main}}", "the key '1' of 'y' is already that of 'x'"),
        ("{x: {say: help, do: back}, y: {say: Help!, do: main}}", "already means 'x'"),
        ("{x: {press: 1, goto: b}}", "there is no step 'b'"),
        ("{x: {press: 1, do: forward}}", "expected one of repeat, back, main"),
    ],
)
def test_universals_with_mistakes(universals: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        top(tmp_path, f"universals: {universals}", "a:\n  - hangup:\n")
    assert expected in str(caught.value)


RICH = """
a:
  - gather:
      prompt: [Which day, or say operator?, Which day?]
      keys_only: Type the day.
      input: date
      into: day
      details: about
      confirm: {when: below 0.95, say: "{{ heard }}, right?", tries: 1}
      choices: {desk: {say: operator, press: 0, goto: b}}
      noinput: {say: [Hello?, Still there?], tries: 2}
      exhausted: b
  - gather:
      prompt: How much?
      input: money
      currency: GBP
      into: amount
      first_digit: 4s
      term: 1s
      finish_on_key: "*"
      flush: true
      confirm: always
  - gather: {prompt: Your code?, input: pattern, pattern: "[A-Z]{2}[0-9]{2,4}", into: code, sensitive: true}
  - say: "{{ day | date }} {{ amount | money('GBP') }} {{ about.by }}"
b:
  - say: The desk.
"""


def test_mutations_of_a_plan_with_every_field(tmp_path: Path) -> None:
    """Each is a plan or an error with a place, never anything else."""
    whole = f"dialplan: 1\nstart: a\n{UNIVERSALS}\nsteps:\n" + "".join(
        f"  {line}\n" for line in (RICH + HOUSE.replace("\na:", "\nc:")).strip("\n").splitlines()
    )
    assert load_plan(write(tmp_path, whole)).universals
    accepted = 0
    for seed in range(300):
        dice = random.Random(seed)
        mutant = whole
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(mutant))
            to = min(len(mutant), at + dice.choice([1, 2, 5, 20]))
            piece = mutant[at:to]
            new = ["", piece * 2, piece[::-1], "{", "[", ": ", "-", "true", "0", "input", "\n", "<b>", "{{"]
            mutant = mutant[:at] + dice.choice(new) + mutant[to:]
        try:
            load_plan(write(tmp_path, mutant))
            accepted += 1
        except PlanError as error:
            assert all(each.line >= 1 and "\n" not in each.message for each in error.problems)
    assert 10 < accepted < 290


SAID = [
    "the third of may",
    "tomorrow",
    "yes",
    "no",
    "no, friday",
    "operator",
    "go back",
    "twelve pounds fifty",
    "",
    "uh",
    "say that again",
    "main menu",
    "A B one two three",
    "what?",
    "four seven",
    "ninety",
]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_a_caller_does_the_plan_goes_on(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    loaded = top(tmp_path, UNIVERSALS, RICH + HOUSE.replace("\na:", "\nc:"))
    async with Phone(loaded, world=World(now=_noon)) as phone:
        for _ in range(14):
            if phone.task.done():
                break
            match dice.choice(["say", "press", "press", "wait"]):
                case "say":
                    phone.stt.confidence = dice.choice([0.0, 0.2, 0.6, 0.97])
                    await phone.says(dice.choice(SAID), pause=dice.choice([0.3, 2.0]))
                case "press":
                    await phone.presses("".join(dice.choices("0123456789*#A", k=dice.randint(1, 9))))
                case "wait":
                    await phone.silence(dice.choice([0.5, 3.0, 7.0]))
        if not phone.task.done():
            await phone.ends(within=200)
        assert not phone.logged("verb_failed") and not phone.session.privacy.active


# -- say and play


async def test_say_tapers_from_time_to_time(tmp_path: Path) -> None:
    steps = """
    a:
      - say: {text: [A long greeting., Again., Still.], taper: true}
      - gather: {timeout: 1s, choices: {x: {press: 1}}, noinput: {tries: 0, goto: a}}
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(8)
        assert phone.tts.spoken[:4] == ["A long greeting.", "Again.", "Still.", "Still."]


async def test_markup_is_a_pause_and_never_read(tmp_path: Path) -> None:
    steps = """
    a:
      - say: 'One moment <break time="2s"/> here is <say-as interpret-as="characters">ab1</say-as>.'
      - set: {who: "'<b>Bob</b>'"}
      - say: "Hello {{ who }}."
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["One moment", "here is A B one.", "Hello Bob."]
        assert phone.clock == pytest.approx(0.2 + 2 + 0.5 + 0.2, abs=0.15)


async def test_a_gather_gives_up_with_a_goodbye(tmp_path: Path) -> None:
    async with Phone(pin(tmp_path, "noinput: {tries: 0}")) as phone:
        assert await phone.ends() == "noinput"
        assert phone.tts.spoken[-1] == GIVE_UP_TEXT


def test_a_sensitive_question_of_an_agents_tool_counts_too(tmp_path: Path) -> None:
    steps = """
    a:
      - agent:
          instructions: Be kind.
          tools:
            pin:
              description: Asks for the PIN.
              gather: {prompt: Your PIN?, input: digits, into: pin, SENSITIVE}
    """
    assert not plan(tmp_path, steps.replace("SENSITIVE", "max_digits: 4")).has_sensitive_input
    assert plan(tmp_path, steps.replace("SENSITIVE", "sensitive: true")).has_sensitive_input
