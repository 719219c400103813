"""Options of a session; the one home of their defaults and units."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ivr.vad.options import EndpointingOptions

BargeIn = Literal["any", "speech", "dtmf", "none"]
"""What makes a prompt yield: speech or a key, speech alone, a key alone, nothing."""


MIN_SPEECH_MS = 64.0
"""Default of ``BargeInOptions.min_speech_ms``."""
_WINDOW_MS = 32
"""Speech is detected in windows of so many milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInOptions:
    """When a prompt yields to the caller. Milliseconds of sound."""

    barge_in: BargeIn = "any"
    protect_ms: float = 0
    """From its beginning on speech cannot stop the prompt for so long (a legal notice). Who speaks on beyond
    that stops it then."""
    protect_dtmf_ms: float = 0
    """The same for keys."""
    min_speech_ms: float = MIN_SPEECH_MS
    """Speech before the prompt stops (rounded up to whole 32 ms windows). The default gives way to a longer
    ``EndpointingOptions.min_speech_ms``; another value below that is refused."""
    min_words: int = 0
    """Stop only once so many words were understood; 0 stops at once."""
    hotword: tuple[str, ...] = ()
    """Stop only when one of these phrases is heard; anything else goes by."""
    hotword_answers: bool = False
    """Stop only when an answer is heard (``Expectation.fits``), or a phrase of ``hotword``. Where nothing is
    known of answers, any word stops it."""
    duck_db: float = 12
    """How much softer the prompt becomes at the first sign of speech; 0 leaves it as it is."""
    false_interruption_timeout_ms: float = 1000
    """A prompt that was stopped, and no words came, goes on after this; 0: it never does."""
    backchannels: bool = True
    """"Uh-huh" and its like while the prompt plays do not interrupt it."""
    answer_window_ms: float = 700
    """So close to the prompt's end they may be an answer all the same."""

    def __post_init__(self) -> None:
        times = (self.protect_ms, self.protect_dtmf_ms, self.min_speech_ms, self.duck_db)
        if min(*times, self.false_interruption_timeout_ms, self.answer_window_ms, self.min_words) < 0:
            raise ValueError("the times, duck_db and min_words of a prompt cannot be negative")
        if not all(phrase.strip() for phrase in self.hotword):
            raise ValueError("a phrase of hotword is empty")

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
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
    """When the caller has finished. Milliseconds of silence as the detector hears it: it trails the end of
    speech by another 100 to 130."""

    yes_no_silence_ms: float = 320
    """After which a turn has ended when nothing better is known. For free speech and menus it is
    ``EndpointingOptions.min_silence_ms``."""
    digits_silence_ms: float = 1000
    """"Four seven ... one nine"."""
    complete_ms: float = 160
    """VoiceXML's completetimeout: what was said is an answer of the grammar, and no longer one begins so."""
    incomplete_ms: float = 1200
    """VoiceXML's incompletetimeout: it is not, or the words or the turn detector let more expect. The upper
    bound."""
    sure: float = 0.9
    """Probability of the turn detector from which a turn is complete at once."""
    likely: float = 0.5
    """Probability from which it is, once its words are known and may be the last (``wait_for_words``)."""
    doubtful: float = 0.3
    """Probability below which the caller is taken to go on: ``incomplete_ms`` of silence then. In between the
    silence is as without a detector."""
    preemptive: bool = True
    """Transcribe at each pause, and throw it away when the caller goes on."""
    wait_for_words: bool = True
    """With ``preemptive``: transcribe as soon as the sound falls away, and a turn does not end before the
    words up to its last pause are known (which the reply waits for anyhow), nor on words that cannot be its
    last ("my number is")."""
    clear_ms: float = 1200
    """After so much speech that sounds complete (``sure``) no words are waited for: a beginning after which
    people stop to think is shorter."""
    similar: float = 1.0
    """A reply prepared from an interim transcript is used when the final one has this share of its words in
    common. 1 is the same words; below it, one that was begun is kept when the caller goes on."""
    cut_in: str = ""
    """Said to who has spoken for ``EndpointingOptions.max_turn_ms``, and not to be interrupted for its first
    two seconds; nothing when empty."""

    def __post_init__(self) -> None:
        times = (self.yes_no_silence_ms, self.digits_silence_ms, self.complete_ms, self.incomplete_ms)
        if min(*times, self.clear_ms) < 0:
            raise ValueError("the times of a turn cannot be negative")
        if self.complete_ms > self.incomplete_ms:
            raise ValueError("complete_ms cannot be longer than incomplete_ms")
        if not 0 <= self.doubtful <= self.likely <= self.sure <= 1:
            found = f"{self.doubtful}, {self.likely} and {self.sure}"
            raise ValueError(f"0 <= doubtful <= likely <= sure <= 1 is needed, got {found}")
        if not 0 <= self.similar <= 1:
            raise ValueError(f"similar is a share, between 0 and 1, got {self.similar}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Options of a session."""

    endpointing: EndpointingOptions = field(default_factory=EndpointingOptions)
    barge_in: BargeInOptions = field(default_factory=BargeInOptions)
    """Of prompts that say nothing else."""
    turn: TurnOptions = field(default_factory=TurnOptions)
    language: str = "en"
    """Of the caller: which words are backchannels, and which cannot be the last of a turn. A plan's first
    language is over it."""
    keep_speech_over_protected: bool = False
    """Keep, as the next turn, what the caller said over a prompt that cannot be interrupted."""
    stt_timeout_s: float = 10.0
    """Seconds of wall clock for one transcription, fallbacks included; then the turn is empty."""
    max_pending_turns: int = 8
    """Turns not yet fetched by ``listen``; the oldest is dropped when a further one comes."""

    def __post_init__(self) -> None:
        self.barge_in.check_min_speech(self.endpointing)
