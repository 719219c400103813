"""Whom an address names and by which account it is reached. Pure: no pjsip, any thread."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ivr.sip.options import Registration

_URI = re.compile(r"(sips?):(?:([^@\s<>\"?]+)@)?([^@;\s<>\"?/]+)((?:;[^\s<>\"?]*)?)", re.IGNORECASE)
_BARE = re.compile(r"[0-9A-Za-z+*#_.!~'()&=$,-]+")
_TEL = re.compile(r"tel:(\+?[0-9*#A-Da-d().-]+)", re.IGNORECASE)
_TRANSPORT = re.compile(r";transport=(tcp|tls)\b", re.IGNORECASE)
_SIP_PORT = 5060


def dialled(text: str, domain: str = "") -> str:
    """A SIP URI for what an operator writes: ``sip:101@host``, ``101@host``, ``tel:+4930123`` or a bare
    ``101``, which belongs to ``domain`` (``host[:port]``).

    Headers in a URI (``?Replaces=...``) are refused. Raises ValueError with what is wrong.
    """
    text = text.strip()
    if re.match(r"sips?:", text, re.IGNORECASE):
        if _URI.fullmatch(text) is None:
            raise ValueError(f"{text!r} is not a SIP address such as sip:101@pbx.example.org")
        return text
    phone = _TEL.fullmatch(text)
    if phone is None and "@" in text:
        if _URI.fullmatch(f"sip:{text}") is None:
            raise ValueError(f"{text!r} is not an address such as 101@pbx.example.org")
        return f"sip:{text}"
    # Visual separators say nothing (RFC 3966, 5.1.1).
    user = re.sub(r"[().-]", "", phone.group(1)) if phone is not None else text
    if phone is None and _BARE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is neither an extension such as 101 nor an address such as sip:101@host")
    if not domain:
        raise ValueError(f"{text!r} names no host: write sip:{user}@HOST, or register with a PBX")
    head, _, parameters = domain.partition(";")
    parameters = f";{parameters}" if parameters else ""
    if phone is not None:
        parameters += ";user=phone"
    return f"sip:{user.replace('#', '%23')}@{head}{parameters}"


def domain_of(address: str) -> str:
    """``host[:port]`` of a SIP URI, with its transport when that is not UDP; of a Contact or a From too.
    Empty when there is none.
    """
    found = _URI.match(address.rpartition("<")[2].strip())
    if found is None:
        return ""
    # Outside of angle brackets the parameters are the header's (RFC 3261, 20.10), but a bare URI has none.
    transport = _TRANSPORT.search(found.group(4))
    return found.group(3) + (f";transport={transport.group(1).lower()}" if transport else "")


def registrar_domain(registration: Registration) -> str:
    """What an extension at that registrar is written with."""
    registrar = registration.registrar
    return domain_of(registrar if registrar.lower().startswith(("sip:", "sips:")) else f"sip:{registrar}")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes."""

    uri: str
    domain: str
    """What a bare extension belongs to while the call lasts."""
    account: int
    """0 is the local account, 1 the first registration."""


def route(text: str, registrations: Sequence[Registration], account: str | None = None) -> Route:
    """``account`` is ``user@registrar`` or its user; without one it is the registration whose registrar the
    address names, or the only one for a bare extension, or else the local account. Raises ValueError.
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
    uri = dialled(text, domains[chosen - 1] if chosen else "")
    if account is None:
        ends = [_end(domain) for domain in domains]
        end = _end(domain_of(uri))
        chosen = ends.index(end) + 1 if end in ends else 0
    return Route(uri, domains[chosen - 1] if chosen else domain_of(uri), chosen)


def _end(domain: str) -> tuple[str, int]:
    """Host and port, to be compared."""
    host, _, port = domain.partition(";")[0].partition(":")
    return host.lower(), int(port) if port.isdecimal() else _SIP_PORT


def transport_of(uri: str) -> str:
    """What a request to ``uri`` goes over: udp, tcp or tls (RFC 3261, 19.1.1)."""
    if uri.lstrip("<").lower().startswith("sips:"):
        return "tls"
    found = _TRANSPORT.search(uri)
    return found[1].lower() if found else "udp"
