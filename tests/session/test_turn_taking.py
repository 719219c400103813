"""Turn-taking: ducking, stopping, resuming, and the end of a turn. The detector is the real one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from ivr.grammar.expectation import ExpectedKind
from ivr.session import (
    AudioClip,
    BargeInOptions,
    Decision,
    Expectation,
    MemoryPlayer,
    SessionConfig,
    SessionState,
    TurnOptions,
    VoiceSession,
)
from ivr.speech.base import SpeechTimeout
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.options import EndpointingOptions
from tests.bench.turns import rules
from tests.session.engines import LetterTTS, ScriptSTT, feed, feed_silence
from tests.vad.sounds import music

S = SessionState
LONG = "this prompt goes on and on about nothing in particular until somebody has the heart to stop it"
UPSAMPLER = 14
"""Samples of the line that the detector is behind."""
EVIDENCE = {"probability", "duration_ms", "echo", "words", "prompt"}
"""The details of a decision by words."""
BUZZ = 7000
"""The peaks of how LetterTTS speaks, at 8 kHz."""


class Judge:
    """A turn detector with given answers, in order."""

    name = "judge"

    def __init__(self, *answers: float | Exception) -> None:
        self.answers = list(answers)
        self.heard: list[int] = []

    async def start(self) -> None: ...

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        self.heard.append(len(pcm16) // 2)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None: ...


class Scene:
    """A session, what its engines understand, and what it decided."""

    def __init__(
        self, vad: VoiceActivityDetector, stt: ScriptSTT, config: SessionConfig, judge: Judge | None
    ) -> None:
        self.player = MemoryPlayer()
        self.stt = stt
        self.session = VoiceSession(
            stt=stt, tts=LetterTTS(), vad=vad, player=self.player, config=config, turn_detector=judge
        )
        self.decisions: list[Decision] = []
        self.session.on_decision(self.decisions.append)

    def stages(self, *wanted: str) -> list[str]:
        return [d.stage for d in self.decisions if d.stage in wanted]

    def find(self, stage: str) -> Decision:
        return next(d for d in self.decisions if d.stage == stage)

    async def hears(self, pcm: np.ndarray) -> None:
        for at in range(0, len(pcm), 160):
            await feed(self.session, pcm[at : at + 160])

    async def silence(self, ms: float) -> None:
        await feed_silence(self.session, ms)

    @property
    def now_ms(self) -> float:
        return self.session.clock / 16

    @property
    def out(self) -> np.ndarray:
        return np.frombuffer(self.player.played, np.int16)


Make = Callable[..., "asynccontextmanager"]


@pytest.fixture
def scene(vad: VoiceActivityDetector) -> Make:
    @asynccontextmanager
    async def make(
        *texts: str,
        turn: TurnOptions | None = None,
        judge: Judge | None = None,
        endpointing: EndpointingOptions | None = None,
        **barge_in: object,
    ) -> AsyncIterator[Scene]:
        config = SessionConfig(
            barge_in=BargeInOptions(**barge_in),  # type: ignore[arg-type]
            turn=turn or TurnOptions(preemptive=False),
            endpointing=endpointing or EndpointingOptions(),
        )
        made = Scene(vad, ScriptSTT(*texts), config, judge)
        async with made.session:
            yield made

    return make


def cough(ms: float = 250) -> np.ndarray:
    """A burst of voiced speech too short to be a word: enough for the detector to fire."""
    from tests.vad.sounds import loud_from, prompt

    x = prompt("vm-goodbye")
    return x[loud_from(x) :][: round(8 * ms)]


# -- two stages


async def test_the_first_sign_ducks_and_speech_stops(scene: Make, sentence: np.ndarray) -> None:
    async with scene("hello there") as s:
        await s.session.say(LONG)
        await s.silence(500)
        before = len(s.out)
        await s.hears(sentence)
        await s.silence(800)
        assert s.stages("duck", "stop", "restore", "confirm", "resume") == ["duck", "stop", "confirm"]
        duck, stop = s.find("duck"), s.find("stop")
        assert duck.at < stop.at <= duck.at + 512 * 3
        assert duck.rule == "first sign of speech" and stop.rule == "speech"
        assert {"probability", "echo", "prompt"} <= set(duck.details)
        assert {"probability", "duration_ms", "latency_ms", "echo", "prompt"} <= set(stop.details)
        # The frame before the stop ends 12 dB softer.
        end = (stop.at // 2 + UPSAMPLER) // 160 * 160
        assert np.abs(s.out[end - 4 : end]).max() == pytest.approx(BUZZ * 10 ** (-12 / 20), rel=0.2)
        assert not s.out[end:].any()
        assert np.abs(s.out[before - 800 : before]).max() == pytest.approx(BUZZ, rel=0.1)


async def test_what_was_nothing_brings_the_prompt_back_up(scene: Make, sentence: np.ndarray) -> None:
    async with scene(min_speech_ms=400) as s:
        await s.session.say(LONG)
        await s.silence(500)
        await s.hears(cough(90))
        await s.silence(1500)
        assert s.stages("duck", "restore", "stop") == ["duck", "restore"]
        assert np.abs(s.out[-1600:]).max() == pytest.approx(BUZZ, rel=0.1)
        assert s.session.state is S.SPEAKING


async def test_no_duck_without_one(scene: Make, sentence: np.ndarray) -> None:
    async with scene("hello there", duck_db=0) as s:
        await s.session.say(LONG)
        await s.silence(500)
        await s.hears(sentence)
        assert s.stages("duck", "stop") == ["stop"]


# -- false interruptions


@pytest.mark.parametrize(
    ("text", "rule"), [("", "no words"), ("[coughs]", "no words"), ("Uh-huh.", "backchannel")]
)
async def test_a_stop_that_no_words_followed_is_undone(scene: Make, text: str, rule: str) -> None:
    async with scene(text) as s:
        handle = await s.session.say(LONG)
        await s.silence(1000)
        await s.hears(cough())
        await s.silence(2000)
        assert s.stages("stop", "ignore", "resume") == ["stop", "ignore", "resume"]
        ignore = s.find("ignore")
        assert ignore.rule == rule and ignore.details["words"] == text
        assert set(ignore.details) >= EVIDENCE and ignore.details["probability"] > 0.4
        assert ignore.details["duration_ms"] == pytest.approx(250, abs=130)
        resume = s.find("resume").details
        assert resume["from_ms"] < resume["cut_ms"]
        # It was heard again within 1.5 s, and is over at its end only.
        assert s.find("resume").at - s.find("stop").at <= 1.5 * 16000
        assert s.session.state is S.SPEAKING and not handle.done
        await s.silence(9000)
        result = await handle.wait_for_playout()
        assert not result.interrupted and result.heard_text == LONG


async def test_a_prompt_that_goes_on_comes_up_without_a_click(scene: Make) -> None:
    """Ten milliseconds in a straight line, and after them its own samples."""
    async with scene("") as s:
        await s.session.say(AudioClip(np.full(8000 * 6, BUZZ, np.int16).tobytes(), 8000))
        await s.silence(2000)
        await s.hears(cough())
        await s.silence(1500)
        assert s.find("resume").details["from_ms"] > 0
        out = s.out.astype(int)
        silent = np.flatnonzero(out[: np.flatnonzero(out)[-1]] == 0)
        begin = int(silent[-1])  # the ramp's first sample is nothing too
        assert np.abs(out[begin : begin + 80] - BUZZ * np.arange(80) / 80).max() <= 1
        assert (out[begin + 80 : begin + 240] == BUZZ).all()


async def test_the_same_word_after_the_question_is_an_answer(scene: Make) -> None:
    async with scene("Okay.") as s:
        handle = await s.session.say("ready")
        await s.silence(900)
        assert handle.done
        await s.hears(cough())
        await s.silence(800)
        assert (await s.session.listen()).text == "Okay."


async def test_so_is_one_that_the_prompt_asks_for(scene: Make) -> None:
    async with scene("Okay.") as s:
        s.session.set_expectation(Expectation(kind="menu", fits=lambda text: "okay" in text.lower()))
        handle = await s.session.say(LONG)
        await s.silence(1000)
        await s.hears(cough())
        await s.silence(1200)
        assert (await handle.wait_for_playout()).interrupted
        assert (await s.session.listen()).text == "Okay."


async def test_and_one_at_the_very_end_of_the_prompt(scene: Make) -> None:
    async with scene("Okay.", answer_window_ms=700) as s:
        handle = await s.session.say("is that all right")  # 700 ms of letters
        await s.silence(300)
        await s.hears(cough())
        await s.silence(1200)
        assert (await handle.wait_for_playout()).interrupted
        assert (await s.session.listen()).text == "Okay."


async def test_backchannels_may_be_let_through(scene: Make) -> None:
    async with scene("Okay.", backchannels=False) as s:
        handle = await s.session.say(LONG)
        await s.silence(1000)
        await s.hears(cough())
        await s.silence(1200)
        assert (await handle.wait_for_playout()).interrupted


async def test_who_goes_on_without_a_word_does_not_keep_the_floor(scene: Make, sentence: np.ndarray) -> None:
    """Music, or a voice elsewhere: after the timeout its words so far are looked at."""
    async with scene("", "") as s:
        handle = await s.session.say(LONG)
        await s.silence(500)
        await s.hears(np.concatenate([sentence, sentence, sentence])[: 8 * 3000])
        assert s.stages("stop", "resume") == ["stop", "resume"]
        assert s.find("resume").at - s.find("stop").at <= 1.5 * 16000
        await s.silence(900)
        assert s.stages("stop") == ["stop"] and not handle.done


async def test_words_after_all_stop_it_again(scene: Make, sentence: np.ndarray) -> None:
    async with scene("", "stop it please") as s:
        handle = await s.session.say(LONG)
        await s.silence(500)
        await s.hears(np.concatenate([sentence, sentence, sentence])[: 8 * 3000])
        await s.silence(900)
        assert s.stages("stop", "resume") == ["stop", "resume", "stop"] and handle.done
        assert (await s.session.listen()).text == "stop it please"


async def test_a_prompt_does_not_wait_for_the_end_of_a_turn_that_was_nothing(scene: Make) -> None:
    """The turn detector expects more, and the words up to the pause are known."""
    turn = TurnOptions(incomplete_ms=3000)
    async with scene("Mm.", "Mm.", judge=Judge(*[0.1] * 9), turn=turn) as s:
        handle = await s.session.say(LONG)
        await s.silence(1000)
        await s.hears(cough())
        await s.silence(2000)
        assert s.stages("stop", "resume", "turn_ended") == ["stop", "resume"]
        assert s.find("resume").at - s.find("stop").at <= 1.1 * 16000
        await s.silence(2000)
        assert s.stages("stop", "resume", "turn_ended") == ["stop", "resume", "turn_ended"]
        assert s.find("turn_ended").details["reason"] == "silence" and not handle.done
        assert not s.session.caller_active  # it was no turn


async def test_who_goes_on_after_such_a_pause_stops_it_again(scene: Make, sentence: np.ndarray) -> None:
    turn = TurnOptions(incomplete_ms=3000)
    async with scene("Okay.", "Okay but not today.", judge=Judge(*[0.1] * 9), turn=turn) as s:
        await s.session.say(LONG)
        await s.silence(1000)
        await s.hears(cough())
        await s.silence(1400)
        assert s.stages("stop", "resume") == ["stop", "resume"]
        await s.hears(sentence[: 8 * 1200])
        await s.silence(3200)
        assert s.stages("stop", "resume", "confirm") == ["stop", "resume", "stop", "confirm"]
        assert (await s.session.listen()).text == "Okay but not today."


async def test_words_confirm_it_while_the_caller_still_speaks(scene: Make, sentence: np.ndarray) -> None:
    async with scene("I want to", "I want to speak to somebody") as s:
        handle = await s.session.say(LONG)
        await s.silence(500)
        await s.hears(np.concatenate([sentence, sentence])[: 8 * 2500])
        assert handle.done and s.stages("confirm") == ["confirm"]
        confirm = s.find("confirm")
        assert set(confirm.details) >= EVIDENCE and confirm.details["words"] == "I want to"
        await s.silence(800)
        assert (await s.session.listen()).text == "I want to speak to somebody"


@pytest.mark.parametrize(
    ("sound", "stops"),
    [
        (rules.click(0), 0),
        (rules.breath(0), 0),
        (rules.keyboard(2, 1), 0),
        (rules.cadence((440, 480), 2, 4, 2), 0),  # ring-back
        (music(0)[: 8 * 2000], 0),
        (rules.cough(1), 1),
        (rules.laugh(0), 1),
        (rules.dtmf("159#"), 1),
    ],
    ids=["click", "breath", "keyboard", "ring-back", "music", "cough", "laugh", "keys"],
)
async def test_what_is_no_speech_does_not_interrupt(scene: Make, sound: np.ndarray, stops: int) -> None:
    """What the detector takes for speech at first holds the prompt up, and it goes on."""
    async with scene(*[""] * 9) as s:
        handle = await s.session.say(LONG)
        await s.silence(800)
        await s.hears((sound * (3000 / np.abs(sound).max())).astype(np.int16))
        await s.silence(9000)
        result = await handle.wait_for_playout()
        assert not result.interrupted and result.heard_text == LONG
        assert s.stages("stop", "resume", "confirm") == ["stop", "resume"] * stops


# -- protection


async def test_nobody_talks_over_a_notice_but_beyond_it(scene: Make, sentence: np.ndarray) -> None:
    async with scene("stop it", protect_ms=1500) as s:
        handle = await s.session.say(LONG)
        await s.silence(500)
        await s.hears(np.concatenate([sentence, sentence])[: 8 * 2000])
        assert s.stages("stop") == ["stop"] and s.find("ignore").rule == "protect"
        assert s.stages("duck", "stop")[0] == "stop" or s.find("duck").at >= 1480 * 16
        await s.silence(800)
        result = await handle.wait_for_playout()
        assert result.interrupted and 1480 <= result.heard_ms <= 1600
        assert (await s.session.listen()).text == "stop it"


async def test_what_was_said_within_it_is_no_turn(scene: Make) -> None:
    async with scene("never asked", protect_ms=3000) as s:
        handle = await s.session.say(LONG)
        await s.silence(500)
        await s.hears(cough(400))
        await s.silence(1000)
        assert not handle.done and s.stages("stop") == [] and s.stt.heard == []


async def test_keys_are_protected_apart(scene: Make) -> None:
    async with scene(protect_ms=3000, protect_dtmf_ms=600) as s:
        handle = await s.session.say(LONG)
        await s.silence(400)
        s.session.process_dtmf("1")
        await s.silence(400)
        assert not handle.done
        s.session.process_dtmf("2")
        await s.silence(100)
        assert (await handle.wait_for_playout()).interrupted
        assert (await s.session.listen()).text == "2"


# -- how much speech, how many words, which words


async def test_min_speech(scene: Make, sentence: np.ndarray) -> None:
    async with scene("hello there", min_speech_ms=500) as s:
        await s.session.say(LONG)
        await s.silence(500)
        await s.hears(sentence)
        stop = s.find("stop")
        assert stop.details["duration_ms"] == pytest.approx(512, abs=32)


async def test_min_words(scene: Make, sentence: np.ndarray) -> None:
    async with scene("well", "well I think", min_words=3) as s:
        handle = await s.session.say(LONG)
        await s.silence(300)
        await s.hears(cough(300))
        await s.silence(900)
        assert not handle.done and s.find("ignore").rule in ("words", "min_words")
        assert [d.rule for d in s.decisions if d.stage == "ignore"][-1] == "min_words"
        await s.hears(np.concatenate([sentence, sentence])[: 8 * 1500])
        await s.silence(900)
        result = await handle.wait_for_playout()
        assert result.interrupted
        stop = s.find("stop")
        assert stop.rule == "words" and stop.details["words"] == "well I think"
        assert EVIDENCE | {"latency_ms"} <= set(stop.details)
        assert stop.details["probability"] > 0.9
        # It is decisions where the prompt was stopped.
        assert stop.details["latency_ms"] == pytest.approx((stop.at - stop.details["onset"]) / 16, abs=1)
        assert stop.at - s.find("say_started").at == pytest.approx(result.heard_ms * 16, abs=40 * 16)


async def test_only_a_hotword_stops(scene: Make, sentence: np.ndarray) -> None:
    async with scene("some other thing", "give me the OPERATOR please", hotword=("operator",)) as s:
        handle = await s.session.say(f"{LONG} {LONG}")
        await s.silence(300)
        await s.hears(cough(300))
        await s.silence(1000)
        assert not handle.done and [d.rule for d in s.decisions if d.stage == "ignore"][-1] == "hotword"
        assert s.session.state is S.SPEAKING
        await s.hears(cough(300))
        await s.silence(1000)
        assert (await handle.wait_for_playout()).interrupted
        assert (await s.session.listen()).text == "give me the OPERATOR please"


async def test_only_an_answer_stops(scene: Make) -> None:
    async with scene("some other thing", "a word that is good", hotword_answers=True) as s:
        s.session.set_expectation(Expectation(kind="menu", fits=lambda text: "good" in text))
        handle = await s.session.say(f"{LONG} {LONG}")
        await s.silence(300)
        await s.hears(cough(300))
        await s.silence(1400)
        assert not handle.done and [d.rule for d in s.decisions if d.stage == "ignore"][-1] == "hotword"
        await s.hears(cough(300))
        await s.silence(1400)
        assert handle.done


async def test_where_no_answers_are_known_any_word_does(scene: Make) -> None:
    async with scene("", "some other thing", hotword_answers=True) as s:
        handle = await s.session.say(f"{LONG} {LONG}")
        await s.silence(300)
        await s.hears(cough(300))
        await s.silence(1000)
        assert not handle.done and [d.rule for d in s.decisions if d.stage == "ignore"][-1] == "no words"
        await s.hears(cough(300))
        await s.silence(1000)
        assert handle.done


@pytest.mark.parametrize("asked", [True, False])
async def test_a_backchannel_counts_as_a_word_where_it_is_an_answer(scene: Make, asked: bool) -> None:
    async with scene("okay", min_words=1) as s:
        if asked:
            s.session.set_expectation(Expectation(kind="menu", fits=lambda text: text == "okay"))
        handle = await s.session.say(LONG)
        await s.silence(300)
        await s.hears(cough(300))
        await s.silence(1400)
        assert handle.done is asked


# -- the end of a turn


async def ended_after_ms(s: Scene, sentence: np.ndarray) -> float:
    """Milliseconds from the last speech, as the detector heard it, to the end of the turn."""
    await s.hears(sentence)
    await s.silence(1600)
    ended = s.find("turn_ended")
    return (ended.at - ended.details["offset"]) / 16


async def test_silence_alone(scene: Make, sentence: np.ndarray) -> None:
    async with scene("one", endpointing=EndpointingOptions(min_silence_ms=600)) as s:
        assert await ended_after_ms(s, sentence) == pytest.approx(600, abs=33)


async def test_a_yes_or_no_is_soon_over(scene: Make, sentence: np.ndarray) -> None:
    async with scene("yes") as s:
        s.session.set_expectation(Expectation(kind="yes_no"))
        assert await ended_after_ms(s, sentence) == pytest.approx(320, abs=33)


async def test_digits_are_waited_for(scene: Make, sentence: np.ndarray) -> None:
    async with scene("four seven") as s:
        s.session.set_expectation(Expectation(kind="digits"))
        assert await ended_after_ms(s, sentence) == pytest.approx(1000, abs=33)


@pytest.mark.parametrize(
    ("answer", "after"), [(0.95, 120), (0.6, 400), (0.1, 1200), (SpeechTimeout("judge", "late"), 400)]
)
async def test_a_turn_detector_ends_it_or_waits(
    scene: Make, sentence: np.ndarray, answer: float | Exception, after: float
) -> None:
    judge = Judge(*[answer] * 9)
    async with scene("one", judge=judge) as s:
        assert await ended_after_ms(s, sentence[: 8 * 1200]) == pytest.approx(after, abs=70)
        assert judge.heard
        assert s.find("turn_ended").details["reason"] == ("silence" if answer == 0.1 else "complete")


async def test_the_detector_is_not_asked_about_digits(scene: Make, sentence: np.ndarray) -> None:
    judge = Judge()
    async with scene("one", judge=judge) as s:
        s.session.set_expectation(Expectation(kind="digits"))
        await ended_after_ms(s, sentence)
        assert judge.heard == []


@pytest.mark.parametrize(("text", "after"), [("billing", 160), ("billing and something", 1000)])
async def test_a_grammar_knows_whole_answers(
    scene: Make, sentence: np.ndarray, text: str, after: float
) -> None:
    async with scene(*[text] * 9, turn=TurnOptions(complete_ms=160, incomplete_ms=1000)) as s:
        s.session.set_expectation(Expectation(kind="menu", fits=lambda said: said == "billing"))
        assert await ended_after_ms(s, sentence[: 8 * 1200]) == pytest.approx(after, abs=70)


@pytest.mark.parametrize("probability", [None, 0.01])
@pytest.mark.parametrize(("kind", "after"), [("menu", 400), ("digits", 1000)])
async def test_an_answer_that_may_go_on_waits_as_its_kind_does(
    scene: Make, sentence: np.ndarray, kind: ExpectedKind, after: float, probability: float | None
) -> None:
    """It is so too when the detector takes it for a beginning, as it does a word alone."""
    judge = Judge(*[probability] * 9) if probability is not None else None
    async with scene(*["one"] * 9, judge=judge, turn=TurnOptions()) as s:
        s.session.set_expectation(
            Expectation(kind=kind, fits=lambda text: True, may_continue=lambda text: text == "one")
        )
        assert await ended_after_ms(s, sentence[: 8 * 1200]) == pytest.approx(after, abs=33)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"end_above": 1.1}, "<= end_above <= 1"),
        ({"continue_below": 0.95}, "continue_below <= end_with_words_above"),
        ({"end_with_words_above": 0.95}, "end_with_words_above <= end_above"),
        ({"long_turn_ms": -1}, "cannot be negative"),
        ({"reply_overlap": -0.1}, "reply_overlap is a share"),
        ({"complete_ms": 2000}, "complete_ms cannot be longer"),
        ({"digits_silence_ms": -1}, "cannot be negative"),
    ],
)
def test_options_that_do_not_fit_each_other(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TurnOptions(**options)  # type: ignore[arg-type]


async def test_the_words_are_waited_for_where_the_detector_is_sure(scene: Make, sentence: np.ndarray) -> None:
    """They may be those of one who goes on, and without them there is nothing to answer."""
    async with scene("my number is", "four", judge=Judge(*[0.99] * 9), turn=TurnOptions()) as s:
        s.stt.gate = asyncio.Event()
        await s.hears(sentence[: 8 * 800])
        await s.silence(300)
        assert s.stages("paused", "turn_ended") == ["paused"]
        s.stt.gate.set()
        await s.silence(700)
        assert s.stages("turn_ended") == []  # an unfinished sentence
        await s.silence(600)
        assert s.find("turn_ended").details["reason"] == "silence"
        assert (s.find("turn_ended").at - s.find("turn_ended").details["offset"]) / 16 == pytest.approx(
            TurnOptions().incomplete_ms, abs=33
        )
        assert (await s.session.listen()).text == "my number is"


async def test_words_that_come_late_end_the_turn_that_the_detector_is_sure_of(
    scene: Make, sentence: np.ndarray
) -> None:
    async with scene("my number", judge=Judge(*[0.99] * 9), turn=TurnOptions()) as s:
        s.stt.gate = asyncio.Event()
        await s.hears(sentence[: 8 * 800])
        await s.silence(600)
        assert s.stages("turn_ended") == []
        s.stt.gate.set()
        await s.silence(60)
        assert s.find("turn_ended").details["reason"] == "complete"


async def test_no_words_are_waited_for_after_clear_speech(scene: Make, sentence: np.ndarray) -> None:
    """Long enough, and the detector sure: nobody stops to think there."""
    for long_turn_ms, ended in ((800, ["turn_ended"]), (3000, [])):
        turn = TurnOptions(long_turn_ms=long_turn_ms)
        async with scene("my number is", judge=Judge(*[0.99] * 9), turn=turn) as s:
            s.stt.gate = asyncio.Event()
            await s.hears(sentence[: 8 * 1200])
            await s.silence(400)
            assert s.stages("turn_ended") == ended
            s.stt.gate.set()


async def test_but_for_an_answer_that_is_known(scene: Make, sentence: np.ndarray) -> None:
    turn = TurnOptions(long_turn_ms=800)
    async with scene("one", judge=Judge(*[0.99] * 9), turn=turn) as s:
        s.session.set_expectation(Expectation(kind="menu", fits=lambda text: text == "one"))
        s.stt.gate = asyncio.Event()
        await s.hears(sentence[: 8 * 1200])
        await s.silence(400)
        assert s.stages("turn_ended") == []
        s.stt.gate.set()
        await s.silence(60)
        assert s.find("complete").rule == "grammar"


@pytest.mark.parametrize(("text", "complete"), [("my number", True), ("my number is", False), ("", False)])
async def test_with_words_that_may_be_the_last_a_likely_end_is_one(
    scene: Make, sentence: np.ndarray, text: str, complete: bool
) -> None:
    async with scene(*[text] * 9, judge=Judge(*[0.6] * 9), turn=TurnOptions()) as s:
        await s.hears(sentence[: 8 * 800])
        await s.silence(300)
        assert (s.stages("turn_ended") == ["turn_ended"]) is complete


async def test_the_transcript_begins_when_the_sound_falls_away(scene: Make, sentence: np.ndarray) -> None:
    """It comes before there is a pause, and is the turn's; one of a gap between two words is thrown away."""
    async with scene(*["hello there"] * 9, judge=Judge(*[0.99] * 9), turn=TurnOptions()) as s:
        s.stt.gate = asyncio.Event()
        await s.hears(sentence[: 8 * 800])
        asked = len(s.stt.heard)
        await s.silence(100)
        assert s.stages("paused") == [] and len(s.stt.heard) == asked + 1
        s.stt.gate.set()
        await s.silence(300)
        assert s.stages("paused", "turn_ended") == ["paused", "turn_ended"]
        assert len(s.stt.heard) == asked + 1
        assert (await s.session.listen()).text == "hello there"
        dropped = [d for d in s.decisions if d.stage == "discard"]
        assert all(d.rule == "the sound came back" for d in dropped)


async def test_without_words_first_it_begins_at_the_pause(scene: Make, sentence: np.ndarray) -> None:
    async with scene(*["hello"] * 9, turn=TurnOptions(wait_for_words=False)) as s:
        await s.hears(sentence[: 8 * 800])
        await s.silence(100)
        assert not s.stt.heard
        await s.silence(200)
        assert len(s.stt.heard) == 1


async def test_words_may_be_left_out_of_it(scene: Make, sentence: np.ndarray) -> None:
    turn = TurnOptions(wait_for_words=False)
    async with scene("my number is", judge=Judge(*[0.99] * 9), turn=turn) as s:
        assert await ended_after_ms(s, sentence[: 8 * 1200]) == pytest.approx(120, abs=70)


async def test_what_is_transcribed_at_a_pause_is_the_turn(scene: Make, sentence: np.ndarray) -> None:
    async with scene(*["early"] * 9, turn=TurnOptions(preemptive=True)) as s:
        await s.hears(sentence[: 8 * 1200])
        await s.silence(300)
        begun = len(s.stt.heard)
        assert begun and s.session.caller_active  # under way before the turn has ended
        await s.silence(500)
        assert (await s.session.listen()).text == "early"
        assert len(s.stt.heard) == begun


async def test_and_is_thrown_away_when_the_caller_goes_on(scene: Make, sentence: np.ndarray) -> None:
    turn_options = TurnOptions(preemptive=True, wait_for_words=False)
    async with scene("half", "the whole", "the whole", turn=turn_options) as s:
        x = sentence[: 8 * 1000]
        await s.hears(x)
        await s.silence(280)
        assert len(s.stt.heard) == 1
        await s.hears(x)
        await s.silence(900)
        turn = await s.session.listen()
        assert turn.text == "the whole" and "discard" in s.stages("discard")
        turns = [d for d in s.decisions if d.stage == "transcript" and not d.details["interim"]]
        assert [d.details["text"] for d in turns] == ["the whole"]


async def test_a_caller_who_never_stops_is_interrupted_politely(scene: Make, sentence: np.ndarray) -> None:
    endpointing = EndpointingOptions(max_turn_ms=2000)
    turn = TurnOptions(preemptive=False, cut_in="let me stop you there for just a moment")
    async with scene(*["blah"] * 9, turn=turn, endpointing=endpointing) as s:
        await s.hears(np.concatenate([sentence] * 4)[: 8 * 3000])
        assert s.find("turn_ended").details["reason"] == "max_turn"
        assert s.stages("cut_in") == ["cut_in"]
        assert s.find("say_started").details["text"] == "let me stop you there for just a moment"
        assert (await s.session.listen()).text == "blah"
        # Still talking, and still decisions.
        assert s.session.state is S.SPEAKING and s.stages("stop") == []


async def test_heard_is_what_was_heard_at_the_furthest(scene: Make, sentence: np.ndarray) -> None:
    async with scene("", "goodbye") as s:
        handle = await s.session.say(LONG)
        await s.silence(1500)
        await s.hears(cough())
        while not s.stages("resume"):
            await s.silence(20)  # the next stop is before the place that was reached
        cut = s.find("resume").details["cut_ms"]
        await s.hears(sentence)
        await s.silence(900)
        result = await asyncio.wait_for(handle.wait_for_playout(), 5)
        assert result.interrupted and result.heard_ms >= cut - 20
        assert LONG.startswith(result.heard_text)


# -- a line: what was sent is known


async def test_the_echo_of_a_prompt_does_not_interrupt_it_and_a_caller_does(
    models: object, sentence: np.ndarray
) -> None:
    """The prompt comes back 120 ms late and 12 dB down; then somebody speaks over that."""
    from ivr.audio.line import LineBank
    from ivr.session import AudioClip
    from ivr.vad.registry import create_line_vad
    from tests.vad.sounds import prompt

    bank = LineBank(1)
    vad, player, decisions = create_line_vad("silero", bank), MemoryPlayer(), list[Decision]()
    session = VoiceSession(
        stt=ScriptSTT("stop that please"), tts=LetterTTS(), vad=vad, player=player, line=bank.open()
    )
    session.on_decision(decisions.append)
    notice = np.concatenate([prompt("demo-instruct"), prompt("demo-congrats")])
    delay, loud = 8 * 120, 10 ** (-12 / 20)

    async def hears(x: np.ndarray) -> None:
        for at in range(0, len(x) // 160 * 160, 160):
            sent = np.frombuffer(player.played, np.int16)[-delay - 160 : -delay]
            echo = np.zeros(160) if sent.size < 160 else sent * loud
            session.process_audio((x[at : at + 160] + echo).astype(np.int16).tobytes())
            for _ in range(3):
                await asyncio.sleep(0)

    async with session:
        await session.say(AudioClip(notice.tobytes(), 8000))
        await hears(np.zeros(8 * 6000, np.int16))
        assert [d for d in decisions if d.stage == "stop"] == [] and session.state is S.SPEAKING
        await hears(sentence * 0.7)
        stop = next(d for d in decisions if d.stage == "stop")
        assert 0 <= stop.details["echo"] <= 1
        await hears(np.zeros(8 * 900, np.int16))
        assert (await session.listen()).text == "stop that please"


async def test_a_line_that_a_call_fills_takes_no_pushed_sound(vad: VoiceActivityDetector) -> None:
    from ivr.audio.line import LineBank

    session = VoiceSession(
        stt=ScriptSTT(), tts=LetterTTS(), vad=vad, player=MemoryPlayer(), line=LineBank(1).open()
    )
    with pytest.raises(TypeError, match="follows no lines"):
        await session.start()


# -- replies begun before the turn has ended


async def test_a_reply_prepared_at_the_pause_is_the_turns(scene: Make, sentence: np.ndarray) -> None:
    asked: list[str] = []

    async def make(text: str) -> str:
        asked.append(text)
        return f"you said {text}"

    async with scene(*["book a table"] * 9, turn=TurnOptions()) as s:
        s.session.prepare_replies(make)
        await s.hears(sentence[: 8 * 1200])
        await s.silence(280)
        assert asked == ["book a table"]
        await s.silence(500)
        turn = await s.session.listen()
        assert turn.reply is not None and await turn.reply == "you said book a table"
        handle = await s.session.say(await turn.reply)
        await s.silence(200)
        assert not handle.done and asked == ["book a table"]


async def test_none_is_prepared_at_a_dip(scene: Make, sentence: np.ndarray) -> None:
    """It may cost more than a transcript does: there must be a pause."""
    asked: list[int] = []

    async def make(text: str) -> str:
        asked.append(s.session.clock)
        return text

    async with scene(
        *["hello there"] * 9, judge=Judge(*[0.5] * 9), turn=TurnOptions(end_with_words_above=0.6)
    ) as s:
        s.session.prepare_replies(make)
        await s.hears(sentence[: 8 * 1200])
        await s.silence(900)
        heard = [d for d in s.decisions if d.stage == "transcript" and d.details["interim"]]
        assert asked and asked[0] >= s.find("paused").at > heard[0].at


async def test_one_to_what_was_not_said_in_the_end_is_never_heard(scene: Make, sentence: np.ndarray) -> None:
    begun: list[str] = []
    cancelled: list[str] = []

    async def make(text: str) -> str:
        begun.append(text)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(text)
            raise
        return text

    async with scene("half", *["the whole"] * 5, turn=TurnOptions(wait_for_words=False)) as s:
        s.session.prepare_replies(make)
        x = sentence[: 8 * 1000]
        await s.hears(x)
        await s.silence(280)
        await s.hears(x)
        await s.silence(900)
        turn = await s.session.listen()
        assert begun[0] == "half" and cancelled[0] == "half"
        assert turn.text == "the whole" and turn.reply is not None and begun[-1] == "the whole"
        final = [d for d in s.decisions if not d.details.get("interim")]
        assert not any("half" in str(d.details) for d in final)


@pytest.mark.parametrize(
    ("similar", "said", "asked"),
    [
        (1.0, "book a table please", ["book a table", "book a table please"]),
        (0.7, "book a table please", ["book a table"]),
        (0.7, "book nothing at all", ["book a table", "book nothing at all"]),
    ],
)
async def test_one_to_nearly_the_same_words_serves_where_that_is_wished(
    scene: Make, sentence: np.ndarray, similar: float, said: str, asked: list[str]
) -> None:
    """Begun at a pause after which the caller went on."""
    begun: list[str] = []

    async def make(text: str) -> str:
        begun.append(text)
        return f"you said {text}"

    turn = TurnOptions(wait_for_words=False, reply_overlap=similar)
    async with scene("book a table", *[said] * 5, turn=turn) as s:
        s.session.prepare_replies(make)
        x = sentence[: 8 * 1000]
        await s.hears(x)
        await s.silence(280)
        await s.hears(x)
        await s.silence(900)
        heard = await s.session.listen()
        assert heard.text == said and begun == asked
        assert heard.reply is not None and await heard.reply == f"you said {asked[-1]}"
        await s.hears(x)
        await s.silence(900)
        again = await s.session.listen()  # the next turn has one of its own
        assert again.reply is not None and again.reply is not heard.reply and begun == [*asked, said]


def test_similar_enough() -> None:
    from ivr.grammar.transcripts import word_overlap

    assert word_overlap("Book a table.", "book a table") == 1
    assert word_overlap("book a table", "book a table for two") == pytest.approx(0.6)
    assert word_overlap("", "") == 1 and word_overlap("yes", "") == 0


async def test_what_will_be_dropped_is_not_transcribed(scene: Make, sentence: np.ndarray) -> None:
    async with scene(barge_in="none", turn=TurnOptions()) as s:
        await s.session.say(LONG)
        await s.silence(300)
        await s.hears(sentence)
        await s.silence(900)
        assert s.stt.heard == [] and s.stages("stop") == []


async def test_a_turn_that_will_be_dropped_ends_after_silence_alone(
    scene: Make, sentence: np.ndarray
) -> None:
    turn = TurnOptions(preemptive=True, wait_for_words=True, incomplete_ms=2000)
    async with scene(turn=turn, barge_in="none") as s:
        await s.session.say(LONG)
        await s.hears(sentence)
        await s.silence(800)
        assert s.stages("complete", "turn_ended") == ["complete", "turn_ended"]
        assert s.find("complete").rule == "silence" and s.stt.heard == []
