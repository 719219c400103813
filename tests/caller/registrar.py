"""A registrar (RFC 3261, 10.3) that asks for a digest; it can forget everybody and go silent."""

import threading
import time
from dataclasses import dataclass

from tests.caller import digest
from tests.caller import message as sip
from tests.caller.message import Message
from tests.caller.ua import UserAgent


@dataclass(frozen=True)
class Binding:
    """One accepted registration."""

    user: str
    contact: str
    expires: int
    at: float


class Registrar:
    """Answers REGISTER on a user agent's port."""

    def __init__(
        self, ua: UserAgent, user: str, password: str, realm: str = "pbx", expires: int = 60
    ) -> None:
        self.user, self.password, self.realm, self.expires = user, password, realm, expires
        self.bindings: list[Binding] = []
        """Accepted registrations, in order; ``expires`` 0 is a removal."""
        self.challenged = 0
        self.refused = 0
        self.silent = False
        """True: requests are not answered (the registrar is gone)."""
        self.broken = False
        """True: requests are answered 500."""
        self._ua = ua
        self._nonce = sip.token()
        self._changed = threading.Condition()
        ua.on_request = self._on_request

    def wait(self, count: int, timeout: float = 10.0) -> Binding:
        """The ``count``-th accepted registration."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.bindings) >= count, timeout):
                raise TimeoutError(f"{len(self.bindings)} registrations instead of {count}")
            return self.bindings[count - 1]

    def _on_request(self, request: Message) -> bool:
        if request.method != "REGISTER":
            return False
        if self.silent:
            return True
        if self.broken:
            self._ua.reply(request, 500, "Server Internal Error")
            return True
        authorization = request.get("Authorization")
        if not authorization:
            self.challenged += 1
            self._nonce = sip.token()
            challenge = f'Digest realm="{self.realm}", nonce="{self._nonce}", algorithm=MD5, qop="auth"'
            self._ua.reply(request, 401, "Unauthorized", [("WWW-Authenticate", challenge)])
        elif not digest.proves(authorization, "REGISTER", self.user, self.password, self._nonce):
            self.refused += 1
            self._ua.reply(request, 403, "Forbidden")
        else:
            contact = request.get("Contact")
            wanted = request.get("Expires") or self._parameter(contact, "expires") or str(self.expires)
            granted = min(int(wanted), self.expires)
            headers = [("Contact", f"<{sip.uri_of(contact)}>;expires={granted}")] if granted else []
            with self._changed:
                self.bindings.append(Binding(self.user, sip.uri_of(contact), granted, time.time()))
                self._changed.notify_all()
            self._ua.reply(request, 200, "OK", [*headers, ("Expires", str(granted))])
        return True

    @staticmethod
    def _parameter(contact: str, name: str) -> str:
        tail = contact.rpartition(">")[2]
        return next((p.split("=", 1)[1] for p in tail.split(";") if p.strip().startswith(f"{name}=")), "")
