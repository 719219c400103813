"""Recorded phrases with their texts, as they sound after a G.711 line."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ivr.audio.g711 import ulaw_decode, ulaw_encode
from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav

PHRASES = {
    "vm-goodbye": "Goodbye.",
    "conf-invalid": "That is not a valid conference number. Please try again.",
    "all-circuits-busy-now": "All circuits are busy now.",
    "vm-options": "Press one to record your unavailable message, press two to record your busy message,"
    " press three to record your name, press four to record your temporary greeting,"
    " press five to change your password, press star to return to the main menu",
    "conf-locked": "This conference is locked!",
    "call-waiting": "Call waiting.",
    "check-number-dial-again": "Please check the number and dial again.",
    "cannot-complete-as-dialed": "Your call cannot be completed as dialed.",
    "conf-onlyperson": "You are currently the only person in this conference.",
    "activated": "Activated.",
    "cancelled": "Cancelled.",
    "auth-thankyou": "Thank you.",
    "followme/pls-hold-while-try": "please hold while I try to locate the person you are calling",
    "vm-nomore": "no more messages",
    "tt-weasels": "weasels have eaten our phone system",
    "conf-full": "That conference is full.",
    "conf-unmuted": "You are now unmuted",
    "digits/1": "one",
    "digits/2": "two",
    "digits/3": "three",
    "digits/7": "seven",
    "digits/9": "nine",
}
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SAME = {"you're": "you are", "cannot": "can not"}


def line(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """8 kHz PCM16 through mu-law and lifted to 16 kHz, as the session does."""
    return resample(np.frombuffer(ulaw_decode(ulaw_encode(pcm.tobytes())), np.int16), 8000, 16000)


def recording(sounds: Path, name: str) -> npt.NDArray[np.int16]:
    """8 kHz PCM16."""
    pcm, rate = decode_wav((sounds / f"{name}.wav").read_bytes())
    assert rate == 8000
    return pcm


def words(text: str) -> list[str]:
    """Lower case, no punctuation, digits as words."""
    text = re.sub(r"\d+", lambda m: _NUMBERS[int(m[0])] if int(m[0]) <= 10 else m[0], text.lower())
    for short, long in _SAME.items():
        text = text.replace(short, long)
    return re.sub(r"[^a-z ]", " ", text.replace("'", "")).split()


def word_errors(said: list[str], heard: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        above, row[0] = row[:], number
        for place, other in enumerate(heard, 1):
            row[place] = min(above[place] + 1, row[place - 1] + 1, above[place - 1] + (word != other))
    return row[-1]
