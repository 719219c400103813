"""All rules of turn-taking, in the order in which they are asked."""

from dataclasses import dataclass

from ivr.session.turn.barge_in_rules import (
    SOUND_RULES,
    STOPPED_RULES,
    WORDS_ONLY_RULES,
    SoundRule,
    WordRule,
)
from ivr.session.turn.end_of_turn_rules import END_OF_TURN_RULES, EndOfTurnRule


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTakingRules:
    """What stops a prompt and what ends a turn. A rule is added, removed or moved by another list, for
    example ``VoiceSession(rules=TurnTakingRules(sound=(MyRule(), *SOUND_RULES)))``.
    """

    sound: tuple[SoundRule, ...] = SOUND_RULES
    """What keeps a prompt playing over speech, by its sound."""
    stopped: tuple[WordRule, ...] = STOPPED_RULES
    """Whether the words of speech that stopped a prompt are an interruption."""
    words_only: tuple[WordRule, ...] = WORDS_ONLY_RULES
    """The same for a prompt that only words may stop."""
    end_of_turn: tuple[EndOfTurnRule, ...] = END_OF_TURN_RULES
    """How much silence ends the caller's turn."""
