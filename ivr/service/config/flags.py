"""The settings that have a flag on the command line, and how it is spelled."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """How a setting is written on the command line."""

    spelling: str
    """``--bind``."""
    value: str = ""
    """What its value looks like: ``HOST:PORT``; empty for a flag that switches something on."""


FLAGS: Mapping[str, Flag] = {
    "sip.bind": Flag("--bind", "HOST:PORT"),
    "sip.public_address": Flag("--public-address", "IP"),
    "sip.rtp_ports": Flag("--rtp-ports", "FIRST-LAST"),
    "sip.accept_from": Flag("--accept-from", "WHO[,WHO]"),
    "stt.order": Flag("--stt", "NAME,NAME"),
    "tts.order": Flag("--tts", "NAME,NAME"),
    "vad.threshold": Flag("--vad-threshold", "X"),
    "sip.dial_timeout_s": Flag("--dial-timeout", "S"),
    "sip.rtp_timeout_s": Flag("--rtp-timeout", "S"),
    "sip.drain_s": Flag("--drain", "S"),
    "workers.count": Flag("--workers", "N"),
    "watch": Flag("--watch"),
    "log.format": Flag("--log", "console|json"),
}
"""Full name of a setting to its flag; the meaning is the text of the setting."""
