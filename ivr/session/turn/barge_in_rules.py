"""The rules of barge-in: what keeps a prompt playing while the caller speaks. Each list is asked in order,
and the first rule that applies decides; its ``name`` is the ``rule`` of the decision that is logged.

``SOUND_RULES`` are asked for each window of speech, on the detector's thread. ``STOPPED_RULES`` and
``WORDS_ONLY_RULES`` are asked once words are known, on the loop. A further rule is one class and one entry of
``TurnTakingRules``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.grammar.transcripts import is_backchannel, transcript_words
from ivr.session.prompt.handle import SayHandle

# -- by sound


class SoundRule(Protocol):
    """Keeps a prompt playing over speech, whatever its words."""

    name: str
    temporary: bool
    """More speech, or its words, may still stop the prompt: it is ducked meanwhile."""

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        """Whether ``speech`` samples (16 kHz) of speech leave ``prompt`` playing. On the detector's thread,
        for each window: must be quick and must not wait.
        """


class SpeechNotAllowed:
    """The prompt does not yield to speech (``barge_in`` is ``dtmf`` or ``none``)."""

    name, temporary = "barge_in", False

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        return not prompt.yields_to("speech")


class ProtectedBeginning:
    """The prompt is in its first ``protect_ms``."""

    name, temporary = "protect", False

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        return prompt.protected("speech")


class TooLittleSpeech:
    """There is less than ``min_speech_ms`` of speech."""

    name, temporary = "min_speech", True

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        return speech < ms_to_samples(prompt.options.min_speech_ms, VAD_RATE)


class WordsNeeded:
    """Only words stop the prompt (``min_words``, ``hotword``)."""

    name, temporary = "words", True

    def keeps_playing(self, prompt: SayHandle, speech: int) -> bool:
        return prompt.options.needs_words


SOUND_RULES: tuple[SoundRule, ...] = (
    SpeechNotAllowed(),
    ProtectedBeginning(),
    TooLittleSpeech(),
    WordsNeeded(),
)


# -- by words


@dataclass(frozen=True)
class SpokenOver:
    """What the caller said over a prompt, and what is known of the question."""

    text: str
    prompt: SayHandle
    left_ms: float
    """What of the prompt was not played when it was stopped."""
    language: str
    fits: Callable[[str], bool] | None
    """Whether a text answers the question; None where any text may."""

    @cached_property
    def words(self) -> list[str]:
        """The words of ``text`` in lower case, without notes about noises."""
        return transcript_words(self.text)

    @cached_property
    def answers(self) -> bool:
        """It is an answer to the question, as far as its answers are known."""
        return self.fits is not None and self.fits(self.text)

    @cached_property
    def only_backchannel(self) -> bool:
        """The prompt ignores backchannels, and it is nothing else."""
        return self.prompt.options.backchannels and is_backchannel(self.text, self.language)


class WordRule(Protocol):
    """Decides by words whether speech over a prompt is an interruption."""

    name: str

    def interrupts(self, said: SpokenOver) -> bool | None:
        """True: the prompt is over. False: it plays on. None: the next rule decides."""


class NoWords:
    """A noise, or nothing that the recogniser understood, interrupts no prompt."""

    name = "no words"

    def interrupts(self, said: SpokenOver) -> bool | None:
        return None if said.words else False


class AnswerOfGrammar:
    """An answer to the question interrupts, also one that is a backchannel otherwise."""

    name = "answer"

    def interrupts(self, said: SpokenOver) -> bool | None:
        return True if said.answers else None


class BackchannelBeforeEnd:
    """A backchannel interrupts only in the last ``answer_window_ms`` of the prompt."""

    name = "backchannel"

    def interrupts(self, said: SpokenOver) -> bool | None:
        early = said.left_ms > said.prompt.options.answer_window_ms
        return False if early and said.only_backchannel else None


class HotwordOnly:
    """A prompt with ``hotword`` or ``hotword_answers`` stops only for those phrases and answers."""

    name = "hotword"

    def interrupts(self, said: SpokenOver) -> bool | None:
        options = said.prompt.options
        if not (options.hotword or (options.hotword_answers and said.fits is not None)):
            return None
        text = f" {' '.join(said.words)} "
        named = any(f" {' '.join(transcript_words(phrase))} " in text for phrase in options.hotword)
        return named or (options.hotword_answers and bool(said.words) and said.answers)


class OnlyBackchannel:
    """A backchannel that is no answer interrupts no prompt that needs words."""

    name = "backchannel"

    def interrupts(self, said: SpokenOver) -> bool | None:
        return False if said.only_backchannel and not said.answers else None


class TooFewWords:
    """A prompt with ``min_words`` stops for no fewer."""

    name = "min_words"

    def interrupts(self, said: SpokenOver) -> bool | None:
        return None if len(said.words) >= said.prompt.options.min_words else False


STOPPED_RULES: tuple[WordRule, ...] = (NoWords(), AnswerOfGrammar(), BackchannelBeforeEnd())
"""Rules that decide whether a prompt that speech stopped resumes."""
WORDS_ONLY_RULES: tuple[WordRule, ...] = (HotwordOnly(), NoWords(), OnlyBackchannel(), TooFewWords())
"""Rules for a prompt that plays until words stop it."""


def rule_against(rules: tuple[WordRule, ...], said: SpokenOver) -> str | None:
    """Name of the rule by which ``said`` is no interruption; None when it is one."""
    for rule in rules:
        decided = rule.interrupts(said)
        if decided is not None:
            return None if decided else rule.name
    return None
