"""Where a call that we place may be sent on to by a 3xx answer (RFC 3261, 8.1.3.4). Pure.

The Contact of such an answer is the callee's word: without a rule, whoever we call has us call a number that
costs money. So a redirect is followed only where the settings say so, to the host that was dialled or to one
that is named, and never to where the call was before.
"""

import re

from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.message import readable
from ivr.sip.options import SipOptions
from ivr.sip.routing import domain_of, same_end, transport_of

MAX_REDIRECTS = 5
"""Redirects of one call that are followed."""

_URI = re.compile(r"<?\s*(sips?:[^<>\s]+)", re.IGNORECASE)
_ELSEWHERE = re.compile(r";\s*(?:method|maddr)\s*=", re.IGNORECASE)


class Redirects:
    """The redirects of one call."""

    def __init__(self, options: SipOptions, dialed: str) -> None:
        """``dialed`` is the SIP URI that the call was placed to."""
        self._options = options
        self._dialed = domain_of(dialed)
        self._secure = transport_of(dialed) == "tls"
        self._tried = {_normal(dialed)}

    def judge(self, answer: RawMessage, chosen: str) -> tuple[str, str | None]:
        """The target of a 3xx ``answer`` that pjsip has ``chosen``, and why the call does not go there; None
        when it does. pjsip names it without its port: where Contacts differ in that alone, all must do.
        """
        wanted = _without_port(chosen)
        targets = [each for each in answer.addresses("contact") if _without_port(each) == wanted]
        reasons = [self.refusal(target) for target in targets] or ["its Contact cannot be read"]
        return readable(targets[0]) if targets else chosen, next(filter(None, reasons), None)

    def refusal(self, target: str) -> str | None:
        """Return why the call does not go to ``target``, a URI out of a Contact; None when it does."""
        if self._options.redirects != "follow":
            return "sip.redirects is refuse"
        found = _URI.match(target)
        uri = found[1] if found is not None else ""
        if not domain_of(uri) or "?" in uri or _ELSEWHERE.search(uri):
            return "it is no SIP address that can be dialled"
        if _normal(uri) in self._tried:
            return "the call was there before"
        if len(self._tried) > MAX_REDIRECTS:
            return f"more than {MAX_REDIRECTS} redirects"
        if self._secure and transport_of(uri) != "tls":
            return "it would leave TLS"
        if not any(same_end(domain_of(uri), host) for host in (self._dialed, *self._options.redirect_hosts)):
            return "it is another host than the one dialled, and not in sip.redirect_hosts"
        self._tried.add(_normal(uri))
        return None


def _without_port(address: str) -> tuple[str, str]:
    found = _URI.search(address)
    uri = found[1] if found is not None else ""
    return uri.partition("@")[0].lower(), domain_of(uri).partition(";")[0].partition(":")[0].lower()


def _normal(uri: str) -> str:
    """A URI without what does not change its target."""
    user, _, _ = uri.partition("@")
    return f"{user.lower()}@{domain_of(uri).lower()}"
