"""Sound for the tests: recorded speech and music of the distribution, silence, noise."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ivr.audio.level import rms_dbfs
from ivr.audio.wav import decode_wav
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.events import SpeechEnded, SpeechStarted, VadEvent
from ivr.vad.options import EndpointingOptions

Pcm16 = npt.NDArray[np.int16]

SPEECH = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
MUSIC = Path("/usr/share/asterisk/moh")

PROMPTS = """agent-incorrect agent-newlocation all-circuits-busy-now auth-thankyou call-forwarding
cannot-complete-as-dialed check-number-dial-again conf-getpin conf-invalid conf-kicked conf-onlyperson
conf-waitforleader demo-abouttotry demo-congrats demo-echodone demo-enterkeywords demo-nogo demo-nomatch
demo-thanks dir-nomatch dir-pls-enter dir-welcome feature-not-avail-line hello-world if-correct-press
im-sorry invalid one-moment-please pbx-invalid please-try-again please-try-call-later pls-hold-while-try
priv-callpending privacy-prompt privacy-thankyou queue-periodic-announce queue-thankyou
screen-callee-options simul-call-limit-reached something-terribly-wrong sorry-youre-having-problems
ss-noservice tt-allbusy tt-weasels vm-dialout vm-goodbye vm-incorrect vm-leavemsg vm-login vm-mailboxfull
vm-nobodyavail vm-options vm-password vm-theperson vm-whichbox""".split()  # noqa: SIM905
"""Recorded sentences of ``asterisk-core-sounds-en-wav``: one speaker, starting with all sorts of sounds."""


@lru_cache(maxsize=200)
def recording(path: Path) -> Pcm16:
    """A file of 8 kHz; fails the test where the package is not installed."""
    if not path.is_file():
        package = "asterisk-moh-opsound-wav" if path.is_relative_to(MUSIC) else "asterisk-core-sounds-en-wav"
        pytest.fail(f"{path} is missing: run tools/test-packages.sh ({package})", pytrace=False)
    x, rate = decode_wav(path.read_bytes())
    assert rate == 8000
    return x


def prompt(name: str) -> Pcm16:
    return recording(SPEECH / f"{name}.wav")


def music(index: int) -> Pcm16:
    names = [
        "macroform-cold_day",
        "macroform-robot_dity",
        "macroform-the_simplicity",
        "manolo_camp-morning_coffee",
        "reno_project-system",
    ]
    return recording(MUSIC / f"{names[index % len(names)]}.wav")


HALF_SECOND = EndpointingOptions(min_silence_ms=500)
"""What the tests count with unless they say otherwise."""


def silence(seconds: float) -> Pcm16:
    return np.zeros(round(8000 * seconds), np.int16)


def noise(seconds: float, dbfs: float, seed: int = 0) -> Pcm16:
    """White noise of that RMS."""
    rng = np.random.default_rng(seed)
    return np.rint(rng.standard_normal(round(8000 * seconds)) * 32768 * 10 ** (dbfs / 20)).astype(np.int16)


def loud_from(x: Pcm16) -> int:
    """First sample of the first 10 ms that come within 25 dB of the loudest 10 ms."""
    levels = np.array([rms_dbfs(x[i : i + 80]) for i in range(0, x.size - 79, 80)])
    return int(np.argmax(levels > levels.max() - 25)) * 80


def loud_until(x: Pcm16) -> int:
    """Sample after the last such 10 ms."""
    return int(x.size - loud_from(x[::-1]))


def hear(
    vad: VoiceActivityDetector, x: Pcm16, options: EndpointingOptions | None = None, frame: int = 160
) -> list[VadEvent]:
    """All events of a stream that hears ``x`` (8 kHz) in frames; for inline detectors."""
    events: list[VadEvent] = []
    stream = vad.open_stream(options or HALF_SECOND, events.append)
    for i in range(0, x.size, frame):
        stream.push(x[i : i + frame].tobytes(), 8000)
    stream.close()
    return events


def started(events: list[VadEvent]) -> list[SpeechStarted]:
    return [e for e in events if isinstance(e, SpeechStarted)]


def ended(events: list[VadEvent]) -> list[SpeechEnded]:
    return [e for e in events if isinstance(e, SpeechEnded)]
