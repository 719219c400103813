"""A recorded call, replayed: the same, the same again, and what other settings change."""

import asyncio
import dataclasses
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.audio.frames import LINE_RATE, VAD_RATE
from ivr.audio.wav import encode_wav
from ivr.cli import main
from ivr.cli.replay_output import replay_all
from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import InputSpec
from ivr.lab.plot.timeline import timeline
from ivr.lab.replay.engines import RecordedSTT, RecordedTranscript
from ivr.lab.replay.replayer import replay
from ivr.lab.replay.report import decision_line
from ivr.lab.replay.script import recorded_expectation
from ivr.lab.replay.settings import options_for_all_prompts, settings_for
from ivr.modelstore import ModelStore
from ivr.service.config.settings import SettingsError, load_settings
from ivr.service.recording.recording import Recording, load_recording
from ivr.session import (
    STAGES,
    BargeInOptions,
    Decision,
    Expectation,
    SessionConfig,
    VoiceSession,
    preset,
)
from tests.lab.recorded import Scene, at, clip, record, with_options
from tests.vad.sounds import loud_from, loud_until, prompt

WORDS = "press one for sales or two for support and say anything you like at any time"
SHORT, LONG = "no", "the second thing that was said"


def speech(name: str) -> np.ndarray:
    x = prompt(name)
    return x[loud_from(x) : loud_until(x)]


@pytest.fixture(scope="module")
def call(models: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interrupted by speech, listened to, answered; interrupted by a key; nothing said for a second."""

    async def plan(session: VoiceSession) -> None:
        await session.say(clip(np.tile(speech("demo-instruct"), 2)[: 8 * LINE_RATE], WORDS))
        assert (await session.listen(5)).text == SHORT
        await session.say(clip(speech("vm-goodbye"), "goodbye"), barge_in="none")
        await session.say(clip(np.tile(speech("demo-instruct"), 2)[: 8 * LINE_RATE], WORDS))
        assert (await session.listen(5)).text == "4"
        assert (await session.listen(1)).reason == "noinput"
        await session.say(clip(speech("demo-thanks"), "thank you"))

    scene = Scene(at(12.0, (2.0, speech("vm-goodbye")[:8000])), plan, (SHORT,), ((8.0, "4"),))
    return record(tmp_path_factory.mktemp("calls"), "call", scene)


@pytest.fixture(scope="module")
def recording(call: Path) -> Recording:
    return load_recording(call)


def of(decisions: Any, *stages: str) -> list[Decision]:
    return [each for each in decisions if each.stage in stages]


def test_the_same_settings_decide_the_same(recording: Recording) -> None:
    options, unknown = settings_for(recording)
    assert not unknown and options == settings_for(recording)[0]
    again = replay(recording, options).decisions
    exact = ("speech_began", "stop", "turn_ended", "transcript", "dtmf", "listen", "noinput", "say_started")
    assert of(again, *exact) == of(recording.decisions, *exact)
    assert {d.stage for d in recording.decisions} >= set(exact)
    ended, were = of(again, "say_ended"), of(recording.decisions, "say_ended")
    assert len(ended) == len(were) == 4
    for one, other in zip(ended, were, strict=True):
        assert one.details["prompt"] == other.details["prompt"]
        assert one.details["interrupted"] == other.details["interrupted"]
        assert one.details["heard_ms"] == pytest.approx(other.details["heard_ms"], abs=40)
    names = [[d.details["name"] for d in of(each, "state")] for each in (again, recording.decisions)]
    assert names[0] == names[1]


def test_twice_the_same_gives_the_same_to_the_sample_faster_than_it_was(recording: Recording) -> None:
    options, _ = settings_for(recording, ["vad.threshold=0.7"])
    began = time.perf_counter()
    first, second = replay(recording, options), replay(recording, options)
    took = time.perf_counter() - began
    assert first == second
    assert len(first.probabilities) == len(recording.caller) // 256 - 1
    assert max(first.probabilities) > 0.9 and first.probabilities[0] < 0.1
    assert took < 2 * recording.seconds / 3


def test_what_a_transcript_takes_is_taken_again(recording: Recording) -> None:
    """Begun at the pause, and there before the turn has ended."""
    early, final = of(replay(recording, settings_for(recording)[0]).decisions, "transcript")
    assert [early, final] == of(recording.decisions, "transcript")
    assert early.details["asked"] == final.details["asked"]
    assert 0.28 <= (early.at - early.details["asked"]) / VAD_RATE <= 0.36


def test_a_lost_interruption_plays_on_to_the_next_prompt(recording: Recording) -> None:
    options, _ = settings_for(recording, ["session.endpointing.min_speech_ms=5000"])
    again = replay(recording, options).decisions
    assert [d.rule for d in of(again, "stop")] == ["dtmf"]
    first = of(again, "say_ended")[0]
    second = of(recording.decisions, "say_started")[1]
    assert second.at <= first.at < second.at + VAD_RATE // 10
    assert first.details["heard_ms"] > of(recording.decisions, "say_ended")[0].details["heard_ms"] + 1000


def test_an_answer_waits_for_the_end_of_a_turn_that_lasts_longer_now(recording: Recording) -> None:
    options, _ = settings_for(recording, ["session.endpointing.min_silence_ms=1200"])
    again = replay(recording, options).decisions
    assert [d.rule for d in of(again, "stop")] == [
        "speech",
        "dtmf",
    ]  # the answer was not interrupted at its start
    (ended,) = of(again, "turn_ended")
    assert of(again, "say_started")[1].at >= ended.at > of(recording.decisions, "turn_ended")[0].at + 12_000


def test_compare_reports_what_is_lost_and_what_is_gained(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(call), "--compare"]) == 0
    out = capsys.readouterr().out
    assert "2 interruptions, 2 when replayed\n  the same" in out and "not transcribed" not in out
    assert main(["replay", str(call), "--compare", "--set", "session.endpointing.min_speech_ms=5000"]) == 1
    reported = capsys.readouterr().out
    assert "2 interruptions, 1 with session.endpointing.min_speech_ms=5000" in reported
    assert (
        "  lost             2." in reported
        and 'prompt 1 by speech: "press one for sales' in reported
        and "gained" not in reported
    )

    async def plan(session: VoiceSession) -> None:
        await session.say(clip(np.tile(speech("demo-instruct"), 2)[: 8 * LINE_RATE], WORDS))

    deaf = with_options(min_speech_ms=5000)
    scene = Scene(at(6.0, (2.0, speech("vm-goodbye")[:8000])), plan)
    record(tmp_path, "deaf", scene, deaf)
    arguments = ["replay", str(tmp_path), "--compare", "--set", "session.endpointing.min_speech_ms=64"]
    assert main([*arguments, "--json"]) == 1
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert found["lost"] == [] and found["interruptions"] == 1
    assert found["gained"][0]["prompt"] == 1 and 2.0 < found["gained"][0]["at"] / VAD_RATE < 2.3

    # Nobody had ears for it then: that it was words is a guess, and that is said.
    assert found["unknown"] == 1 and "1 turn was not transcribed on the call" in output.err
    assert main(arguments) == 1
    reported = capsys.readouterr().out
    assert "(1 turn was not transcribed on the call and taken for words here (--stt" in reported
    assert main([*arguments, "--json", "--stt"]) == 1
    output = capsys.readouterr()
    assert json.loads(output.out)["unknown"] == 0 and not output.err


def test_a_later_decision_is_the_same_interruption(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(call), "--compare", "--set", "session.endpointing.min_speech_ms=320"]) == 0
    assert "1 kept, but decided +2" in capsys.readouterr().out


def test_decisions_as_text_and_as_lines(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(call)]) == 0
    text = capsys.readouterr().out.splitlines()
    assert any(line.strip().startswith("2.") and "stop (speech)" in line for line in text)
    assert main(["replay", str(call), "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [Decision.from_json(line).stage for line in lines][:1] == ["state"] and len(lines) == len(text)


def test_a_folder_is_a_table_with_totals(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes(call.read_bytes())
        (tmp_path / f"{name}.jsonl").write_bytes(call.with_suffix(".jsonl").read_bytes())
    assert main(["replay", str(tmp_path)]) == 0
    head, _, *rows, _, total = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "call length turns interruptions false interruptions ducks ignored"
    assert [row.split()[:5] for row in rows] == [[f"{n}.wav", "12.0", "s", "1", "2"] for n in "ab"]
    assert total.split()[:6] == ["2", "calls", "24.0", "s", "2", "4"]

    (tmp_path / "c.wav").write_bytes(encode_wav(np.zeros(800, np.int16), 8000))
    assert main(["replay", str(tmp_path), "--compare"]) == 1
    output = capsys.readouterr()
    assert "c.wav: it has 1 channel" in output.err
    assert output.out.splitlines()[0].endswith("gained  lost  false gained  false lost")
    assert output.out.splitlines()[-1].split()[-4:] == ["0"] * 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--set", "vad.treshold=0.6"],
            "--set vad.treshold=0.6: vad.treshold is not a setting; did you mean vad.thr",
        ),
        (["--set", "min_silence_ms=3"], "did you mean session.endpointing.min_silence_ms?"),
        (["--set", "vad.threshold"], "--set vad.threshold: write vad.threshold=VALUE"),
        (["--set", "vad.threshold=much"], "vad.threshold must be a number, not 'much'"),
        (["--set", "vad.threshold=2"], "must be between 0 and 1"),
        (["--set", "vad.release=0.9"], "release must be above 0 and not above threshold"),
        (["--set", "vad.model=/nowhere/x.onnx"], "/nowhere/x.onnx: no such file"),
        (["--config", "/nowhere/ivr.toml"], "/nowhere/ivr.toml: No such file"),
    ],
)
def test_what_cannot_be_set_is_refused(
    call: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["replay", str(call), *arguments]) == 2
    output = capsys.readouterr()
    assert said in output.err and output.err.count("\n") == 1 and not output.out


def test_no_value_is_the_default(call: Path) -> None:
    options, _ = settings_for(load_recording(call), ["vad.release=0.2", "vad.release="])
    assert options.vad.release is None


def test_a_file_of_settings_takes_the_place_of_those_recorded(call: Path, tmp_path: Path) -> None:
    (tmp_path / "ivr.toml").write_text("[session.endpointing]\nmin_speech_ms = 5000\n")
    reported: list[str] = []
    assert replay_all(call, config=tmp_path / "ivr.toml", compare=True, out=reported.append) == 1
    assert "2 interruptions, 1 with" in reported[0]


def test_options_of_another_version_are_left_out_and_said(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = call.with_suffix(".jsonl").read_text().split("\n")
    header = json.loads(first)
    header["options"]["session"]["telepathy"] = {"strength": 3}
    header["options"]["session"]["endpointing"]["min_speech_ms"] = 5000
    (tmp_path / "old.wav").write_bytes(call.read_bytes())
    (tmp_path / "old.jsonl").write_text("\n".join([json.dumps(header), *rest]))
    reported: list[str] = []
    assert replay_all(tmp_path / "old.wav", as_json=True, out=reported.append) == 0
    assert [d.rule for d in of(map(Decision.from_json, reported), "stop")] == ["dtmf"]
    assert (
        "ignored settings that this version does not have: session.telepathy.strength"
        in capsys.readouterr().err
    )


def test_engines_can_listen_again(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The caller said goodbye; the scene's recogniser understood something else."""
    assert main(["replay", str(call), "--stt", "--json"]) == 0
    found = of(map(Decision.from_json, capsys.readouterr().out.splitlines()), "transcript")
    texts = [d.details["text"] for d in found if not d.details["interim"]]
    assert len(texts) == 1 and texts[0] and texts[0] != SHORT


# -- turn-taking, as it was and as it would have been


class Doubts:
    """A turn detector that takes every first pause for the middle of a turn, and every second for its end."""

    name = "doubts"

    def __init__(self) -> None:
        self.answers = itertools.cycle((0.1, 0.95))

    async def start(self) -> None: ...

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        await asyncio.sleep(0.06)
        return next(self.answers)

    async def aclose(self) -> None: ...


POLICY = ("duck", "restore", "stop", "confirm", "resume", "ignore", "speech_began", "paused", "complete",
          "discard", "turn_ended", "transcript", "expect", "dtmf", "noinput", "listen")  # fmt: skip


@pytest.fixture(scope="module")
def polite(models: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cough and an "uh-huh" over a prompt, words over it; words over a notice that is protected; an answer
    of the grammar that is said with a pause in it.
    """
    bye = speech("vm-goodbye")
    long = np.tile(speech("demo-instruct"), 4)
    menu = {"sales": (("sales",), ("1",)), "support": (("support",), ("2",))}

    async def plan(session: VoiceSession) -> None:
        session.set_expectation(expected_answers(menu))
        await session.say(clip(long[: 16 * LINE_RATE], WORDS))
        assert (await session.listen(5)).text == "support"
        session.set_expectation(Expectation())
        notice = await session.say(
            clip(long[: 3 * LINE_RATE], "a notice"), options=BargeInOptions(protect_ms=2500, duck_db=6)
        )
        assert not (await notice.wait_for_playout()).interrupted
        session.set_expectation(expected_answers(menu))
        assert (await session.listen(5)).text == "sales please"

    caller = at(
        21.0, (2.0, bye[:2400]), (6.0, bye[:4000]), (10.0, bye), (12.3, bye[:6000]), (16.0, bye), (17.0, bye)
    )
    said = ((2.0, ""), (6.0, "uh-huh"), (10.0, "support"), (12.2, "hey"), (16.0, "sales please"))
    scene = Scene(caller, plan, said=said, turns=Doubts())
    return record(tmp_path_factory.mktemp("polite"), "polite", scene)


def without(decisions: Any, *details: str) -> list[Decision]:
    return [
        Decision(d.at, d.stage, d.rule, {k: v for k, v in d.details.items() if k not in details})
        for d in of(decisions, *POLICY)
    ]


def test_the_policy_decides_the_same(polite: Path) -> None:
    recording = load_recording(polite)
    options, unknown = settings_for(recording)
    again = replay(recording, options)
    assert not unknown and not again.unknown and again == replay(recording, options)
    places = ("from_ms", "cut_ms")
    assert without(again.decisions, *places) == without(recording.decisions, *places)
    for one, other in zip(of(again.decisions, "resume"), of(recording.decisions, "resume"), strict=True):
        # The words are found in the sound, and of that the recording has what was heard.
        assert [one.details[name] for name in places] == pytest.approx(
            [other.details[name] for name in places], abs=50
        )
    assert {d.stage for d in recording.decisions} >= set(POLICY) - {"restore", "dtmf", "noinput"}
    assert [d.rule for d in of(recording.decisions, "resume")] == ["no words", "backchannel"]
    # As long as it was, and as much was heard of it.
    ends = zip(of(again.decisions, "say_ended"), of(recording.decisions, "say_ended"), strict=True)
    for one, other in ends:
        assert abs(one.at - other.at) < VAD_RATE // 10
        assert one.details["heard_text"] == other.details["heard_text"]


def compared(path: Path, *assignments: str) -> Any:
    reported: list[str] = []
    replay_all(path, assignments, compare=True, as_json=True, out=reported.append)
    return json.loads(reported[0])


def test_false_interruptions_are_reported_apart(polite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(polite), "--compare", "--set", "session.barge_in.min_speech_ms=480"]) == 1
    reported = capsys.readouterr().out.splitlines()
    assert reported[0].startswith("polite.wav: 1 interruption, 1 with")
    assert reported[1].startswith("  false lost       2.") and "which resumed (no words): " in reported[1]
    found = compared(polite, "session.barge_in.backchannels=false")
    assert [each["prompt"] for each in found["gained"]] == [1] and found["lost"] != found["gained"]
    assert [each["resumed"] for each in found["false_lost"]] == ["backchannel"]
    assert (found["interruptions"], found["false_interruptions"]) == (1, 1)


def test_each_prompt_has_its_own_options_unless_they_are_tried(polite: Path) -> None:
    recording = load_recording(polite)
    over_the_notice = [d.rule for d in of(recording.decisions, "ignore") if d.details.get("prompt") == 2]
    assert over_the_notice == ["protect"]
    found = compared(polite, "session.barge_in.protect_ms=0")
    assert [each["prompt"] for each in found["gained"]] == [2] and not found["lost"]
    found = compared(polite, "session.barge_in.barge_in=dtmf")
    assert [each["prompt"] for each in found["lost"]] == [1] and len(found["false_lost"]) == 2


def test_the_grammar_and_the_turn_detector_of_then_are_asked(polite: Path) -> None:
    recording = load_recording(polite)

    def last_turn(*assignments: str) -> Decision:
        options, _ = settings_for(recording, assignments)
        return of(replay(recording, options).decisions, "turn_ended")[-1]

    was = of(recording.decisions, "turn_ended")[-1]
    assert last_turn() == was and was.details["reason"] == "complete"
    assert last_turn("turn.name=none", "session.turn.complete_ms=1200").details["reason"] == "silence"
    later = last_turn("session.turn.end_above=1", "session.turn.complete_ms=640")
    assert later.details["reason"] == "complete" and later.at > was.at


@pytest.mark.parametrize(
    ("stage", "details", "said"),
    [
        ("expect", {"choices": {"a": ["b"]}}, "choices: a has not a list of phrases and a list of keys"),
        ("expect", {"kind": "riddle"}, "kind = 'riddle': there are free, menu"),
        ("say_ended", {"word_times": [["a", 1]]}, "word_times: ['a', 1] is not a word with two times"),
        ("say_started", {"prompt": 9, "options": {"barge_in": "loud"}}, "options of prompt 9: session.b"),
        ("say_started", {"prompt": 9, "options": {"min_words": "two"}}, "options of prompt 9: session.b"),
        ("say_started", {"prompt": 9, "options": {"protect_ms": -1}}, "options of prompt 9: session.b"),
    ],
)
def test_a_file_that_was_changed_is_refused(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str, details: Any, said: str
) -> None:
    (tmp_path / "x.wav").write_bytes(call.read_bytes())
    lines = call.with_suffix(".jsonl").read_text().split("\n")
    lines.insert(2, Decision(0, stage, details=details).to_json())
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    assert main(["replay", str(tmp_path / "x.wav")]) == 2
    assert said in capsys.readouterr().err


# -- what was understood, by where it was said


def recorded_stt(*known: RecordedTranscript) -> RecordedSTT:
    header = Decision(0, "session", details={"options": {"vad": {}, "session": {}}})
    silence = np.zeros(8000, np.int16)
    stt = RecordedSTT(Recording(Path("x.wav"), silence, silence, header, ()), lambda: 0)
    stt._known = list(known)
    return stt


@pytest.mark.parametrize(
    ("first", "last", "texts"),
    [
        (0, 12_000, [SHORT]),
        (0, 50_000, [SHORT, LONG]),  # two turns of then are one now
        (12_000, 50_000, [LONG]),
        (20_000, 30_000, ["the second thing"]),  # one turn of then ends in its middle
        (30_000, 45_000, ["that was said"]),
        (50_000, 60_000, []),
    ],
)
def test_a_stretch_of_speech_has_the_words_that_were_said_in_it(
    first: int, last: int, texts: list[str]
) -> None:
    stt = recorded_stt(
        RecordedTranscript(5000, 10_000, 12_000, 800, SHORT, 0.9, False),
        RecordedTranscript(20_000, 40_000, 42_000, 0, LONG, 0.8, False),
    )
    assert [text for text, _ in stt._texts_between(first, last)[0]] == texts


def test_an_interim_text_is_preferred_to_a_guess() -> None:
    stt = recorded_stt(
        RecordedTranscript(20_000, 30_000, 31_000, 0, "the 2nd", 0.5, True),
        RecordedTranscript(20_000, 40_000, 42_000, 0, LONG, 0.8, False),
    )
    assert stt._texts_between(18_000, 31_000)[0] == [("the 2nd", 0.5)]
    assert stt._texts_between(18_000, 41_000)[0] == [(LONG, 0.8)]


# -- what the plan had set


@pytest.fixture(scope="module")
def asked(models: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three prompts talked over: a protected one, one with a hotword, a question that is answered so."""

    async def plan(session: VoiceSession) -> None:
        long = clip(np.tile(speech("demo-instruct"), 2)[: 4 * LINE_RATE], WORDS)
        own = BargeInOptions(protect_ms=3_500)
        await (await session.say(long, options=own)).wait_for_playout()
        own = BargeInOptions(hotword=("operator",))
        await (await session.say(long, options=own)).wait_for_playout()
        session.set_expectation(expected_answers({"yes": (("yes",), ()), "ok": (("okay",), ())}))
        await (await session.say(long)).wait_for_playout()
        await session.listen(5)
        session.set_expectation(Expectation())

    word = speech("vm-goodbye")[:8000]
    scene = Scene(at(15.0, (1.0, word), (5.0, word), (9.0, word)), plan, ("okay",) * 9)
    return record(tmp_path_factory.mktemp("asked"), "asked", scene)


def test_prompts_yield_and_callers_are_understood_as_the_plan_had_it(asked: Path) -> None:
    recording = load_recording(asked)
    assert [d.details["interrupted"] for d in of(recording.decisions, "say_ended")] == [False, False, True]
    again = replay(recording, settings_for(recording)[0]).decisions
    exact = ("say_started", "expect", "speech_began", "stop")
    assert of(again, *exact) == of(recording.decisions, *exact)
    rules = [[d.rule for d in of(each, "ignore")] for each in (again, recording.decisions)]
    assert rules[0] == rules[1] and {"protect", "hotword"} <= set(rules[0])
    assert of(again, "confirm"), "a word that would interrupt nothing if it were not an answer"


@pytest.mark.parametrize(
    ("tried", "own"),
    [
        ("session.barge_in.duck_db=3", BargeInOptions(duck_db=3)),
        ("session.preset=robust", preset("robust").config.barge_in),
    ],
)
def test_what_the_plan_had_set_stays_and_the_rest_follows_the_settings(
    asked: Path, tried: str, own: BargeInOptions
) -> None:
    recording = load_recording(asked)
    options, _ = settings_for(recording, [tried])
    prompts = options_for_all_prompts([tried])
    started = of(replay(recording, options, prompts=prompts).decisions, "say_started")
    assert [d.details["options"] for d in started] == [
        dataclasses.replace(own, protect_ms=3_500).plain(),
        dataclasses.replace(own, hotword=("operator",)).plain(),
        own.plain(),
    ]


def test_a_preset_is_tried_beside_what_was_set(models: ModelStore, tmp_path: Path) -> None:
    async def plan(session: VoiceSession) -> None:
        await session.say(clip(speech("demo-thanks"), "thank you"))

    was = load_settings(environ={"IVR_SESSION__PRESET": "robust", "IVR_VAD__THRESHOLD": "0.4"})
    recording = load_recording(record(tmp_path, "call", Scene(at(1.0), plan), was))
    same, _ = settings_for(recording)
    assert (same.preset, same.session, same.vad) == (was.preset, was.session, was.vad)
    tried, _ = settings_for(recording, ["session.preset=call_centre", "session.turn.incomplete_ms=1100"])
    assert tried.vad.threshold == 0.4
    wanted = preset("call_centre").config
    wanted = dataclasses.replace(wanted, turn=dataclasses.replace(wanted.turn, incomplete_ms=1100))
    assert (tried.preset, tried.session) == ("call_centre", wanted)
    balanced, _ = settings_for(recording, ["session.preset=balanced"])
    assert balanced.session == SessionConfig()
    with pytest.raises(SettingsError, match="did you mean robust"):
        settings_for(recording, ["session.preset=robst"])


def test_a_typed_question_is_asked_again() -> None:
    asked = InputSpec(kind="digits", min_digits=4, max_digits=4)
    then = expected_answers({"desk": (("operator",), ())}, spec=asked)
    now = recorded_expectation(Decision(0, "expect", details=json.loads(json.dumps(then.plain()))))
    assert now.fits is not None and now.may_continue is not None and now.kind == "digits"
    assert now.fits("four seven one nine") and now.fits("operator") and not now.fits("four seven")
    assert now.may_continue("four seven") and not now.may_continue("four seven one nine")
    assert now.plain() == then.plain()


# -- files that somebody wrote by hand

number = st.integers(0, 40_000) | st.floats(0, 1e6)
detail = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("onset", "offset", "prompt"), st.integers(-5, 40_000)),
        **dict.fromkeys(("heard_ms", "planned_ms", "timeout_s", "confidence"), number),
        **dict.fromkeys(("text", "name"), st.text(max_size=5) | st.sampled_from(["ended", "speaking"])),
        "digit": st.sampled_from("0123456789*#ABCD"),
        "kind": st.sampled_from(["free", "menu", "yes_no", "digits"]),
        "choices": st.dictionaries(
            st.text(max_size=3), st.lists(st.lists(st.text(max_size=4)), min_size=2, max_size=2)
        ),
        "asks": st.sampled_from(
            [{"kind": "digits", "max_digits": 2}, {"kind": "date", "today": "soon"}, {"kind": 3}]
        )
        | st.dictionaries(st.sampled_from(["kind", "pattern", "order"]), st.text(max_size=3)),
        "options": st.sampled_from(
            [
                {},
                {"barge_in": "none", "duck_db": 6.5},
                {"protect_ms": 500, "hotword": ["no"]},
                {"min_words": 2},
                {"x": []},
            ]
        ),
        **dict.fromkeys(("asked", "answered_at"), st.integers(-5, 40_000)),
        **dict.fromkeys(("probability", "cut_ms", "from_ms"), number),
        "answered": st.booleans(),
        "word_times": st.lists(
            st.tuples(st.text(max_size=3), st.integers(-5, 900), st.integers(-5, 900)).map(list), max_size=3
        ),
        "interrupted": st.booleans(),
        "interim": st.booleans(),
        "paused": st.booleans(),
    },
)
decision = st.builds(
    Decision, st.integers(0, 40_000), st.sampled_from(sorted(STAGES)), st.text(max_size=3), detail
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(decision, max_size=12))
def test_any_decisions_can_be_replayed_and_drawn(models: ModelStore, decisions: list[Decision]) -> None:
    head = {"options": {"vad": {}, "session": {}}}
    sound = np.tile(speech("vm-goodbye"), 4)[: 2 * LINE_RATE]
    recording = Recording(
        Path("x.wav"), sound, np.zeros_like(sound), Decision(0, "session", details=head), tuple(decisions)
    )
    found = replay(recording, settings_for(recording)[0]).decisions
    assert of(found, "speech_began") or of(found, "say_started")
    timeline(decisions, recording.seconds)
    [decision_line(each) for each in found]
