"""Plans in calls: a real session and detector, engines by script, time counted in samples."""

import asyncio
import dataclasses
import textwrap
from pathlib import Path

import pytest

from ivr.audio.wav import encode_wav
from ivr.dialplan import load_plan
from ivr.dialplan.engine.runner import MAX_GIVEN_UP
from ivr.dialplan.plan.plan import APOLOGY
from ivr.dialplan.verbs.built_in_texts import GIVE_UP_TEXT, NOINPUT_TEXT, NOMATCH_TEXT
from ivr.session import SessionState
from tests.dialplan.phone import Phone
from tests.dialplan.plans import DEMO, plan

WELCOME = "Welcome to the demo line. You can interrupt me at any time."
MENU = (
    "Say sales, billing or opening hours, or press one, two or three. Say story and I will talk for a while."
)


ASK = """
a:
  - gather:
      prompt: One or twelve?
      timeout: 2s
      choices:
        one: {say: one, press: 1, goto: one}
        twelve: {press: 12, goto: twelve}
        next: {press: 5}
      noinput: {say: Hello?, tries: 1, goto: nothing}
      nomatch: {say: What?, tries: 1, goto: wrong}
  - say: Next verb.
one:
  - say: It is one.
twelve:
  - say: It is twelve.
nothing:
  - say: Nothing heard.
wrong:
  - say: Nothing fits.
"""


async def test_the_demo_from_greeting_to_goodbye() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.hears(WELCOME)
        await phone.hears(MENU)
        await phone.silence(4)
        await phone.says("Bealing, please.")
        assert phone.tts.spoken[0].startswith("This is billing.")
        await phone.hears(MENU)
        await phone.presses("3")
        await phone.hears("We are open from nine in the morning to five in the afternoon, Monday to Friday.")
        await phone.hears(MENU)
        await phone.says("goodbye")
        assert await phone.ends() == "hangup"
        assert phone.tts.spoken == ["Goodbye."] and phone.call.ended == ["hangup"]
        assert [entry["step"] for entry in phone.logged("step_entered")] == [
            "welcome", "menu", "billing", "menu", "hours", "menu", "bye",
        ]  # fmt: skip
        matched = [(entry["choice"], entry["by"], entry["heard"]) for entry in phone.logged("choice_matched")]
        assert matched == [
            ("billing", "speech", "Bealing, please."),
            ("hours", "keys", "3"),
            ("goodbye", "speech", "goodbye"),
        ]
        assert all(entry["plan"] == "demo" for entry in phone.events)


async def test_a_silent_caller_is_asked_twice_and_let_go() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        assert await phone.ends() == "hangup"
        still = "Are you still there?"
        assert phone.tts.spoken == [WELCOME, MENU, still, MENU, still, MENU, "Goodbye."]
        assert [(e["attempt"], e["attempts"]) for e in phone.logged("noinput")] == [(1, 3), (2, 3), (3, 3)]


async def test_an_answer_given_over_the_greeting_skips_the_menu() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.silence(0.3)
        await phone.says("sales")
        assert phone.tts.spoken[0] == WELCOME and phone.tts.spoken[1].startswith("You have reached sales.")


async def test_a_key_over_the_greeting_skips_the_menu() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.silence(0.3)
        await phone.presses("2")
        await phone.silence(0.1)
        assert phone.tts.spoken[1].startswith("This is billing.")


async def test_the_story_is_interrupted_and_the_menu_hears_it() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.presses("4")
        await phone.silence(5)
        await phone.says("opening ours")
        assert not any("That was the story." in text for text in phone.tts.spoken)
        assert phone.logged("choice_matched")[-1]["choice"] == "hours"


async def test_a_protected_prompt_is_played_to_an_eager_caller_too(tmp_path: Path) -> None:
    first = """
    first:
      - say: One two three four five.
      - say: {text: Be warned., barge_in: none}
      - say: Skipped.
      - goto: a
    """
    steps = textwrap.dedent(first) + ASK
    async with Phone(plan(tmp_path, steps, start="first")) as phone:
        await phone.silence(0.2)
        await phone.presses("1")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["One two three four five.", "Be warned.", "It is one."]


async def test_where_no_gather_follows_the_rest_is_said(tmp_path: Path) -> None:
    goodbye = b"".join((n * 7 % 3000 + 1).to_bytes(2, "little") for n in range(2400))
    (tmp_path / "x.wav").write_bytes(encode_wav(goodbye, 8000))
    long = "One two three four five. " * 6
    async with Phone(plan(tmp_path, f"a:\n  - say: {long}\n  - goto: b\nb:\n  - play: x.wav\n")) as phone:
        await phone.silence(0.3)
        await phone.says("stop")
        assert await phone.ends() == "end_of_step"
        assert goodbye in phone.player.played, "while the caller still spoke"
        assert phone.clock < 3, "the long text was interrupted"


async def test_no_input_and_its_time(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["One or twelve?", "Hello?", "One or twelve?", "Nothing heard."]
        # 0.3 s of prompt and 2 s of waiting, twice; 0.1 s of "Hello?" and 0.2 s of the end.
        assert phone.clock == pytest.approx(0.3 + 2 + 0.1 + 0.3 + 2 + 0.2, abs=0.3)
        assert phone.call.ended == ["end_of_step"]


async def test_no_match(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.hears("One or twelve?")
        await phone.silence(1)
        await phone.says("selfish")
        await phone.hears("What?")
        await phone.silence(1)
        await phone.presses("9")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken[-1] == "Nothing fits."
        assert [e["heard"] for e in phone.logged("nomatch")] == ["selfish", "9"]


async def test_speech_that_was_not_understood_is_no_match(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.silence(2)  # over the prompt it would be no answer, and the prompt would go on
        await phone.says("")
        assert "What?" in phone.tts.spoken


async def test_speech_without_words_over_a_prompt_is_no_answer(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.says("")
        assert phone.tts.spoken == ["One or twelve?"] and phone.logged("nomatch") == []
        await phone.silence(2)
        await phone.says("one")
        assert await phone.ends() == "end_of_step"
        assert [e["choice"] for e in phone.logged("choice_matched")] == ["one"]


@pytest.mark.parametrize(
    ("keys", "said", "seconds"),
    [
        ("1", "It is one.", 2.0),
        ("12", "It is twelve.", 0.0),
        ("1#", "It is one.", 0.0),
        ("5", "Next verb.", 0.0),
    ],
)
async def test_keys_wait_only_where_more_are_possible(
    keys: str, said: str, seconds: float, tmp_path: Path
) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.silence(1)
        await phone.presses(keys)
        before = phone.clock
        await phone.hears(said)
        assert phone.clock - before == pytest.approx(seconds, abs=0.1)
        assert await phone.ends() == "end_of_step"


@pytest.mark.parametrize(("keys", "heard"), [("13", "13"), ("9", "9"), ("#", "#"), ("*", "*")])
async def test_keys_that_fit_nothing(keys: str, heard: str, tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.silence(1)
        await phone.presses(keys)
        await phone.hears("What?", within=1)
        assert phone.logged("nomatch")[0]["heard"] == heard


async def test_half_a_choice_is_no_match_after_the_wait(tmp_path: Path) -> None:
    steps = "a:\n  - gather: {inter_digit: 1s, choices: {x: {press: 123}}, nomatch: {say: What?}}\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.presses("12")
        before = phone.clock
        await phone.hears("What?")
        assert phone.clock - before == pytest.approx(1, abs=0.1)


async def test_speech_after_a_key_that_may_go_on(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        await phone.silence(1)
        await phone.presses("1")
        await phone.says("what a day")
        await phone.hears("It is one.", within=1)


async def test_keys_typed_ahead_serve_the_gathers_to_come(tmp_path: Path) -> None:
    steps = """
    a:
      - say: Welcome to this long greeting.
      - gather: {prompt: First?, choices: {x: {press: 1}, y: {press: 2}}}
      - say: Between.
      - gather: {prompt: Second?, choices: {x: {press: 1}, y: {press: 2}}}
      - say: Done.
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.1)
        for key in "12":
            phone.session.process_dtmf(key)
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken == ["Welcome to this long greeting.", "Done."]
        assert [entry["choice"] for entry in phone.logged("choice_matched")] == ["x", "y"]


async def test_defaults_ask_three_times_and_say_goodbye(tmp_path: Path) -> None:
    loaded = plan(tmp_path, "a:\n  - gather: {prompt: Yes?, timeout: 1s, choices: {x: {press: 1}}}\n")
    async with Phone(loaded) as phone:
        assert await phone.ends() == "noinput"
        assert phone.tts.spoken == ["Yes?", *[NOINPUT_TEXT, "Yes?"] * 3, GIVE_UP_TEXT]
        assert phone.call.ended == ["noinput"]
    async with Phone(loaded) as phone:
        for _ in range(4):
            await phone.silence(0.5)
            await phone.presses("3")
        assert await phone.ends() == "nomatch"
        assert phone.tts.spoken.count(NOMATCH_TEXT) == 3 and phone.tts.spoken[-1] == GIVE_UP_TEXT


async def test_a_file_is_played_as_it_is(tmp_path: Path) -> None:
    sound = b"".join((n * 7 % 3000 + 1).to_bytes(2, "little") for n in range(2400))
    (tmp_path / "x.wav").write_bytes(encode_wav(sound, 8000))
    async with Phone(plan(tmp_path, "a:\n  - play: x.wav\n")) as phone:
        assert await phone.ends() == "end_of_step"
        assert sound in phone.player.played


async def test_a_prompt_that_cannot_be_said_does_not_end_the_call(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, ASK)) as phone:
        phone.tts.broken = lambda text: text in ("One or twelve?", "Hello?")
        await phone.silence(0.5)
        await phone.presses("12")
        assert await phone.ends() == "end_of_step"
        assert phone.tts.spoken[-1] == "It is twelve."
        (entry,) = phone.logged("prompt_failed")
        assert entry["step"] == "a" and entry["line"] == 6 and "broken by the test" in entry["error"]


async def test_with_the_engine_down_the_call_still_ends(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "a:\n  - say: One.\n  - goto: a\n")) as phone:
        phone.tts.broken = lambda text: True
        assert await phone.ends(within=1) == "loop"
        assert phone.call.ended == ["loop"]


async def test_a_loop_in_which_nothing_is_heard_is_ended(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "a:\n  - goto: b\nb:\n  - goto: a\n")) as phone:
        assert await phone.ends(within=5) == "loop"
        assert phone.tts.spoken == [APOLOGY] and phone.call.ended == ["loop"]
        assert phone.logged("plan_loop_detected")


async def test_a_loop_with_sound_goes_on(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "a:\n  - say: On and on.\n  - goto: a\n")) as phone:
        await phone.silence(40)
        assert len(phone.tts.spoken) > 100 and not phone.task.done()


async def test_a_gather_that_leads_back_to_itself_ends_with_nobody_there(tmp_path: Path) -> None:
    steps = "a:\n  - gather: {timeout: 1s, choices: {x: {press: 1}}, noinput: {tries: 0, goto: a}}\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        assert await phone.ends() == "loop"
        assert len(phone.logged("noinput")) == MAX_GIVEN_UP and phone.tts.spoken == [APOLOGY]


async def test_a_verb_that_fails_is_logged_and_apologised_for(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(encode_wav(bytes(320), 8000))
    loaded = plan(tmp_path, "a:\n  - say: Before.\n  - play: x.wav\n  - say: After.\n")
    async with Phone(dataclasses.replace(loaded, sounds={})) as phone:
        assert await phone.ends() == "error"
        assert phone.tts.spoken == ["Before.", APOLOGY] and phone.call.ended == ["error"]
        (entry,) = phone.logged("verb_failed")
        assert (entry["step"], entry["line"], entry["verb"], entry["level"]) == ("a", 6, "play", "error")
        assert entry["exc_info"]


async def test_the_caller_hangs_up() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.silence(0.5)
        await phone.session.stop()
        assert await phone.task == "caller_hangup"
        assert not phone.call.ended and not phone.logged("verb_failed")
    async with Phone(load_plan(DEMO)) as phone:
        await phone.hears(MENU)
        await phone.silence(5)  # now it is listening
        await phone.session.stop()
        assert await phone.task == "caller_hangup"


async def test_cancelling_stops_the_prompt() -> None:
    async with Phone(load_plan(DEMO)) as phone:
        await phone.silence(0.5)
        assert phone.session.state is SessionState.SPEAKING
        phone.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await phone.task
        assert phone.session.state is SessionState.LISTENING
        assert not phone.call.ended and not phone.logged("verb_failed")


async def test_two_calls_on_one_plan_do_not_meet() -> None:
    loaded = load_plan(DEMO)
    async with Phone(loaded) as one, Phone(loaded) as two:
        await one.silence(0.2)
        await two.silence(0.2)
        await one.presses("1")
        await two.presses("2")
        await one.silence(0.2)
        await two.silence(0.2)
        assert one.logged("choice_matched")[0]["choice"] == "sales"
        assert two.logged("choice_matched")[0]["choice"] == "billing"
