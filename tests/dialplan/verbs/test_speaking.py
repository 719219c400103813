"""How prompts yield, as a plan says: each option in a call, and where it may be written."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ivr.dialplan import PlanError, TransferResult, load_plan
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.verbs.built_in_texts import GIVE_UP_TEXT
from ivr.session import BargeInOptions, SessionConfig
from tests.dialplan.phone import Phone
from tests.dialplan.plans import DEMO, plan, write

LONG = "One two three four five six seven eight nine ten. " * 3
"""Three seconds."""
ASK = "{choices: {ok: {say: okay, goto: end}, sales: {say: [sales, place an order], press: 2, goto: end}}}"


def reported(phone: Phone, stage: str) -> list[dict[str, Any]]:
    return [dict(each.details) for each in phone.decisions if each.stage == stage]


async def outcome(
    folder: Path, options: str, text: str | None, key: str = "", *, defaults: str = "{}", after: float = 0.5
) -> bool:
    """Whether a prompt with ``options`` is interrupted by who says ``text``, or presses ``key``."""
    steps = f"""
dialplan: 1
start: a
defaults: {defaults}
steps:
  a:
    - say: {{text: {LONG}, {options}}}
    - gather: {ASK}
  end:
    - hangup:
"""
    async with Phone(load_plan(write(folder, steps))) as phone:
        await phone.silence(after)
        if text is not None:
            phone.stt.texts += [text] * 5  # looked at more than once while it is spoken
            await phone.says(text)
        if key:
            await phone.presses(key)
        await phone.silence(4)
        return bool(reported(phone, "say_ended")[0]["interrupted"])


@pytest.mark.parametrize(
    ("options", "text", "key", "without", "with_it"),
    [
        ("barge_in: none", "sales", "", True, False),
        ("protect: 2.5s", "sales", "", True, False),
        ("protect: 2.5s", None, "2", True, True),
        ("protect_dtmf: 2s", None, "2", True, False),
        ("protect_dtmf: 2s", "sales", "", True, True),
        ("min_speech: 2s", "sales", "", True, False),
        ("min_words: 3", "not that", "", True, False),
        ("min_words: 3", "I want sales", "", True, True),
        ("hotword: operator", "good morning", "", True, False),
        ("hotword: [operator, help me]", "please help me out", "", True, True),
        ("backchannels: no", "okay", "", False, True),
        ("answer_window: 10s", "okay", "", False, True),
        ("false_interruption_timeout: 0s", "", "", False, True),
    ],
)
async def test_an_option_of_a_verb_or_of_the_plan(
    options: str, text: str | None, key: str, without: bool, with_it: bool, tmp_path: Path
) -> None:
    assert await outcome(tmp_path, "barge_in: any", text, key) is without
    assert await outcome(tmp_path, options, text, key) is with_it
    if not options.startswith("barge_in"):
        assert await outcome(tmp_path, "barge_in: any", text, key, defaults=f"{{{options}}}") is with_it


@pytest.mark.parametrize(
    ("options", "softer"), [("duck_db: 20", 0.1), ("duck_db: 6", 0.5), ("duck_db: 0", 1)]
)
async def test_how_much_softer_a_prompt_becomes(options: str, softer: float, tmp_path: Path) -> None:
    steps = f"a:\n  - say: {{text: {LONG}, hotword: operator, {options}}}\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.5)
        phone.stt.texts += ["hello"] * 5
        await phone.says("hello", pause=0.1)
        first = bytes(phone.player.played)
        level = min(
            abs(int.from_bytes(first[at : at + 2], "little", signed=True)) for at in (8000, len(first) - 2)
        )
        assert level == pytest.approx(1000 * softer, abs=15)


async def test_field_by_field_the_verb_is_over_the_plan_and_the_plan_over_the_service(tmp_path: Path) -> None:
    steps = """
    dialplan: 1
    start: a
    defaults: {min_words: 2, protect: 1s, backchannels: off, hotword: [agent]}
    steps:
      a:
        - say: Hello.
        - say: {text: Hello., protect: 0s, min_speech: 96ms, hotword: false, duck_db: 3}
        - transfer: {to: 101}
        - transfer: {to: 101, barge_in: dtmf}
    """
    config = SessionConfig(barge_in=BargeInOptions(barge_in="speech", min_words=1, protect_dtmf_ms=250))
    async with Phone(load_plan(write(tmp_path, steps)), config) as phone:
        phone.call.reached["101"] = TransferResult("busy")
        await phone.ends()
    of_plan = dataclasses.replace(
        config.barge_in, min_words=2, protect_ms=1000, backchannels=False, hotword=("agent",)
    )
    of_verb = dataclasses.replace(of_plan, protect_ms=0, min_speech_ms=96, hotword=(), duck_db=3)
    assert [each["options"] for each in reported(phone, "say_started")] == [
        of_plan.plain(),
        of_verb.plain(),
        dataclasses.replace(of_plan, barge_in="none").plain(),
        dataclasses.replace(of_plan, barge_in="dtmf").plain(),
    ]


def test_every_option_can_be_written_in_a_plan() -> None:
    options = {option.name for option in dataclasses.fields(BargeInOptions)} - {"hotword_answers"}
    assert {name.removesuffix("_ms") for name in options} == set(PromptOptions.model_fields)
    everything = PromptOptions(
        barge_in="dtmf", protect=1, protect_dtmf=2, min_speech=3, min_words=4, hotword=("x",), duck_db=5,
        false_interruption_timeout=6, backchannels=False, answer_window=7,
    )  # fmt: skip
    assert everything.applied_to(BargeInOptions()) == BargeInOptions(
        barge_in="dtmf", protect_ms=1000, protect_dtmf_ms=2000, min_speech_ms=3000, min_words=4,
        hotword=("x",), duck_db=5, false_interruption_timeout_ms=6000, backchannels=False,
        answer_window_ms=7000,
    )  # fmt: skip
    assert PromptOptions().applied_to(everything.applied_to(BargeInOptions())) == everything.applied_to(
        BargeInOptions()
    )
    answers = PromptOptions.model_validate({"hotword": "true"}).applied_to(BargeInOptions(hotword=("x",)))
    assert (answers.hotword, answers.hotword_answers) == ((), True)
    assert not PromptOptions(hotword=("x",)).applied_to(answers).hotword_answers


def test_the_readme_reports_each_field_and_its_default() -> None:
    page = (DEMO.parent / "README.md").read_text(encoding="utf-8")
    text = page.split("### Barge-in\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    reported = {row[0].strip("`"): row[2] for row in rows if row[0].strip("`") in PromptOptions.model_fields}
    assert list(reported) == list(PromptOptions.model_fields)
    other = BargeInOptions(barge_in="none", min_words=9, hotword=("x",))
    default = PromptOptions.model_validate(reported).applied_to(other)
    assert default == BargeInOptions()


GATHER = """
dialplan: 1
start: a
defaults: {defaults}
steps:
  a:
    - gather:
        prompt: {prompt}
        hotword: {hotword}
        choices:
          sales: {{say: [sales, place an order], press: 2, goto: end}}
          agent: {{say: speak to somebody, goto: end}}
  end:
    - hangup:
"""


@pytest.mark.parametrize(
    ("said", "choice"),
    [("sails please", "sales"), ("two", "sales"), ("okay so what then", None), ("", None)],
)
@pytest.mark.parametrize(("hotword", "defaults"), [("true", "{}"), ("", "{hotword: true}")])
async def test_the_choices_of_a_gather_as_hotwords(
    said: str, choice: str | None, hotword: str, defaults: str, tmp_path: Path
) -> None:
    text = GATHER.format(prompt=LONG, hotword=hotword, defaults=defaults)
    async with Phone(load_plan(write(tmp_path, text))) as phone:
        await phone.silence(0.5)
        phone.stt.texts += [said] * 5
        await phone.says(said)
        await phone.silence(1)
        ended = reported(phone, "say_ended")
        if choice is not None:
            assert ended[0]["interrupted"] and ended[0]["heard_ms"] < 2000
            assert phone.logged("choice_matched")[0]["choice"] == choice
        else:
            await phone.silence(1)
            assert not reported(phone, "say_ended")[0]["interrupted"]
            assert not phone.logged("nomatch"), "what was said over it is no answer"


async def test_true_in_a_plan_is_for_gathers_alone(tmp_path: Path) -> None:
    text = GATHER.format(prompt="Yes?", hotword="", defaults="{hotword: true}")
    text = text.replace("  a:\n", f"  a:\n    - say: {LONG}\n")
    async with Phone(load_plan(write(tmp_path, text))) as phone:
        await phone.silence(0.5)
        await phone.says("good morning")
        assert reported(phone, "stop")[0]["latency_ms"] < 150, "no word is waited for"
        await phone.hears("Yes?")
        assert [e["options"]["hotword_answers"] for e in reported(phone, "say_started")][:2] == [False, True]


async def test_what_is_protected_at_first_is_said_to_who_has_answered_already(tmp_path: Path) -> None:
    steps = f"""
    a:
      - say: {LONG}
      - say: {{text: This call is recorded., protect: 1s}}
      - say: {{text: Skipped., min_words: 1}}
      - gather: {ASK}
    end:
      - hangup:
    """
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.silence(0.5)
        await phone.says("sales")
        await phone.ends()
        texts = [each["text"].strip() for each in reported(phone, "say_started")]
        assert texts == [LONG.strip(), "This call is recorded."]


async def test_who_only_makes_a_noise_before_a_prompt_that_words_stop_is_asked(tmp_path: Path) -> None:
    text = GATHER.format(prompt=LONG, hotword="true", defaults="{}").replace(
        "  a:\n", "  a:\n    - say: {text: Four words of greeting., barge_in: none}\n"
    )
    async with Phone(load_plan(write(tmp_path, text))) as phone:
        phone.stt.texts += [""] * 5
        await phone.says("")  # it goes on when the question comes
        texts = [each["text"].strip() for each in reported(phone, "say_started")]
        assert texts == ["Four words of greeting.", LONG.strip()]


async def test_the_goodbye_of_a_gather_cannot_be_interrupted(tmp_path: Path) -> None:
    steps = "a:\n  - gather: {timeout: 1s, noinput: {tries: 0}, choices: {x: {press: 1}}}\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        await phone.ends()
    (said,) = reported(phone, "say_started")
    assert said["text"] == GIVE_UP_TEXT and said["options"]["barge_in"] == "none"


STEP = "dialplan: 1\nstart: a\nsteps:\n  a:\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STEP + "    - say: {text: a, protect: soon}\n", "5:31: 'protect': expected a duration such as 5s"),
        (STEP + "    - say: {text: a, protect: 2h}\n", "5:31: 'protect': expected a duration of at most 1h"),
        (STEP + "    - say: {text: a, protct: 2s}\n", "5:22: 'protct' is not a field of say; expected text,"),
        (STEP + "    - say: {text: a, protct: 2s}\n", "did you mean 'protect'?"),
        (STEP + "    - say: {text: a, min_words: many}\n", "5:33: 'min_words': expected a whole number"),
        (STEP + "    - say: {text: a, min_words: -1}\n", "5:33: 'min_words': expected 0 or more, found '-1'"),
        (
            STEP + "    - say: {text: a, duck_db: loud}\n",
            "5:31: 'duck_db': expected how many decibels softer",
        ),
        (STEP + "    - say: {text: a, duck_db: nan}\n", "5:31: 'duck_db': expected how many decibels softer"),
        (STEP + "    - say: {text: a, backchannels: maybe}\n", "5:36: 'backchannels': expected true ("),
        (
            STEP + "    - say: {text: a, hotword: true}\n",
            "5:31: 'hotword': true is for the choices of a gather",
        ),
        (STEP + "    - say: {text: a, hotword: [a, ' ']}\n", "5:35: 'hotword': expected a text, found an"),
        (STEP + "    - say: {text: a, hotword: {a: b}}\n", "5:31: 'hotword': expected a phrase or a list of"),
        (
            STEP + "    - play: {file: x.wav, barge_in: key}\n",
            "5:37: 'barge_in': expected one of any, speech",
        ),
        ("defaults: loud\n" + STEP + "    - hangup:\n", "1:11: 'defaults': expected a mapping of how all"),
        (
            "defaults: {bargein: none}\n" + STEP + "    - hangup:\n",
            "1:12: 'bargein' is not a field of defaults; expected barge_in, protect,",
        ),
        ("defaults:\n  protect: ever\n" + STEP + "    - hangup:\n", "2:12: 'protect': expected a duration"),
        ("default: {}\n" + STEP + "    - hangup:\n", "did you mean 'defaults'?"),
    ],
)
def test_a_mistake_is_reported_where_it_is(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load_plan(write(tmp_path, text))
    found = [f"{p.line}:{p.column}: {p.message}" for p in caught.value.problems]
    assert any(expected in line for line in found), found
