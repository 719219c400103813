"""Which calls may carry plain sound, and where keys may be seen: decided on SDP and transport, no pjsip here.

Keys of SDES are in the SDP (RFC 4568), so they are as secret as the signalling: over TLS, secret from all
but proxies; over UDP and TCP, from nobody on the way. DTLS-SRTP (RFC 5764) has only fingerprints there.
"""

import re

from ivr.sip.options import SipOptions

_AUDIO = re.compile(r"^m=audio\s+(\d+)\s+(\S+)", re.MULTILINE)
_MEDIA = re.compile(r"^(?=m=)", re.MULTILINE)
_KEY = re.compile(r"^a=crypto:[^\r\n]*\r?\n", re.MULTILINE)


def offered(sdp: str) -> set[str]:
    """Return the ways in which an offer (RFC 8866) lets media be carried: ``plain``, ``sdes``, ``dtls``. One
    in RTP/AVP that has a key all the same offers both.
    """
    found: set[str] = set()
    for part in _MEDIA.split(sdp):
        line = _AUDIO.match(part)
        if line is None or line[1] == "0":
            continue
        protocol = line[2].upper()
        if protocol.startswith("UDP/TLS/"):
            found.add("dtls")
            continue
        if "SAVP" not in protocol:
            found.add("plain")
        if "\na=crypto:" in part:
            found.add("sdes")
    return found


def without_keys(sdp: str) -> str:
    """The SDP with no SDES key in it."""
    return _KEY.sub("", sdp)


def keys_are_hidden(options: SipOptions, transport: str) -> bool:
    """Whether an offer of ours over ``transport`` (udp, tcp, tls) must go without SDES keys."""
    return transport != "tls" and not options.srtp_sdes_without_tls


def refusal(options: SipOptions, transport: str, sdp: str) -> str | None:
    """Return why a call that came over ``transport`` with this offer (empty: none) cannot be encrypted as
    ``srtp = "required"`` asks; None when it can, or need not.
    """
    if options.srtp != "required":
        return None
    ways = offered(sdp) if sdp else set(options.srtp_keying[:1])
    ways &= set(options.srtp_keying)
    if keys_are_hidden(options, transport):
        if ways == {"sdes"}:
            return f"SDES keys over {transport.upper()} could be read by anybody on the way; call over TLS"
        ways -= {"sdes"}
    return None if ways else "SRTP is required here"
