"""Turns that have ended and turns that only pause, cut from recorded speech, to measure a turn detector.

Everything is Debian's asterisk-core-sounds-en-wav: one speaker, 8 kHz. The names below were sorted by
their words alone, before any detector had judged them.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.speech.recordings import recording

Pcm16 = npt.NDArray[np.int16]
RATE = 8_000
FRAME = 80
"""10 ms."""
TAIL_S = 0.2
"""Seconds from the last sound to the question: what has been heard of the pause."""

SENTENCES = """
agent-alreadyon agent-incorrect agent-loginok agent-newlocation agent-pass agent-user all-circuits-busy-now
auth-incorrect cannot-complete-as-dialed check-number-dial-again conf-extended conf-full conf-getchannel
conf-getconfno conf-getpin conf-invalid conf-invalidpin conf-kicked conf-leaderhasleft conf-locked
conf-lockednow conf-muted conf-noempty conf-nonextended conf-now-muted conf-now-recording conf-now-unmuted
conf-onlyone conf-onlyperson conf-placeintoconf conf-roll-callcomplete conf-unlockednow conf-unmuted
conf-waitforleader confbridge-begin-glorious-a confbridge-begin-leader confbridge-conf-begin
confbridge-conf-end confbridge-invalid confbridge-lock-no-join confbridge-locked confbridge-muted
confbridge-only-one confbridge-only-participant confbridge-pin-bad confbridge-pin confbridge-removed
confbridge-unlocked confbridge-unmuted demo-echodone demo-enterkeywords demo-moreinfo demo-nogo demo-nomatch
demo-thanks dictate/both_help dictate/forhelp dictate/record_help dir-instr dir-intro dir-intro-fn dir-multi9
dir-nomatch dir-nomore dir-welcome do-not-disturb enter-num-blacklist entr-num-rmv-blklist
feature-not-avail-line followme/no-recording followme/options followme/pls-hold-while-try followme/sorry
followme/status invalid number-not-answering one-moment-please pbx-invalid pbx-invalidpark
pbx-parkingfailed please-try-again please-try-call-later pls-hold-while-try pm-invalid-option
priv-introsaved priv-recordintro privacy-incorrect privacy-prompt privacy-unident queue-periodic-announce
queue-thankyou queue-youarenext simul-call-limit-reached something-terribly-wrong
sorry-youre-having-problems speed-dial-empty ss-noservice transfer tt-allbusy tt-monkeysintro
tt-somethingwrong tt-weasels vm-advopts vm-calldiffnum vm-changeto vm-delete vm-deleted vm-dialout
vm-enter-num-to-call vm-forward vm-forward-multiple vm-forwardoptions vm-helpexit vm-instructions vm-intro
vm-invalid-password vm-invalidpassword vm-leavemsg vm-mailboxfull vm-mismatch vm-msgforwarded vm-msgsaved
vm-newpassword vm-newuser vm-next vm-nobodyavail vm-nobox vm-nomore vm-nonumber vm-options vm-opts
vm-passchanged vm-pls-try-again vm-prev vm-reachoper vm-rec-busy vm-rec-name vm-rec-temp vm-rec-unv
vm-record-prepend vm-reenterpassword vm-repeat vm-review vm-review-nonurgent vm-review-urgent vm-savefolder
vm-saveoper vm-sorry vm-star-cancel vm-starmain vm-tempgreetactive vm-tempgreeting vm-tempgreeting2
vm-tempremoved vm-tmpexists vm-tocallback vm-tocallnum vm-tocancelmsg vm-toenternumber vm-toforward
vm-tohearenv vm-tomakecall vm-tooshort vm-toreply vm-torerecord vm-undelete vm-whichbox
""".split()  # noqa: SIM905
"""Whole sentences, statements and requests with a few questions among them."""

OPENERS = """
at-tone-time-exactly conf-enteringno conf-thereare confbridge-there-are dir-pls-enter followme/call-from
if-correct-press is-set-to num-was-successfully priv-callpending privacy-to-blacklist-last-caller
queue-holdtime queue-less-than queue-quantity1 queue-thereare vm-duration vm-from vm-from-extension
vm-from-phonenumber vm-num-i-have vm-onefor vm-onefor-full vm-press vm-savedto vm-theperson vm-youhave
you-entered
""".split()  # noqa: SIM905
"""Beginnings that were spoken to be continued with a number or a name: "You are currently caller number"."""

WORDS = """
activated added auth-thankyou calling cancelled dictate/pause disabled enabled goodbye hello removed sorry
pbx-transfer vm-goodbye vm-no vm-Old vm-Urgent vm-Work vm-saved
letters/a letters/f letters/h letters/m letters/s letters/y phonetic/a_p phonetic/g_p phonetic/o_p
digits/0 digits/1 digits/2 digits/3 digits/4 digits/5 digits/6 digits/7 digits/8 digits/9
""".split()  # noqa: SIM905
"""One word that is a whole answer."""

NUMBERS = ("4719", "5038", "62", "915", "2864", "70153", "38", "1946", "5502718", "839")
"""Said digit by digit, from single recordings."""
DIGIT_GAPS_S = (0.05, 0.3)
"""Seconds between two digits, at least and at most."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A turn as it is when the question is asked."""

    kind: str
    source: str
    complete: bool
    pcm: Pcm16 = field(repr=False)
    """8 kHz."""

    @property
    def half(self) -> int:
        """0 or 1: thresholds are chosen on one half of the recordings and tested on the other."""
        return hashlib.sha256(self.source.encode()).digest()[0] % 2


Words = Callable[[str], list[tuple[str, float]]]
"""Name of a recording to its words, each with the second at which it ends."""


def all_clips(sounds: Path, words: Words, tail_s: float = TAIL_S) -> Iterator[Clip]:
    """Every clip, with ``tail_s`` seconds from the last sound to the question."""

    def whole(kind: str, name: str, complete: bool) -> Clip:
        return ended(kind, name, complete, recording(sounds, name), tail_s)

    for name in SENTENCES:
        yield whole("sentence", name, True)
        yield from cuts(name, recording(sounds, name), words(name), tail_s)
    for name in OPENERS:
        yield whole("opener", name, False)
    for name in WORDS:
        yield whole("word", name, True)
    for number, gap_s in itertools.product(NUMBERS, DIGIT_GAPS_S):
        gap = np.zeros(int(gap_s * RATE), np.int16)
        digits = [part for d in number for part in (_trimmed(recording(sounds, f"digits/{d}")), gap)]
        source = f"{number} {gap_s:g}"
        yield ended("digits", source, True, np.concatenate(digits), tail_s)
        if len(number) > 3:
            part = np.concatenate(digits[: len(number) // 2 * 2])
            yield ended("part of the digits", source, False, part, tail_s)


def ended(kind: str, source: str, complete: bool, pcm: Pcm16, tail_s: float) -> Clip:
    """The sound to ``tail_s`` after its last loud frame: what it fades out with, and silence."""
    first, last = _loud(pcm)
    tail = int(tail_s * RATE)
    sound = pcm[first : last + tail]
    return Clip(kind, source, complete, np.pad(sound, (0, last + tail - first - sound.size)))


def cuts(name: str, pcm: Pcm16, words: list[tuple[str, float]], tail_s: float) -> Iterator[Clip]:
    """Yield up to two cuts between words, at least two words from the beginning and one from the end, moved
    to the quietest 10 ms near by. After a full stop a turn may well be over: no cut is made there. After
    a comma is a kind of its own."""
    level = _level(pcm)
    at = [(word, end) for word, end in words[1:-1] if not word.endswith((".", "?", "!"))]
    for place in sorted({len(at) // 3, 2 * len(at) // 3}) if at else ():
        word, end = at[place]
        first = min(max(0, int(end * 100) - 6), level.size - 1)
        cut = (first + int(level[first : first + 13].argmin())) * FRAME + FRAME // 2
        kind = "cut after a comma" if word.endswith((",", ";", ":")) else "cut in the sentence"
        sound = pcm[_loud(pcm)[0] : cut].copy()
        fade = min(FRAME // 2, sound.size)  # so that the cut makes no click
        sound[sound.size - fade :] = sound[sound.size - fade :] * np.linspace(1, 0, fade)
        yield Clip(kind, name, False, np.pad(sound, (0, int(tail_s * RATE))))


def _trimmed(pcm: Pcm16) -> Pcm16:
    first, last = _loud(pcm)
    return pcm[first:last]


def _loud(pcm: Pcm16) -> tuple[int, int]:
    """Samples from the first frame to the end of the last that is not 40 dB below the loudest; in samples."""
    level = _level(pcm)
    loud = np.flatnonzero(level > level.max() * 1e-4)
    return int(loud[0]) * FRAME, int(loud[-1] + 1) * FRAME


def _level(pcm: Pcm16) -> npt.NDArray[np.float64]:
    """Mean square of every frame."""
    frames = pcm[: pcm.size // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    level: npt.NDArray[np.float64] = np.square(frames).mean(axis=1)
    return level
