"""Every mistake a plan can have: where it is reported and what is said."""

import os
from pathlib import Path

import pytest

from ivr.audio.wav import encode_wav
from ivr.dialplan import PlanError, load_plan
from ivr.dialplan.engine.loader import load_plans
from ivr.dialplan.plan.plan import APOLOGY, texts_for_faults
from ivr.dialplan.values.texts import say
from ivr.dialplan.verbs.built_in_texts import GIVE_UP_TEXT, NOINPUT_TEXT, NOMATCH_TEXT
from ivr.dialplan.verbs.gather.verb import Gather
from ivr.dialplan.verbs.prompts import Play, Say
from tests.dialplan.plans import DEMO, plan, write

GATHER = """
dialplan: 1
start: a
steps:
  a:
    - gather:
        {field}
        choices:
          sales: {{say: sales, press: 1}}
"""
CHOICES = """
dialplan: 1
start: a
steps:
  a:
    - gather:
        choices:
          sales: {say: sales, press: 1}
          other: CHOICE
"""


def mistakes(path: Path) -> list[str]:
    """``line:column: message`` of each problem."""
    with pytest.raises(PlanError) as caught:
        load_plan(path)
    error = caught.value
    assert str(error).splitlines()[0].startswith(f"{path}:{error.line}:{error.column}: ")
    assert list(error.problems) == sorted(error.problems)
    return [f"{p.line}:{p.column}: {p.message}" for p in error.problems]


STEP = "dialplan: 1\nstart: a\nsteps:\n  a:\n"

WRONG = {
    # the file as YAML
    "colon in a text": (
        STEP + "    - say: a: b\n",
        "5:13: not valid YAML: mapping values are not allowed here",
    ),
    "open list": (STEP + "    - say: [a\n", "6:1: not valid YAML"),
    "tab": (STEP + "\t- say: a\n", "indent with spaces"),
    "control character": (STEP + "    - say: a\x07b\n", "5:13: the character U+0007 is not allowed"),
    "star not quoted": (
        STEP + "    - gather: {choices: {a: {press: *}}}\n",
        'write the star key in quotes: "*"',
    ),
    "two documents": ("dialplan: 1\n---\nstart: a\n", "2:1: a second document begins here"),
    "tag": (STEP + "    - say: !!python/object x\n", "5:12: the tag"),
    "unknown alias": (STEP + "    - say: *x\n", "5:12: the alias '*x' names no anchor"),
    "alias in itself": ("a: &x [*x]\n", "1:8: the alias '*x' is inside what it stands for"),
    "list as key": ("? [a]\n: b\n", "1:3: expected a name before the colon, found a list"),
    # its top
    "empty": ("", "1:1: the plan is empty; expected a mapping with dialplan, name, start and steps"),
    "only a comment": ("# nothing\n", "1:1: the plan is empty"),
    "a list": ("- a\n", "1:1: expected a mapping with dialplan, name, start and steps, found a list"),
    "a text": ("hello\n", "1:1: expected a mapping with dialplan, name, start and steps, found 'hello'"),
    "unknown key": (
        "begin: a\n" + STEP + "    - hangup:\n",
        "1:1: 'begin' is not a field of plan; expected dialplan, ",
    ),
    "near key": ("Start: a\n" + STEP + "    - hangup:\n", "did you mean 'start'?"),
    "version": (
        STEP.replace("1", "2", 1) + "    - hangup:\n",
        "1:11: 'dialplan': expected 1, the only version",
    ),
    "no version": (
        "start: a\nsteps: {a: [hangup: ]}\n",
        "1:1: plan needs 'dialplan': the version of the language: 1",
    ),
    "no start": (
        "dialplan: 1\nsteps: {a: [hangup: ]}\n",
        "1:1: plan needs 'start': the step that a call begins with",
    ),
    "no steps": ("dialplan: 1\nstart: a\n", "1:1: plan needs 'steps'"),
    "steps empty": ("dialplan: 1\nstart: a\nsteps: {}\n", "3:8: 'steps': expected at least one in here"),
    "steps a list": (
        "dialplan: 1\nstart: a\nsteps: [a]\n",
        "3:8: 'steps': expected a mapping of steps, each a list",
    ),
    "start nowhere": (STEP.replace("start: a", "start: aa"), "2:8: 'start': there is no step 'aa'"),
    "key twice": (
        STEP + "    - hangup:\nstart: a\n",
        "6:1: 'start' is given twice here; the first is on line 2",
    ),
    "step twice": (STEP + "    - hangup:\n  a:\n    - hangup:\n", "6:3: 'a' is given twice"),
    # a step
    "step of nothing": (STEP, "4:3: expected a list of verbs in the step 'a', found nothing"),
    "step empty": (STEP + "    []\n", "5:5: expected a list of verbs in the step 'a', found an empty list"),
    "step a mapping": (
        STEP + "    say: a\n",
        "5:5: expected a list of verbs in the step 'a', found a mapping",
    ),
    "unknown verb": (STEP + "    - sai: hello\n", "5:7: there is no verb 'sai'; did you mean 'say'?"),
    "far verb": (
        STEP + "    - frobnicate: 1\n",
        "5:7: there is no verb 'frobnicate'; the verbs are say, play, ",
    ),
    "two verbs": (
        STEP + "    - say: a\n      goto: a\n",
        "6:7: expected one verb in a list item, found 'say' and 'goto'",
    ),
    "field beside": (STEP + "    - say: a\n      barge_in: none\n", "6:7: expected one verb in a list item"),
    "verb without colon": (
        STEP + "    - hangup\n",
        "5:7: expected a verb and a colon, found 'hangup'; write 'hangup:'",
    ),
    # its verbs
    "transfer to nobody": (STEP + "    - transfer:\n", "'transfer': expected who to call: an extension"),
    "transfer to a sentence": (
        STEP + "    - transfer: to the desk\n",
        "5:17: 'transfer': expected an extension such as \"101\" or an address such as "
        "sip:101@pbx.example.org, found 'to the desk'",
    ),
    "transfer with a header": (
        STEP + "    - transfer: {to: 'sip:1@h?Replaces=x'}\n",
        "5:22: 'to': expected an extension",
    ),
    "transfer of no known kind": (
        STEP + "    - transfer: {to: 101, type: blnd}\n",
        "'type': expected one of blind, attended, bridged, found 'blnd'; did you mean 'blind'?",
    ),
    "transfer that leads nowhere": (
        STEP + "    - transfer: {to: 101, busy: {goto: b}}\n",
        "5:40: 'goto': there is no step 'b'; the steps are a",
    ),
    "transfer that leads nowhere, short": (
        STEP + "    - transfer: {to: 101, failed: b}\n",
        "there is no step 'b'",
    ),
    "transfer with a near field": (
        STEP + "    - transfer: {to: 101, no_answer: a}\n",
        "'no_answer' is not a field of transfer; expected to, type, hunt, timeout, caller_id, headers, "
        "whisper, ringback, after, busy, noanswer, failed, …; did you mean 'noanswer'?",
    ),
    "say nothing": (STEP + "    - say:\n", "'say': expected a text to speak, values in {{ }}; or a list"),
    "say empty": (STEP + '    - say: " "\n', "5:12: 'say': expected a text, found an empty one"),
    "say an empty list": (STEP + "    - say: []\n", "5:12: 'say': expected at least one in here, found none"),
    "say in a language of others": (
        STEP + "    - say: {text: {xx: a}}\n",
        "'xx' is not one of the plan's languages (en)",
    ),
    "say with half a value": (STEP + '    - say: "a {{ b"\n', "5:12: 'say': the text 'a {{ b' has a mistake"),
    "say without text": (STEP + "    - say: {barge_in: none}\n", "5:7: say needs 'text': a text to speak"),
    "say with more": (
        STEP + "    - say: {text: a, bargein: none}\n",
        "5:22: 'bargein' is not a field of say; ",
    ),
    "barge-in": (
        STEP + "    - say: {text: a, barge_in: anny}\n",
        "5:32: 'barge_in': expected one of any, speech, dtmf",
    ),
    "hangup with a list": (STEP + "    - hangup: [now]\n", "5:15: 'hangup': expected a text"),
    "hangup with field": (
        STEP + "    - hangup: {why: x}\n",
        "5:16: 'why' is not a field of hangup; expected reason, on_error",
    ),
    "return with": (
        STEP + "    - return: now\n",
        "5:15: 'return': expected a mapping of its fields (on_error), found 'now'",
    ),
    "set a name of ours": (STEP + "    - set: {call: 1}\n", "'call' cannot be set"),
    "set what cannot be read": (STEP + "    - set: {a: 1 +}\n", "'1 +' has a mistake: it ends too early"),
    "set words without quotes": (
        STEP + "    - set: {a: two words}\n",
        "has a mistake: 'words' is not expected there; a text needs quotes of its own",
    ),
    "branch without then": (STEP + "    - branch: {if: a}\n", "5:7: branch needs 'then'"),
    "branch with a near field": (STEP + "    - branch: {iff: a, then: a}\n", "did you mean 'if'?"),
    "call with what it does not take": (
        STEP + "    - call: {step: a, with: {b: 1}}\n",
        "the step 'a' has no param 'b'; it takes none",
    ),
    "goto nowhere": (STEP + "    - goto: b\n", "5:13: 'goto': there is no step 'b'; the steps are a"),
    "goto of nothing": (STEP + "    - goto:\n", "'goto': expected the name of a step, found nothing"),
    "play missing": (STEP + "    - play: x.wav\n", "5:13: 'play': there is no file 'x.wav' beside the plan"),
    "play a folder": (STEP + "    - play: .\n", "5:13: 'play': there is no file '.'"),
    "play no WAV": (
        STEP + "    - play: {file: plan.yaml}\n",
        "5:20: 'file': expected a WAV file, but 'plan.yaml' cannot",
    ),
    "gather a text": (
        STEP + "    - gather: hello\n",
        "5:15: 'gather': expected a mapping of its fields (prompt, ",
    ),
    "gather of nothing": (STEP + "    - gather:\n", "5:7: 'gather': expected a mapping of its fields"),
    "gather without choices": (
        STEP + "    - gather: {prompt: a}\n",
        "5:7: gather needs 'choices': a mapping of choices",
    ),
    "no choice": (STEP + "    - gather: {choices: {}}\n", "5:25: 'choices': expected at least one in here"),
    "choices a list": (
        STEP + "    - gather: {choices: [a]}\n",
        "5:25: 'choices': expected a mapping of choices",
    ),
    "unknown field": (
        GATHER.format(field="promt: hello"),
        "6:9: 'promt' is not a field of gather; expected prompt, ",
    ),
    "near field": (GATHER.format(field="promt: hello"), "did you mean 'prompt'?"),
    "duration": (
        GATHER.format(field="timeout: soon"),
        "6:18: 'timeout': expected a duration such as 5s, 500ms or 1m",
    ),
    "duration unit": (GATHER.format(field="timeout: 5 parsecs"), "found '5 parsecs'"),
    "no duration": (
        GATHER.format(field="timeout: 0s"),
        "6:18: 'timeout': expected a duration longer than nothing",
    ),
    "endless": (GATHER.format(field="timeout: 999999999h"), "at most 1h"),
    "duration a list": (
        GATHER.format(field="timeout: [1, 2]"),
        "6:18: 'timeout': expected a duration such as",
    ),
    "tries a word": (
        GATHER.format(field="noinput: {tries: two}"),
        "6:26: 'tries': expected a whole number, found 'two'",
    ),
    "tries below 0": (
        GATHER.format(field="noinput: {tries: -1}"),
        "6:26: 'tries': expected 0 or more, found '-1'",
    ),
    "tries no end": (
        GATHER.format(field="noinput: {tries: 101}"),
        "6:26: 'tries': expected 100 or less, found '101'",
    ),
    "noinput nowhere": (GATHER.format(field="noinput: {goto: b}"), "6:25: 'goto': there is no step 'b'"),
    "nomatch nowhere": (GATHER.format(field="nomatch: {goto: b}"), "6:25: 'goto': there is no step 'b'"),
    "nomatch a text": (
        GATHER.format(field="nomatch: sorry"),
        "6:18: 'nomatch': expected what to do when no choice",
    ),
    "nomatch unknown": (
        GATHER.format(field="nomatch: {retry: 2}"),
        "6:19: 'retry' is not a field of nomatch; expected say",
    ),
    "choice nowhere": (
        CHOICES.replace("CHOICE", "{press: 2, goto: b}"),
        "8:35: 'goto': there is no step 'b'",
    ),
    "choice of nothing": (
        CHOICES.replace("CHOICE", "{goto: a}"),
        "8:18: 'other': a choice needs a 'say' or a 'press'",
    ),
    "choice null": (
        CHOICES.replace("CHOICE", ""),
        "'other': expected a mapping of say, press, goto, found nothing",
    ),
    "choice a text": (
        CHOICES.replace("CHOICE", "a"),
        "8:18: 'other': expected a mapping of say, press, goto",
    ),
    "choice field": (
        CHOICES.replace("CHOICE", "{press: 2, sya: a}"),
        "8:29: 'sya' is not a field of other; expected say",
    ),
    "key twice in choices": (
        CHOICES.replace("CHOICE", '{press: ["1", "2"]}'),
        "8:27: the key '1' is already that of 'sales'",
    ),
    "phrase twice": (
        CHOICES.replace("CHOICE", "{say: [x, The Sales]}"),
        "8:28: the phrase 'The Sales' already means",
    ),
    "key": (CHOICES.replace("CHOICE", "{press: x}"), "8:26: 'press': expected keys out of 0-9, * and # "),
    "key a comment": (
        CHOICES.replace("CHOICE", "\n            press: #"),
        "'press': expected a key or several in a row",
    ),
    "key a mapping": (
        CHOICES.replace("CHOICE", "{press: {a: b}}"),
        "8:26: 'press': expected a key or several",
    ),
    "phrase a list": (
        CHOICES.replace("CHOICE", "{say: [a, [b]]}"),
        "8:28: 'say': expected a phrase, or a list of",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_reported_where_it_is(name: str, tmp_path: Path) -> None:
    text, expected = WRONG[name]
    found = mistakes(write(tmp_path, text))
    assert any(expected in line for line in found), "\n".join(found)


def test_all_mistakes_at_once_sorted_by_place(tmp_path: Path) -> None:
    found = mistakes(
        write(
            tmp_path,
            """
            dialplan: 2
            start: nowhere
            stepps: 1
            steps:
              a:
                - sai: hello
                - gather:
                    timeout: soon
                    barge_in: maybe
                    choices:
                      one: {press: "1", goto: b}
                      two: {press: "1", say: []}
                      three: {goto: c}
                    noinput: {tries: x, goto: d}
                - goto: e
              a:
                - hangup:
            """,
        )
    )
    places = [line.split(" ")[0] for line in found]
    assert places == [
        "1:11:", "2:8:", "3:1:", "6:7:", "8:18:", "9:19:", "11:35:", "12:24:", "13:25:", "14:26:", "14:35:",
        "15:13:", "16:3:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "where", "said"),
    [
        (b"dialplan: 1\nname: \xe4\n", "2:7", "expected UTF-8 text, found the byte 0xE4"),
        ("dialplan: 1".encode("utf-16"), "1:1", "expected UTF-8 text"),
        (b"#" * (1 << 20) + b"#", "1:1", "a plan is at most 1048576 bytes"),
        (b"{" * 50_000, "1:41", "nested more than 40 deep"),
        (b"- " * 50_000, "1:81", "nested more than 40 deep"),
    ],
)
def test_a_file_that_is_no_text_or_too_much(data: bytes, where: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(data)
    (found,) = mistakes(path)
    assert found.startswith(where) and said in found


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["l0: &l0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = mistakes(write(tmp_path, "\n".join(lines)))
    assert any("expand to more than a plan may hold" in line for line in found)


def test_a_deep_chain_of_aliases_is_refused(tmp_path: Path) -> None:
    lines = ["l0: &l0 [a]"] + [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 5000)]
    assert any("expand to more" in line for line in mistakes(write(tmp_path, "\n".join(lines))))


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == ["1:1: this is a folder; expected a plan's YAML file"]
    assert mistakes(tmp_path / "none.yaml") == ["1:1: there is no such file"]
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan("a\0b.yaml")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert mistakes(tmp_path / "pipe") == ["1:1: this is a device or a pipe; expected a plan's YAML file"]
    (tmp_path / "file").write_text("")
    assert mistakes(tmp_path / "file" / "plan.yaml") == ["1:1: this file cannot be read: Not a directory"]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be read" in mistakes(tmp_path / "loop")[0]


def test_a_sound_with_a_near_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "tone.wav").write_bytes(encode_wav(bytes(320), 8000))
    (found,) = mistakes(write(tmp_path, STEP + "    - play: sounds/tona.wav\n"))
    assert found.endswith(
        "there is no file 'sounds/tona.wav' beside the plan; did you mean 'sounds/tone.wav'?"
    )


def test_a_sound_without_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(encode_wav(b"", 8000))
    (found,) = mistakes(write(tmp_path, STEP + "    - play: x.wav\n"))
    assert "has no sound in it" in found


def test_short_and_long_forms_and_defaults(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(encode_wav(bytes(1600), 16000))
    verbs = [
        placed.verb
        for placed in plan(
            tmp_path,
            """
            a:
              - say: >
                  Hello
                  there.
              - say: {text: Hello there., barge_in: dtmf}
              - play: x.wav
              - play: {file: x.wav, barge_in: none}
              - gather: {choices: {one: {press: 1}}}
              - goto: a
              - goto: {step: a}
              - hangup:
              - hangup: {}
            """,
        )
        .steps["a"]
        .verbs
    ]
    assert verbs[0] == Say(text="Hello there.")
    assert verbs[1] == Say(text="Hello there.", barge_in="dtmf")
    assert verbs[2] == Play(file="x.wav") and verbs[3] == Play(file="x.wav", barge_in="none")
    gather = verbs[4]
    assert isinstance(gather, Gather)
    assert (gather.prompt, gather.barge_in, gather.timeout, gather.inter_digit) == (None, None, 5.0, 2.0)
    assert gather.noinput == gather.nomatch and (gather.noinput.tries, gather.noinput.goto) == (3, None)
    assert verbs[5] == verbs[6] and verbs[7] == verbs[8]


def test_sounds_are_decoded_once_and_relative_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(encode_wav(b"\x01\x02" * 800, 16000))
    sounds = plan(tmp_path, "a:\n  - play: x.wav\n  - play: x.wav\n").sounds
    assert list(sounds) == ["x.wav"]
    assert sounds["x.wav"].pcm16 == b"\x01\x02" * 800 and sounds["x.wav"].sample_rate == 16000


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5s", 5), ("500ms", 0.5), ("1m", 60), ("1h", 3600), ("7", 7), ("1.5 s", 1.5), ('"2s"', 2)],
)
def test_durations(written: str, seconds: float, tmp_path: Path) -> None:
    verb = (
        plan(tmp_path, f"a:\n  - gather: {{timeout: {written}, choices: {{x: {{press: 1}}}}}}\n")
        .steps["a"]
        .verbs[0]
        .verb
    )
    assert isinstance(verb, Gather) and verb.timeout == seconds


def test_words_stay_words(tmp_path: Path) -> None:
    verb = (
        plan(
            tmp_path,
            """
        on:
          - gather:
              prompt: yes
              choices:
                yes: {say: [yes, on, true], press: 07}
                no: {say: no, press: [1, "2", "*", "#", a]}
                nothing: {say: off, press: 012}
        """,
            start="on",
        )
        .steps["on"]
        .verbs[0]
        .verb
    )
    assert isinstance(verb, Gather)
    assert verb.prompt == (say("yes"),) and list(verb.choices) == ["yes", "no", "nothing"]
    assert verb.choices["yes"].say == ("yes", "on", "true") and verb.choices["yes"].press == ("07",)
    assert verb.choices["no"].press == ("1", "2", "*", "#", "A")
    assert verb.choices["nothing"].press == ("012",)


def test_anchors_may_be_used(tmp_path: Path) -> None:
    loaded = plan(
        tmp_path,
        """
        a:
          - gather: {choices: {x: {press: 1}}, noinput: &gone {tries: 1, goto: b}, nomatch: *gone}
        b:
          - hangup:
        """,
    )
    verb = loaded.steps["a"].verbs[0].verb
    assert isinstance(verb, Gather) and verb.noinput == verb.nomatch and verb.nomatch.goto == "b"


def test_name_path_and_lines(tmp_path: Path) -> None:
    loaded = load_plan(write(tmp_path, STEP + "    - say: hello\n    - hangup:\n", "front-desk.yaml"))
    assert loaded.name == "front-desk" and loaded.path == tmp_path / "front-desk.yaml"
    assert [placed.line for placed in loaded.steps["a"].verbs] == [5, 6]


def test_a_byte_order_mark_does_not_hurt(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (STEP + "    - say: Grüß dich\n").encode())
    assert load_plan(path).prompts()[0] == "Grüß dich"


def test_prompts_are_all_texts_known_beforehand(tmp_path: Path) -> None:
    loaded = plan(
        tmp_path,
        """
        b:
          - say: Last.
        a:
          - say: First.
          - gather:
              prompt: Menu.
              choices: {x: {press: 1}}
              noinput: {say: Hello?}
              nomatch: {say: What?, tries: 0}
          - gather: {choices: {x: {press: 1}}, noinput: {goto: b}, nomatch: {goto: b}}
          - say: First.
        """,
    )
    assert loaded.prompts() == [
        "First.",
        "Menu.",
        "Hello?",
        GIVE_UP_TEXT,
        NOINPUT_TEXT,
        NOMATCH_TEXT,
        "Last.",
        APOLOGY,
        *texts_for_faults("en"),
    ]


def test_the_demo_has_what_the_first_call_needs() -> None:
    demo = load_plan(DEMO)
    assert demo.name == "demo" and demo.start == "welcome"
    menu = demo.steps["menu"].verbs[0].verb
    assert isinstance(menu, Gather)
    assert {"sales", "billing", "hours", "story", "goodbye"} <= set(menu.choices)
    assert all(choice.press and choice.say for choice in menu.choices.values())

    def answer(choice: str) -> str:
        target = menu.choices[choice].goto
        assert target is not None
        return " ".join(text for placed in demo.steps[target].verbs for text in placed.verb.prompts())

    assert "billing" in answer("billing") and "nine" in answer("hours") and "Goodbye" in answer("goodbye")
    assert len(answer("story").split()) > 150, "half a minute, even for somebody who speaks fast"
    reached = {
        demo.start,
        *(c.goto for c in menu.choices.values()),
        menu.noinput.goto,
        menu.nomatch.goto,
        "menu",
    }
    assert reached == set(demo.steps)


def test_two_plans_of_one_name_are_refused(tmp_path: Path) -> None:
    """A call is given to a plan by its name: the second would never get one."""
    text = "dialplan: 1\nname: {}\nstart: a\nsteps:\n  a:\n    - hangup:\n"
    paths = [tmp_path / f"{number}.yaml" for number in range(3)]
    for path, name in zip(paths, ("Shop", "home", "SHOP"), strict=True):
        path.write_text(text.format(name))
    assert [plan.name for plan in load_plans(paths[:2])] == ["Shop", "home"]
    with pytest.raises(PlanError) as caught:
        load_plans(paths)
    assert str(caught.value) == (
        f"{paths[2]}:1:1: its name 'SHOP' is that of {paths[0]} too: change `name` in one of them"
    )
