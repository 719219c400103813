"""Which words are no interruption, by language."""

import pytest

from ivr.grammar.transcripts import is_backchannel
from ivr.session import BargeInOptions, MemoryPlayer, SessionConfig, TurnOptions, VoiceSession
from ivr.vad.base import VoiceActivityDetector
from tests.session.engines import LetterTTS, ScriptSTT, feed, feed_silence
from tests.session.test_turn_taking import LONG, cough


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Uh-huh.", "en"),
        ("Mm-hmm, right.", "en-GB"),
        ("I see", "en"),
        ("D’accord.", "fr"),
        ("oui, oui", "fr-CA"),
        ("Ach so, genau", "de"),
        ("Vale", "es"),
        ("okay", "a language without a list"),
        ("[music]", "en"),
    ],
)
def test_a_backchannel(text: str, language: str) -> None:
    assert is_backchannel(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [("right", "fr"), ("d'accord", "en"), ("okay stop", "en"), ("oui mais non", "fr"), ("7", "en")],
)
def test_none(text: str, language: str) -> None:
    assert not is_backchannel(text, language)


@pytest.mark.parametrize(("language", "interrupted"), [("fr", False), ("en", True)])
async def test_a_session_knows_those_of_its_language(
    vad: VoiceActivityDetector, language: str, interrupted: bool
) -> None:
    config = SessionConfig(barge_in=BargeInOptions(), turn=TurnOptions(preemptive=False), language=language)
    stt = ScriptSTT("D'accord.")
    session = VoiceSession(stt=stt, tts=LetterTTS(), vad=vad, player=MemoryPlayer(), config=config)
    async with session:
        handle = await session.say(LONG)
        await feed_silence(session, 1000)
        await feed(session, cough())
        await feed_silence(session, 2000)
        assert handle.done is interrupted
