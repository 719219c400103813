"""What the type of a setting does not say: checks by the name of the setting."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from ivr.session.presets import preset
from ivr.sip.options import parse_bind, parse_ports
from ivr.speech import registry
from ivr.vad.registry import vad_names

MAX_C_INT = 2**31 - 1
NO_TURN_DETECTOR = "none"
"""Value of ``turn.name`` with which silence alone ends a turn."""


def fits_in_c(value: int | None) -> None:
    """Refuse a whole number that PJSUA2, which keeps it in 32 bits, cannot have. Raises ValueError."""
    if value is not None and value > MAX_C_INT:
        raise ValueError(f"must not be above {MAX_C_INT}")


def _address(text: str | None) -> None:
    if text is not None:
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            raise ValueError(f"{text!r} is no IPv4 address; IPv6 is not served") from None


def _at_least_one(value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("must be at least 1")


def _probability(value: float) -> None:
    if not 0 < value < 1:
        raise ValueError("must be between 0 and 1")


def _one_of(kind: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise ValueError(f"there is no {kind} {name!r}; there are: {', '.join(sorted(names))}")


def _turn_detector(name: str) -> None:
    _one_of("turn detector", name, (*registry.TURN.options(), NO_TURN_DETECTOR))


def _engine_names(kind: str, names: Callable[[], Iterable[str]]) -> Callable[[tuple[str, ...]], None]:
    def check(order: tuple[str, ...]) -> None:
        if not order:
            raise ValueError("must name at least one engine")
        for name in order:
            _one_of(f"{kind} engine", name, names())

    return check


def _http_address(text: str | None) -> None:
    if text is not None and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")


CHECKS: dict[str, Callable[[Any], object]] = {
    "http.base_url": _http_address,
    "http.max_body": _at_least_one,
    "http.max_connections": _at_least_one,
    "sip.bind": parse_bind,
    "sip.rtp_ports": parse_ports,
    "sip.tls_bind": lambda text: text is None or parse_bind(text),
    "sip.public_address": _address,
    "sip.max_calls": _at_least_one,
    "session.preset": preset,
    "vad.name": lambda name: _one_of("voice-activity detector", name, vad_names()),
    "vad.threshold": _probability,
    "stt.order": _engine_names("speech-to-text", registry.STT.options),
    "tts.order": _engine_names("text-to-speech", registry.TTS.options),
    "turn.name": _turn_detector,
}
"""Full name of a setting to a function that raises ValueError for a value that is refused."""
