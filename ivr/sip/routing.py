"""The SIP URI of an address that is dialed, and the account that reaches it. Pure: no pjsip, any thread."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ivr.sip.options import Registration
from ivr.text import clean_text

_URI = re.compile(r"(sips?):(?:([^@\s<>\"?]+)@)?([^@;\s<>\"?/]+)((?:;[^\s<>\"?]*)?)", re.IGNORECASE)
_BARE = re.compile(r"(?:[0-9A-Za-z+*#_.!~'()&=$,-]|[^\W\x00-\x7f])+")
_TEL = re.compile(r"tel:(\+?[0-9*#A-Da-d().-]+)", re.IGNORECASE)
_TRANSPORT = re.compile(r";transport=(tcp|tls)\b", re.IGNORECASE)
_SIP_PORT, _SIPS_PORT = 5060, 5061


def dial_uri(text: str, domain: str = "") -> str:
    """Return the SIP URI for what an operator writes: ``sip:101@host``, ``101@host``, ``tel:+4930123`` or a
    bare ``101``, which belongs to ``domain`` (``host[:port]``).

    What is not ASCII in a user part is escaped. Headers in a URI (``?Replaces=...``) are refused. Raises
    ValueError with what is wrong.
    """
    text = clean_text(text).strip()
    if re.match(r"sips?:", text, re.IGNORECASE):
        found = _URI.fullmatch(text)
        if found is None or not found[3].isascii():
            raise ValueError(f"{text!r} is not a SIP address such as sip:101@pbx.example.org")
        return _escaped(text)
    phone = _TEL.fullmatch(text)
    if phone is None and "@" in text:
        found = _URI.fullmatch(f"sip:{text}")
        if found is None or not found[3].isascii():
            raise ValueError(f"{text!r} is not an address such as 101@pbx.example.org")
        return _escaped(f"sip:{text}")
    # Visual separators have no meaning (RFC 3966, 5.1.1).
    user = re.sub(r"[().-]", "", phone.group(1)) if phone is not None else text
    if phone is None and _BARE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is neither an extension such as 101 nor an address such as sip:101@host")
    if not domain:
        raise ValueError(f"{text!r} names no host: write sip:{user}@HOST, or register with a PBX")
    head, _, parameters = domain.partition(";")
    parameters = f";{parameters}" if parameters else ""
    if phone is not None:
        parameters += ";user=phone"
    return f"sip:{_escaped(user.replace('#', '%23'))}@{head}{parameters}"


def _escaped(uri: str) -> str:
    """Escape what is not ASCII, as RFC 3261, 25.1 has it: José is Jos%C3%A9."""
    return "".join(c if c.isascii() else quote(c) for c in uri)


def domain_of(address: str) -> str:
    """Return ``host[:port]`` of a SIP URI, with its transport when that is not UDP (TLS for ``sips:``); of a
    Contact or a From too. Empty when there is none.
    """
    found = _URI.match(address.rpartition("<")[2].strip())
    if found is None:
        return ""
    # Outside of angle brackets the parameters are the header's (RFC 3261, 20.10), but a bare URI has none.
    transport = transport_of(found.group(0))
    return found.group(3) + (f";transport={transport}" if transport != "udp" else "")


def domain_at(host: str, port: int, transport: str) -> str:
    """``host:port``, with the transport when that is not UDP."""
    return f"{host}:{port}" + (f";transport={transport}" if transport != "udp" else "")


def registrar_domain(registration: Registration) -> str:
    """Return the domain of extensions at that registrar."""
    registrar = registration.registrar
    return domain_of(registrar if registrar.lower().startswith(("sip:", "sips:")) else f"sip:{registrar}")


@dataclass(frozen=True, slots=True)
class Route:
    """The target of a call and the way to it."""

    uri: str
    domain: str
    """The domain of a bare extension during the call."""
    account: int
    """0 is the local account, 1 the first registration."""
    transport: str
    """The transport of the first hop (an account's outbound proxy, if it has one): udp, tcp or tls."""


def route(text: str, registrations: Sequence[Registration], account: str | None = None) -> Route:
    """Return where a call to ``text`` goes. ``account`` is ``user@registrar`` or its user; without one it is
    the registration whose registrar the address names, or the only one for a bare extension, or else the
    local account. Raises ValueError.
    """
    domains = [registrar_domain(each) for each in registrations]
    chosen = 0
    if account is not None:
        names = [(f"{each.user}@{each.registrar}", each.user) for each in registrations]
        fits = [index for index, name in enumerate(names, 1) if account in name]
        if len(fits) != 1:
            known = ", ".join(name for name, _ in names) or "none; add one to [[sip.registrations]]"
            many = "more than one" if fits else "no"
            raise ValueError(f"{many} account {account!r}; there are: {known}")
        chosen = fits[0]
    elif len(registrations) == 1:
        chosen = 1
    uri = dial_uri(text, domains[chosen - 1] if chosen else "")
    if account is None:
        named = domain_of(uri)
        chosen = next((index for index, each in enumerate(domains, 1) if same_end(named, each)), 0)
    if not chosen:
        return Route(uri, domain_of(uri), chosen, transport_of(uri))
    registration, domain = registrations[chosen - 1], domains[chosen - 1]
    if same_end(domain_of(uri), domain) and ";" not in domain_of(uri):
        uri += "".join(domain.partition(";")[1:])  # the registrar is reached as it is registered with
    transport = transport_of(registration.outbound_proxy or uri)
    if registration.over_tls and transport != "tls":
        raise ValueError(f"{uri!r}: {registration.user}'s account uses TLS only; add ;transport=tls")
    return Route(uri, domain, chosen, transport)


def same_end(named: str, registered: str) -> bool:
    """Return whether ``named``, which may have no transport, is the registered host and port."""

    def end(domain: str, transport: str) -> tuple[str, int]:
        host, _, port = domain.partition(";")[0].partition(":")
        usual = _SIPS_PORT if transport == "tls" else _SIP_PORT
        return host.lower(), int(port) if port.isdecimal() else usual

    there = transport_of(registered)
    return end(named, transport_of(named) if ";" in named else there) == end(registered, there)


def transport_of(uri: str) -> str:
    """Return the transport of a request to ``uri``: udp, tcp or tls (RFC 3261, 19.1.1)."""
    if uri.lstrip("<").lower().startswith("sips:"):
        return "tls"
    found = _TRANSPORT.search(uri)
    return found[1].lower() if found else "udp"
