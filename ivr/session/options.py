"""Options of a session; the single source of their defaults and units."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ivr.vad.options import EndpointingOptions

BargeIn = Literal["any", "speech", "dtmf", "none"]
"""What stops a prompt: speech or a key, speech alone, a key alone, nothing."""


MIN_SPEECH_MS = 64.0
"""Default of ``BargeInOptions.min_speech_ms``."""
_WINDOW_MS = 32
"""Speech is detected in windows of so many milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInOptions:
    """When a prompt yields to the caller. Milliseconds of sound."""

    barge_in: BargeIn = "any"
    """What stops a prompt: ``any`` (speech or a key), ``speech``, ``dtmf`` or ``none``."""
    protect_ms: float = 0
    """Milliseconds at the beginning of a prompt in which speech cannot stop it (a legal notice). A caller who
    speaks beyond that stops it then."""
    protect_dtmf_ms: float = 0
    """Milliseconds at the beginning of a prompt in which a key cannot stop it."""
    min_speech_ms: float = MIN_SPEECH_MS
    """Milliseconds of speech before a prompt stops, rounded up to whole windows of 32 ms. The default gives
    way to a longer ``endpointing.min_speech_ms``; another value below that is refused."""
    min_words: int = 0
    """Number of words that must be understood before a prompt stops; 0 stops it at once."""
    hotword: tuple[str, ...] = ()
    """Phrases that stop a prompt; when there are any, nothing else does."""
    hotword_answers: bool = False
    """Stop a prompt only for an answer to its question, or a phrase of ``hotword``. Where no answers are
    known, any word stops it."""
    duck_db: float = 12
    """Decibels by which a prompt is softer from the first sign of speech on; 0 leaves it as it is."""
    false_interruption_timeout_ms: float = 1000
    """Milliseconds after which a prompt that was stopped resumes, if no words were said; 0: it never
    resumes."""
    backchannels: bool = True
    """Let a prompt play on over "uh-huh" and other backchannels."""
    answer_window_ms: float = 700
    """Milliseconds before the end of a prompt in which a backchannel may be an answer, and interrupts."""

    def __post_init__(self) -> None:
        times = (self.protect_ms, self.protect_dtmf_ms, self.min_speech_ms, self.duck_db)
        if min(*times, self.false_interruption_timeout_ms, self.answer_window_ms, self.min_words) < 0:
            raise ValueError("the times, duck_db and min_words of a prompt cannot be negative")
        if not all(phrase.strip() for phrase in self.hotword):
            raise ValueError("a phrase of hotword is empty")

    def plain(self) -> dict[str, Any]:
        """The options as JSON can hold them."""
        return {**asdict(self), "hotword": list(self.hotword)}

    def check_min_speech(self, endpointing: EndpointingOptions) -> None:
        """Raise ValueError when ``min_speech_ms`` could have no effect: a prompt cannot stop before speech is
        believed.
        """
        windows, needed = (-(-ms // _WINDOW_MS) for ms in (self.min_speech_ms, endpointing.min_speech_ms))
        if windows < needed and self.min_speech_ms != MIN_SPEECH_MS:
            raise ValueError(
                f"barge_in.min_speech_ms ({self.min_speech_ms:g}) is below endpointing.min_speech_ms "
                f"({endpointing.min_speech_ms:g}), before which no speech is believed: "
                "raise the first or lower the second"
            )

    @property
    def needs_words(self) -> bool:
        """Sound alone does not stop the prompt."""
        return self.min_words > 0 or bool(self.hotword) or self.hotword_answers


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """When the caller has finished. Silence is counted as the detector sees it, which is 100 to 130 ms after
    the end of speech."""

    yes_no_silence_ms: float = 320
    """Milliseconds of silence that end the answer to a yes-or-no question, when nothing better is known. For
    free speech and menus it is ``endpointing.min_silence_ms``."""
    digits_silence_ms: float = 1000
    """Milliseconds of silence that end an answer in digits, which are said in groups ("four seven ... one
    nine")."""
    complete_ms: float = 160
    """Milliseconds of silence after a whole answer of the grammar with which no longer answer begins
    (completetimeout of VoiceXML)."""
    incomplete_ms: float = 1200
    """Milliseconds of silence after words that are no whole answer, or where the words or the turn detector
    suggest that more follows (incompletetimeout of VoiceXML). No pause is longer."""
    end_above: float = 0.9
    """Probability, by the turn detector, from which a turn ends at once."""
    end_with_words_above: float = 0.5
    """Probability, by the turn detector, from which a turn ends once its words are known and may be the last
    (``wait_for_words``)."""
    continue_below: float = 0.3
    """Probability, by the turn detector, below which the caller is expected to continue, and
    ``incomplete_ms`` of silence are waited for. From here to ``end_with_words_above`` the silence is as
    without a detector."""
    preemptive: bool = True
    """Transcribe at each pause, and discard the transcript when the caller continues."""
    wait_for_words: bool = True
    """End no turn before the words up to its last pause are known, nor on words that cannot be its last ("my
    number is"). Transcribes as soon as the sound fades. Needs ``preemptive``."""
    long_turn_ms: float = 1200
    """Milliseconds of speech after which a turn that sounds complete (``end_above``) ends without its words:
    people who stop to think do so earlier."""
    reply_overlap: float = 1.0
    """Share of words, 0 to 1, that the final transcript must have in common with the interim one for a reply
    that was prepared from it to be used. 1 is the same words; below 1 the reply is kept while the caller
    continues."""
    cut_in: str = ""
    """Text that interrupts a caller who has spoken for ``endpointing.max_turn_ms``. Its first two seconds
    cannot be interrupted. Empty: nothing is said."""

    def __post_init__(self) -> None:
        times = (self.yes_no_silence_ms, self.digits_silence_ms, self.complete_ms, self.incomplete_ms)
        if min(*times, self.long_turn_ms) < 0:
            raise ValueError("the times of a turn cannot be negative")
        if self.complete_ms > self.incomplete_ms:
            raise ValueError("complete_ms cannot be longer than incomplete_ms")
        if not 0 <= self.continue_below <= self.end_with_words_above <= self.end_above <= 1:
            found = f"{self.continue_below}, {self.end_with_words_above} and {self.end_above}"
            raise ValueError(
                f"0 <= continue_below <= end_with_words_above <= end_above <= 1 is needed, got {found}"
            )
        if not 0 <= self.reply_overlap <= 1:
            raise ValueError(f"reply_overlap is a share, between 0 and 1, got {self.reply_overlap}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Options of a session."""

    endpointing: EndpointingOptions = field(default_factory=EndpointingOptions)
    """When speech begins and when a turn ends."""
    barge_in: BargeInOptions = field(default_factory=BargeInOptions)
    """When prompts yield to the caller, unless a prompt has options of its own."""
    turn: TurnOptions = field(default_factory=TurnOptions)
    """When the caller has finished."""
    language: str = "en"
    """Language of the caller (a tag such as ``en`` or ``fr-CA``): its backchannels, and the words that cannot
    end a sentence. The first language of a plan takes precedence."""
    keep_speech_over_protected: bool = False
    """Keep, as the next turn, what the caller said over a prompt that cannot be interrupted."""
    stt_timeout_s: float = 10.0
    """Seconds of the clock for one transcription, fallbacks included; after that the turn is empty."""
    waiting_after_s: float = 1.4
    """Seconds of silence after which a caller who waits for a speech engine hears "One moment, please", and
    after as long again, and again, a soft tone; 0: nothing."""
    max_pending_turns: int = 8
    """Number of turns that may wait for ``listen``; a further one drops the oldest."""

    def __post_init__(self) -> None:
        self.barge_in.check_min_speech(self.endpointing)
