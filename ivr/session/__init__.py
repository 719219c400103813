"""The session library: a conversation with one caller, with no phone needed."""

from ivr.grammar.expectation import Expectation
from ivr.session.decisions import STAGES, Decision, DecisionCallback, Decisions
from ivr.session.memory_player import MemoryPlayer
from ivr.session.options import BargeIn, BargeInOptions, SessionConfig, TurnOptions
from ivr.session.presets import PRESETS, Preset, preset
from ivr.session.prompt.handle import PromptState, SayHandle
from ivr.session.states import TRANSITIONS, InvalidTransition, SessionState
from ivr.session.turn.rules import TurnTakingRules
from ivr.session.types import AudioClip, Player, PlayoutResult, Turn
from ivr.session.voice import SessionEnded, VoiceSession

__all__ = [
    "PRESETS",
    "STAGES",
    "TRANSITIONS",
    "AudioClip",
    "BargeIn",
    "BargeInOptions",
    "Decision",
    "DecisionCallback",
    "Decisions",
    "Expectation",
    "InvalidTransition",
    "MemoryPlayer",
    "Player",
    "PlayoutResult",
    "Preset",
    "PromptState",
    "SayHandle",
    "SessionConfig",
    "SessionEnded",
    "SessionState",
    "Turn",
    "TurnOptions",
    "TurnTakingRules",
    "VoiceSession",
    "preset",
]
