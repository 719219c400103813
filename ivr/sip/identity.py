"""SIP identities: name-addr and addr-spec (RFC 3261, 25.1), tel URIs (RFC 3966). Pure.

One parser for every header that names somebody. No input raises; what cannot be read is empty.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from ivr.sip.gate.raw_message import elements
from ivr.text import clean_text, decode_text

_SEPARATORS = re.compile(r"[-.()]")
"""Visual separators of a telephone number (RFC 3966, 5.1.1)."""
_GLOBAL = re.compile(r"\+[0-9]+$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or a service that a header or a URI names."""

    display_name: str = ""
    scheme: str = ""
    """``sip``, ``sips``, ``tel``, ...; empty when there is no URI."""
    user: str = ""
    """Percent-decoded, without a password and without parameters; of a ``tel`` URI the number."""
    host: str = ""
    port: int | None = None
    uri_parameters: dict[str, str] = field(default_factory=dict)
    """Parameters of the URI, those in its user part (RFC 3261, 19.1.6) included. Names in small letters."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Parameters of the header, such as ``tag``. Names in small letters."""

    @property
    def number(self) -> str:
        """The telephone number without visual separators; empty when the user part is none."""
        digits = _SEPARATORS.sub("", self.user)
        # A to D are keys too (RFC 3966, 3), but "a.d" in a SIP URI is somebody's name.
        keys = "0-9*#A-Da-d" if self._is_phone else "0-9*#"
        return digits if re.fullmatch(rf"\+?[{keys}]+", digits) else ""

    @property
    def _is_phone(self) -> bool:
        return self.scheme == "tel" or self.uri_parameters.get("user", "").lower() == "phone"

    @property
    def number_or_user(self) -> str:
        """The number of what is said to be one (``tel:``, ``user=phone``, ``+...``), else the user part."""
        return self.number if self.number and (self._is_phone or self.user.startswith("+")) else self.user

    @property
    def is_global_number(self) -> bool:
        """Whether it is an E.164 number with its country code."""
        return _GLOBAL.match(self.number) is not None


def parse_identity(value: str) -> Identity:
    """Read one element of From, To, Contact, P-Asserted-Identity, Diversion, or a bare URI."""
    name, uri, rest = _split(value)
    found = _SCHEME.match(uri)
    if found is None:
        return Identity(display_name=name, parameters=_parameters(rest))
    scheme, body = found[1].lower(), uri[found.end() :].strip()
    if scheme not in ("sip", "sips"):
        number, _, tail = body.partition(";")
        return Identity(name, scheme, _decode(number), "", None, _parameters(tail), _parameters(rest))
    address, _, _headers = body.partition("?")
    user, at, hostport = address.rpartition("@")
    if not at:
        user, hostport = "", address
    hostport, _, tail = hostport.partition(";")
    user, _, inner = user.partition(";")
    user = user.partition(":")[0]
    host, port = _host(hostport)
    return Identity(
        name, scheme, _decode(user), host, port, _parameters(inner) | _parameters(tail), _parameters(rest)
    )


def parse_identities(value: str) -> Iterator[Identity]:
    """Read every element of a header that may hold a list."""
    for element in elements(value):
        yield parse_identity(element)


def diverting(diversion: Iterable[str], history: Iterable[str]) -> Identity:
    """Return who a call was for before it was sent on, most lately: out of Diversion (RFC 5806, the first is
    the latest) or else History-Info (RFC 7044, the last is the present target). Empty when nobody."""
    for value in diversion:
        for each in parse_identities(value):
            if each.user:
                return each
    known = [each for value in history for each in parse_identities(value) if each.user]
    earlier = [each for each in known[:-1] if each.user != known[-1].user]
    return earlier[-1] if earlier else Identity()


def _split(value: str) -> tuple[str, str, str]:
    """Display name, URI and header parameters of a name-addr or an addr-spec."""
    value = value.strip()
    name = ""
    if value.startswith('"'):
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"?', value, re.DOTALL)
        if quoted is not None:
            name, value = _ESCAPED.sub(r"\1", quoted[1]), value[quoted.end() :].strip()
    before, bracket, after = value.partition("<")
    if bracket:
        uri, _, rest = after.partition(">")
        return clean_text(name or before.strip()), uri.strip(), rest
    # Without angle brackets the parameters are the header's (RFC 3261, 20).
    # A semicolon before the @ is the user part's own.
    end = value.find(";", max(0, value.find("@")))
    end = len(value) if end < 0 else end
    return clean_text(name), value[:end].strip(), value[end:]


def _host(hostport: str) -> tuple[str, int | None]:
    if hostport.startswith("["):
        host, _, tail = hostport[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = hostport.partition(":")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else None
    return clean_text(host.strip()).lower(), number


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found.setdefault(clean_text(name.strip()).lower(), clean_text(value.strip().strip('"')))
    return found


def _decode(user: str) -> str:
    return clean_text(decode_text(unquote_to_bytes(user.encode("utf-8", "surrogateescape")))).strip()
