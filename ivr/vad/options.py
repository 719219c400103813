"""Options of detection and endpointing; the single source of their defaults and units."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingOptions:
    """When speech has begun and when a turn has ended. Milliseconds."""

    min_speech_ms: float = 64
    """Milliseconds of speech before an onset is believed, rounded up to whole windows of 32 ms."""
    min_silence_ms: float = 400
    """Milliseconds of silence after which a turn has ended."""
    max_turn_ms: float = 20_000
    """Milliseconds after which a turn ends even while the caller speaks."""
    pre_roll_ms: float = 300
    """Milliseconds of sound that are kept from before the onset."""
    details: bool = False
    """Report the steps between onset and end too: SpeechSuspected, SpeechRuledOut, SpeechContinued,
    SpeechDipped, SpeechPaused, SpeechResumed."""
    pause_ms: float = 160
    """Milliseconds of silence that count as a pause within a turn; 0 reports no pauses. The detector sees the
    end of speech 100 to 130 ms late."""

    def __post_init__(self) -> None:
        if min(self.min_speech_ms, self.min_silence_ms, self.pre_roll_ms, self.pause_ms) < 0:
            raise ValueError("endpointing times cannot be negative")
        if self.max_turn_ms <= self.min_speech_ms:
            raise ValueError("max_turn_ms must be longer than min_speech_ms")


THRESHOLD = 0.45
"""A stop for nothing is undone, one that comes late is not: lower than the network's authors' 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOptions:
    """How speech is detected, for all streams of a detector."""

    threshold: float = THRESHOLD
    """Probability from which a window is speech."""
    release: float | None = None
    """Probability below which a window is no longer speech. By default ``threshold`` minus 0.15, at least
    0.01."""
    attack: float | None = None
    """Probability from which a window counts as the beginning of speech, once a later one reaches
    ``threshold``: soft beginnings are believed a window earlier. By default 0.4 times ``threshold``."""
    early: float | None = None
    """Probability from which speech is suspected and a prompt is ducked. By default a quarter of
    ``threshold``."""
    gain_db: float = 15.0
    """Decibels by which the network receives the sound louder: speech on the telephone, -30 to -10 dBm0, is
    softer than what it was trained with, and soft speech is detected late. The sound of a turn stays as it
    is."""
    noise_margin_db: float = 9
    """Decibels above the noise of a line up to which a window is only noise: the turn may be over, though the
    network still says "speech". 0 leaves that to the network."""
    fade_ms: float = 3_200
    """Milliseconds in which the memory of the network fades to 1/e while nobody speaks; 0 keeps it. Music or
    noise otherwise hides the speech that follows (measured: see the README)."""
    silence_dbfs: float = -50.0
    """Level below which a window of a silent caller is certainly silence and is not shown to the network, on
    calls. 0 dBFS is full scale; -100 shows it everything."""
    silence_after_ms: float = 256
    """Milliseconds of silence that the network is shown, on calls, before it is spared the rest."""
    echo: bool = True
    """Remove the echo of prompts, on calls, from what the network is shown."""
    echo_delay_ms: float = 300
    """Milliseconds after which an echo comes back at the latest, jitter buffers included; at most 1000."""
    echo_loss_db: float = 5
    """Decibels by which an echo is weaker than what was sent, at least; louder sound is no echo."""
    echo_share: float = 0.6
    """Share, 0 to 1, of the energy of the last half second that an echo must explain to be believed."""
    echo_margin_db: float = 10
    """Decibels below its echo at which what is left of a window is no speech."""
    batch_window_ms: float = 1.0
    """Milliseconds that a finished window may wait for those of other calls."""
    backlog_ms: float = 1_000
    """Milliseconds of sound that a stream may have waiting before its oldest frames are dropped."""

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
