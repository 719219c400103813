"""Which requests pjsip must not be given: what it cannot bear, and what would be looked up by name.

pjsip asserts or crashes on some input, and looks host names up on the SIP thread, where a slow name server
stops every call. A request is read as text first; one that fails is answered or dropped.
"""

import ipaddress
import re
from dataclasses import dataclass

from ivr.sip.gate.raw_message import RawMessage, outside_quotes

MAX_BYTES = 65_535
MAX_HEADERS = 200
MAX_VIAS = 70
"""Hops that Max-Forwards allows (RFC 3261, 8.1.1.6)."""
MAX_MEDIA_LINES = 8
"""What the carrier build is compiled for (PJMEDIA_MAX_SDP_MEDIA); the stock wheel's 16 are not needed."""
MAX_HOST = 253
"""Characters of a host name (RFC 1035, 2.3.4)."""

_SINGLE = ("from", "to", "call-id", "cseq")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$")
_URI = re.compile(
    r"sips?:(?:[^@<>\s]*@)?(\[[^\]]*\]?|[^\s:;?>,/]*)(?::([^\s;?>,/]*))?(.*)$", re.IGNORECASE | re.DOTALL
)
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\S+\s+(\[[^\]]*\]?|[^\s:;,]*)\s*(?::\s*([^\s;,]*))?", re.IGNORECASE)
_IPV6 = re.compile(r"sips?:(?:[^@<>\s]*@)?\[", re.IGNORECASE)
_BARE_RETURN = re.compile(r"\r(?!\n)")
_NO_VALUE = re.compile(r"^a=[^:\r\n]*:[ \t]*\r?$", re.MULTILINE)
_MADDR = re.compile(r";\s*maddr\s*=", re.IGNORECASE)
_MEDIA = re.compile(r"^m=", re.MULTILINE)
_MEDIA_LINE = re.compile(r"m=\S+[ ]+(\d+)(?:/\d+)?[ ]+(\S+)")
_CONNECTION = re.compile(r"^c=([^\r\n]*)", re.MULTILINE)
_FINGERPRINT = re.compile(r"^a=fingerprint:\s*\S+\s+[0-9A-Fa-f:]+", re.MULTILINE)
_TAKES_SDP = re.compile(r"\s*(?:\*/\*|application/(?:\*|sdp))\s*(?:;|$)", re.IGNORECASE)
_EXTENSIONS = frozenset({"100rel", "timer", "replaces", "norefersub"})
"""Option tags that we support (RFC 3262, 4028, 3891, 4488)."""
_CONNECTION_VALUE = re.compile(r"IN IP4 (\S+?)(?:/\d+){0,2}\s*$")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request does not reach pjsip. Status 0: it is dropped, since no answer could be sent safely."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    """Headers that its answer must have."""


def refusal(message: RawMessage, size: int) -> Refusal | None:
    """The reason to keep a request from pjsip; None when it may pass. ``size``: bytes of the packet."""
    found = _envelope(message, size) or _addresses(message) or _body(message) or _demands(message)
    if found is None or not found.status:
        return found
    reason = _unprintable(message)
    return Refusal(0, reason) if reason else found


def _unprintable(message: RawMessage) -> str:
    """Which address no answer can repeat: pjsip copies these headers into each, and cannot print it."""
    for name in ("record-route", "from", "to"):
        for address in message.addresses(name):
            reason = _address_fault(address)
            if reason:
                return f"{name}: {reason}"
    return ""


def response_refusal(message: RawMessage) -> Refusal | None:
    """The reason to keep a response from pjsip as it is; None when it may pass. Status 0: it is dropped; else
    it counts as that status."""
    found = _addresses(message) or (_body(message) if message.body.strip() else None)
    if found is None or (found.status and message.status >= 200):
        return found
    # A provisional one is not needed.
    return Refusal(0, found.reason)


def _envelope(message: RawMessage, size: int) -> Refusal | None:
    """What every request must have (RFC 3261, 8.1.1). Without it no answer can be addressed."""
    if size > MAX_BYTES or len(message.headers) > MAX_HEADERS:
        return Refusal(0, "the message is too large")
    if _BARE_RETURN.search(message.head) or "\0" in message.head:
        # pjsip's parser ends a line there.
        return Refusal(0, "a carriage return alone, or a NUL character, in its headers")
    vias = message.addresses("via")
    if not vias or len(vias) > MAX_VIAS:
        return Refusal(0, "it has no Via, or too many")
    for place, via in enumerate(vias):
        reason = _via_fault(via, is_top=place == 0)
        if reason:
            return Refusal(0, reason)
    for name in _SINGLE:
        if len([value for value in message.values(name) if value]) != 1:
            return Refusal(0, f"it must have one {name} header")
    if message.cseq_method != message.method:
        return Refusal(0 if message.method == "ACK" else 400, "the method of CSeq is not that of the request")
    if message.method == "ACK" and not message.to_tag:
        return Refusal(0, "an ACK without the tag of an answer")
    return None


def _via_fault(via: str, *, is_top: bool) -> str:
    found = _VIA.match(via)
    if found is None:
        return "a Via that is none"
    fault = _host_fault(found[1], found[2])
    if fault:
        return f"Via: {fault}"
    misdirects = is_top and _MADDR.search(outside_quotes(via))
    return "Via: maddr names another address for the answer" if misdirects else ""


def _addresses(message: RawMessage) -> Refusal | None:
    """Hosts of every address that pjsip keeps for requests of its own.

    Those that it sends to are no IPv6, which neither build has; who calls and the hops further away may have
    such addresses (RFC 5118).
    """
    for name in ("record-route", "route", "contact", "from", "to"):
        addresses = message.addresses(name)
        for place, address in enumerate(addresses):
            if name == "contact" and address == "*":
                continue
            reason = _address_fault(address)
            if reason:
                # pjsip copies Record-Route, From and To into an answer, and cannot print such an address.
                return Refusal(400 if name in ("route", "contact") else 0, f"{name}: {reason}")
            is_hop = name in ("contact", "route") or (
                name == "record-route" and place in (0, len(addresses) - 1)
            )
            if is_hop and _IPV6.search(outside_quotes(address)):
                return Refusal(400, f"{name}: IPv6 is not served")
    reason = _address_fault(message.request_uri) if message.method else ""
    return Refusal(400, f"Request-URI: {reason}") if reason else None


def _address_fault(address: str) -> str:
    text = outside_quotes(address)
    inside = text.partition("<")[2].partition(">")[0].strip() if "<" in text else text.strip()
    if not inside:
        return "it has no address"
    found = _URI.match(inside)
    if found is None:
        return ""  # tel: and others: pjsip keeps them as text
    return _host_fault(found[1], found[2])


def _host_fault(host: str, port: str | None) -> str:
    """What is wrong with a host and its port as written; empty when nothing is."""
    if port and not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) < 65_536):
        return "a port that is no number up to 65535"
    if host.startswith("["):
        return "" if _is_ipv6(host) else "an IPv6 address that is none"
    if re.fullmatch(r"[0-9.]+", host):
        return "" if is_ipv4(host) else "an IPv4 address that is none"
    return "" if len(host) <= MAX_HOST and _HOST_NAME.match(host) else "a host name that is none"


def _is_ipv6(host: str) -> bool:
    """Whether ``host`` is an IPv6 address in brackets, without a zone."""
    try:
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return host.endswith("]") and "%" not in host


def is_ipv4(text: str) -> bool:
    """Whether ``text`` is an IPv4 address in dotted decimal."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _body(message: RawMessage) -> Refusal | None:
    """The session descriptions (RFC 8866) of a request that carries one."""
    if len(message.values("content-type")) > 1 or len(message.values("content-length")) > 1:
        return Refusal(0 if message.method == "ACK" else 400, "two Content-Type or Content-Length headers")
    if not message.body.strip():
        if message.content_type == "application/sdp":
            return Refusal(0 if message.method == "ACK" else 400, "a Content-Type and no body")
        return None
    for description in message.descriptions:
        reason = sdp_fault(description)
        if reason:
            return Refusal(0 if message.method == "ACK" else 488, reason)
    return None


def _demands(message: RawMessage) -> Refusal | None:
    """What a request needs that we cannot give, and pjsip would overlook."""
    length = message.value("content-length")
    if message.method != "ACK" and length.isdecimal() and int(length[:9]) > len(message.body):
        return Refusal(400, "a body shorter than Content-Length (RFC 3261, 18.3)")
    if message.method == "OPTIONS":
        # pjsip looks at INVITEs alone.
        required = [each.strip() for value in message.values("require") for each in value.split(",")]
        unknown = [each for each in required if each and each.lower() not in _EXTENSIONS]
        if unknown:
            headers = (("Unsupported", ", ".join(unknown)),)
            return Refusal(420, "it requires an extension that we lack (RFC 3261, 8.2.2.3)", headers)
    accepted = [each for value in message.values("accept") for each in value.split(",") if each.strip()]
    if message.method == "INVITE" and accepted and not any(_TAKES_SDP.match(each) for each in accepted):
        headers = (("Accept", "application/sdp"),)
        return Refusal(406, "it accepts no session description (RFC 3261, 21.4.7)", headers)
    return None


def sdp_fault(sdp: str) -> str:
    """What in a session description pjsip cannot bear; empty when nothing."""
    if _BARE_RETURN.search(sdp):
        return "a line that ends with a carriage return alone"
    if _NO_VALUE.search(sdp):
        return "an attribute with a colon and no value (RFC 8866, 5.13)"
    session, *media = _MEDIA.split(sdp.replace("\r\n", "\n"))
    if len(media) > MAX_MEDIA_LINES:
        return f"more than {MAX_MEDIA_LINES} media lines"
    for value in _CONNECTION.findall(sdp):
        found = _CONNECTION_VALUE.match(value)
        if found is None or not is_ipv4(found[1]):
            return "c= must be IN IP4 with an address: IPv6 and host names are not served"
    for part in media:
        line = _MEDIA_LINE.match("m=" + part)
        if line is None:
            return "an m= line that is none"
        if int(line[1][:6]) > 65_535:
            return "an m= line with a port that is none"
        secure = line[2].upper().startswith("UDP/TLS/")
        if secure and line[1] != "0" and not (_FINGERPRINT.search(part) or _FINGERPRINT.search(session)):
            return "DTLS-SRTP without a fingerprint (RFC 5763, 5)"
    return ""


def media_types(sdp: str) -> list[str]:
    """The kind of each media line of a session description, in order: ``audio``, ``video``, ..."""
    return [part.split(None, 1)[0].lower() for part in _MEDIA.split(sdp)[1:] if part.split()]
