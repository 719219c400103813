"""A telephone service that people can interrupt.

The names below are the session library: a conversation with one caller, usable without SIP by anyone
who has audio frames. The service around it is started by the ``ivr`` command.
"""

from ivr.session import (
    AudioClip,
    BargeInOptions,
    Expectation,
    InvalidTransition,
    MemoryPlayer,
    PlayoutResult,
    SayHandle,
    SessionConfig,
    SessionEnded,
    SessionState,
    Turn,
    TurnOptions,
    VoiceSession,
    preset,
)
from ivr.speech.base import SpeechError, SpeechToText, TextToSpeech, Transcript
from ivr.speech.registry import create_stt, create_tts
from ivr.vad.registry import create_vad

__all__ = [
    "AudioClip",
    "BargeInOptions",
    "Expectation",
    "InvalidTransition",
    "MemoryPlayer",
    "PlayoutResult",
    "SayHandle",
    "SessionConfig",
    "SessionEnded",
    "SessionState",
    "SpeechError",
    "SpeechToText",
    "TextToSpeech",
    "Transcript",
    "Turn",
    "TurnOptions",
    "VoiceSession",
    "create_stt",
    "create_tts",
    "create_vad",
    "preset",
]
