"""Options of detection and endpointing; the one home of their defaults and units."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingOptions:
    """When speech has begun and when a turn has ended. Milliseconds."""

    min_speech_ms: float = 64
    """Speech before an onset is believed (rounded up to whole 32 ms windows)."""
    min_silence_ms: float = 400
    """Silence after which the turn has ended."""
    max_turn_ms: float = 20_000
    """A turn longer than this is ended where it stands."""
    pre_roll_ms: float = 300
    """Sound kept from before the onset."""
    details: bool = False
    """Report the steps between onset and end too: SpeechSuspected, SpeechRuledOut, SpeechContinued,
    SpeechDipped, SpeechPaused, SpeechResumed."""
    pause_ms: float = 160
    """Silence that is a pause within a turn; 0: none is told. The network trails the end of speech by another
    100 to 130 ms."""

    def __post_init__(self) -> None:
        if min(self.min_speech_ms, self.min_silence_ms, self.pre_roll_ms, self.pause_ms) < 0:
            raise ValueError("endpointing times cannot be negative")
        if self.max_turn_ms <= self.min_speech_ms:
            raise ValueError("max_turn_ms must be longer than min_speech_ms")


THRESHOLD = 0.45
"""A stop for nothing is undone, one that comes late is not: lower than the network's authors' 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOptions:
    """How the detector listens, for all its streams."""

    threshold: float = THRESHOLD
    """Probability from which a window is speech."""
    release: float | None = None
    """Probability below which it is no longer; None is ``threshold - 0.15``, at least 0.01."""
    attack: float | None = None
    """Probability from which a window counts as the beginning of speech, once a later one reaches
    ``threshold``: soft beginnings are believed a window earlier. None is 0.4 times ``threshold``."""
    early: float | None = None
    """Probability from which speech is suspected and a prompt is ducked. None is a quarter of
    ``threshold``."""
    gain_db: float = 15.0
    """What the network is shown is louder by this: speech on the telephone, -30 to -10 dBm0, is softer than
    what it was taught with, and soft speech is heard late. Not what an echo was taken out of. The sound of a
    turn stays as it is."""
    noise_margin_db: float = 9
    """A line whose loudest sample in a window is no more than this over that of its noise rests: the turn may
    be over, though the network still says "speech". 0 leaves that to the network."""
    fade_ms: float = 3_200
    """While nobody speaks the network's memory fades to 1/e in this time; 0 keeps it for ever. Music or
    noise otherwise makes the network deaf to the speech that follows (measured: see the README)."""
    silence_dbfs: float = -50.0
    """Calls: a window whose loudest sample is below this, of a caller who is silent, is certainly silence and
    is not shown to the network. 0 dBFS is full scale; -100 shows it everything."""
    silence_after_ms: float = 256
    """Calls: silence that the network is shown before it is spared the rest."""
    echo: bool = True
    """Calls: the echo of what was sent is taken out of what the network is shown (``echo.py``)."""
    echo_delay_ms: float = 300
    """The latest that an echo comes back, jitter buffers on the way included; at most 1000."""
    echo_loss_db: float = 5
    """An echo is weaker than what was sent by this at least, in decibels; what is louder is none."""
    echo_share: float = 0.6
    """Share (0..1) of the energy heard in the last half second that an echo must explain to be believed."""
    echo_margin_db: float = 10
    """A window in which what is left is weaker than its echo by this, in decibels, is no speech."""
    batch_window_ms: float = 1.0
    """Shared detector: how long a finished window may wait for those of other streams."""
    backlog_ms: float = 1_000
    """Shared detector: sound a stream may have waiting before its oldest frames are dropped."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {self.threshold}")
        if self.release is not None and not 0 < self.release <= self.threshold:
            raise ValueError(f"release must be above 0 and not above threshold, got {self.release}")
        if self.attack is not None and not 0 < self.attack <= self.threshold:
            raise ValueError(f"attack must be above 0 and not above threshold, got {self.attack}")
        if self.early is not None and not 0 < self.early <= self.threshold:
            raise ValueError(f"early must be above 0 and not above threshold, got {self.early}")
        if self.silence_dbfs > 0:
            raise ValueError(f"silence_dbfs is below full scale, at most 0, got {self.silence_dbfs}")
        if not 0 <= self.gain_db <= 40:
            raise ValueError(f"gain_db must be between 0 and 40, got {self.gain_db}")
        if not 0 < self.echo_share < 1:
            raise ValueError(f"echo_share must be between 0 and 1, got {self.echo_share}")
        if not 0 < self.echo_delay_ms <= 1_000:
            raise ValueError(f"echo_delay_ms must be above 0 and at most 1000, got {self.echo_delay_ms}")
        if min(self.echo_loss_db, self.echo_margin_db, self.noise_margin_db) < 0:
            raise ValueError("echo_loss_db, echo_margin_db and noise_margin_db cannot be negative")
        if min(self.fade_ms, self.batch_window_ms, self.silence_after_ms) < 0 or self.backlog_ms <= 0:
            raise ValueError("fade_ms, batch_window_ms, silence_after_ms: not negative; backlog_ms: above 0")

    @property
    def release_level(self) -> float:
        """``release`` with its default worked out."""
        return max(self.threshold - 0.15, 0.01) if self.release is None else self.release

    @property
    def attack_level(self) -> float:
        """``attack`` with its default worked out."""
        return 0.4 * self.threshold if self.attack is None else self.attack

    @property
    def early_level(self) -> float:
        """``early`` with its default worked out."""
        return 0.25 * self.threshold if self.early is None else self.early
