"""The rules of turn-taking are lists: a further rule is one class and one entry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from ivr.session import BargeInOptions, Decision, MemoryPlayer, SessionConfig, TurnOptions, VoiceSession
from ivr.session.prompt.handle import SayHandle
from ivr.session.turn.barge_in_rules import SOUND_RULES, STOPPED_RULES, WORDS_ONLY_RULES, SpokenOver
from ivr.session.turn.end_of_turn_rules import END_OF_TURN_RULES, Pause
from ivr.session.turn.rules import TurnTakingRules
from ivr.vad.base import VoiceActivityDetector
from tests.session.engines import LetterTTS, ScriptSTT, feed, feed_silence

LONG = "this prompt goes on and on about nothing in particular until somebody has the heart to stop it"


class FirstPromptPlaysOn:
    """A further rule by sound: nothing stops the first prompt of a call."""

    name, temporary = "first prompt", False

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        return prompt.number == 1


class ThanksIsNoInterruption:
    """A further rule by words."""

    name = "thanks"

    def interrupts(self, said: SpokenOver) -> bool | None:
        return False if said.words == ["thanks"] else None


class AtOnce:
    """A further rule of the end of a turn: a word of farewell ends it without silence."""

    name = "farewell"

    def silence(self, pause: Pause) -> float | None:
        return 0.0 if pause.text == "goodbye" else None


@asynccontextmanager
async def call(
    vad: VoiceActivityDetector, rules: TurnTakingRules, text: str, **turn: bool
) -> AsyncIterator[tuple[VoiceSession, list[Decision]]]:
    config = SessionConfig(
        barge_in=BargeInOptions(false_interruption_timeout_ms=600), turn=TurnOptions(**turn)
    )
    session = VoiceSession(
        stt=ScriptSTT(*[text] * 4),
        tts=LetterTTS(),
        vad=vad,
        player=MemoryPlayer(),
        config=config,
        rules=rules,
    )
    decisions: list[Decision] = []
    session.on_decision(decisions.append)
    async with session:
        yield session, decisions


async def hears(session: VoiceSession, pcm: np.ndarray) -> None:
    for at in range(0, len(pcm), 160):
        await feed(session, pcm[at : at + 160])


async def test_a_further_rule_keeps_a_prompt_playing(
    vad: VoiceActivityDetector, sentence: np.ndarray
) -> None:
    rules = TurnTakingRules(sound=(FirstPromptPlaysOn(), *SOUND_RULES))
    async with call(vad, rules, "hello there") as (session, decisions):
        await session.say(LONG)
        await feed_silence(session, 300)
        await hears(session, sentence)
        stages = [(d.stage, d.rule) for d in decisions if d.stage in ("ignore", "stop", "duck")]
        assert stages == [("ignore", "first prompt")]


async def test_a_further_rule_resumes_a_prompt(vad: VoiceActivityDetector, sentence: np.ndarray) -> None:
    rules = TurnTakingRules(stopped=(ThanksIsNoInterruption(), *STOPPED_RULES))
    async with call(vad, rules, "Thanks.") as (session, decisions):
        await session.say(LONG)
        await feed_silence(session, 300)
        await hears(session, sentence)
        await feed_silence(session, 1500)
        stages = [(d.stage, d.rule) for d in decisions if d.stage in ("stop", "confirm", "resume")]
        assert stages == [("stop", "speech"), ("resume", "thanks")]


@pytest.mark.parametrize("added", [False, True])
async def test_a_further_rule_ends_a_turn(
    added: bool, vad: VoiceActivityDetector, sentence: np.ndarray
) -> None:
    further = (AtOnce(),) if added else ()
    rules = TurnTakingRules(end_of_turn=(*further, *END_OF_TURN_RULES))
    async with call(vad, rules, "goodbye") as (session, decisions):
        await hears(session, sentence)
        await feed_silence(session, 1500)
        ended = next(d for d in decisions if d.stage == "complete")
        assert ended.rule == ("farewell" if added else "silence")


def test_the_order_of_the_rules_is_in_one_place() -> None:
    rules = TurnTakingRules()
    assert [rule.name for rule in rules.sound] == ["barge_in", "protect", "min_speech", "words"]
    assert [rule.name for rule in rules.stopped] == ["no words", "answer", "backchannel"]
    assert rules.words_only == WORDS_ONLY_RULES
    assert [rule.name for rule in rules.end_of_turn] == [
        "turn detector", "grammar", "unfinished", "no answer", "turn detector", "doubtful", "silence",
    ]  # fmt: skip
