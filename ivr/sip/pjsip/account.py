"""The pjsua2 side of accounts: incoming calls, registrations. SIP thread only."""

import contextlib
import random
import time
from collections.abc import Sequence
from typing import Any, Protocol

import pjsua2 as pj
import structlog

from ivr.sip.errors import SipError
from ivr.sip.options import Registration
from ivr.sip.pjsip.endpoint import Endpoint, failure_of
from ivr.sip.routing import registrar_domain
from ivr.text import clean_text

log = structlog.get_logger("ivr.sip")


class AccountOwner(Protocol):
    def incoming(self, account: "PjAccount", call_index: int, rdata: int) -> None: ...


RETRY_MAX_S = 1800.0
"""The longest wait between two tries (RFC 5626, 4.5)."""


def retry_delay(first_s: float, failures: int, share: float) -> float:
    """Return the seconds before another try after so many refusals in a row (RFC 5626, 4.5): ``first_s``,
    twice as long each time, and of that from a half to all, as ``share`` (0 to 1, random) says.
    """
    longest = min(RETRY_MAX_S, first_s * 2.0 ** min(max(0, failures - 1), 30))
    return longest * (0.5 + 0.5 * share)


_RETRIED_BY_PJSUA = frozenset({408, 500, 502, 503, 504})
"""And every status from 600 on. After any other refusal pjsua does not register again by itself."""


class PjAccount(pj.Account):  # type: ignore[misc]
    def __init__(self, owner: AccountOwner, name: str, retry_s: float = 0, domain: str = "") -> None:
        super().__init__()
        self._owner = owner
        self.name = name
        self.domain = domain
        """``host[:port]`` of its registrar; empty for the local account."""
        self._retry_s = retry_s
        self._retry_at: float | None = None
        self._refusals = 0
        """Refusals in a row."""
        self._failure: tuple[int, str] | None = None
        """Why the last registration failed, for as long as each fails for the same reason."""
        self.unregistering = False
        """An un-REGISTER has not been answered yet."""

    @property
    def uri(self) -> str:
        """Its address of record."""
        return str(self.getInfo().uri)

    def onIncomingCall(self, prm: Any) -> None:
        # pjsua2 answers 500 to a call that the owner does not keep.
        try:
            self._owner.incoming(self, prm.callId, int(prm.rdata.pjRxData))
        except Exception:
            log.exception("incoming_call_failed", account=self.name)

    def onRegState(self, prm: Any) -> None:
        self.unregistering = False
        try:
            active = self.getInfo().regIsActive
            if active and prm.expiration:
                self._failure, self._refusals = None, 0
                log.info("registered", account=self.name, expires_s=prm.expiration)
            elif prm.code // 100 == 2:
                log.info("unregistered", account=self.name)
            else:
                failure = (int(prm.code), clean_text(prm.reason))
                if failure != self._failure:  # it is tried again and again, and said once
                    log.warning(
                        "registration_failed",
                        account=self.name,
                        status=failure[0],
                        reason=failure[1],
                        remedy="it is tried again: check the registrar's name, address and password",
                    )
                self._failure = failure
                if prm.code < 600 and prm.code not in _RETRIED_BY_PJSUA:
                    self._refusals += 1
                    delay_s = retry_delay(self._retry_s, self._refusals, random.random())
                    self._retry_at = time.monotonic() + delay_s
        except Exception:
            log.exception("registration_callback_failed", account=self.name)

    def unregister(self) -> None:
        """Send an un-REGISTER, if it is registered."""
        with contextlib.suppress(pj.Error):
            self.setRegistration(False)
            self.unregistering = True

    def retry(self, now: float) -> None:
        """Register again after a refusal (403, 404, ...), which may come from a PBX that is starting."""
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            # An error means that a registration is under way already.
            with contextlib.suppress(pj.Error):
                self.setRegistration(True)


class Accounts:
    """The accounts of a user agent: the local one has index 0, the registrations follow.

    No account is kept in a local variable: the frames of an exception would keep it alive, and freeing it
    after the next start would delete the account that has its number then.
    """

    def __init__(self, owner: AccountOwner, registrations: Sequence[Registration]) -> None:
        self._owner = owner
        self._registrations = registrations
        self._accounts: list[PjAccount] = []

    def __getitem__(self, index: int) -> PjAccount:
        return self._accounts[index]

    def open(self, endpoint: Endpoint, register: bool) -> None:
        """Create all accounts, and register with the registrars if ``register``. Raises SipError."""
        self._accounts.append(PjAccount(self._owner, "local"))
        self._accounts[-1].create(endpoint.account_config(), True)
        for registration in self._registrations:
            name = f"{registration.user}@{registration.registrar}"
            domain = registrar_domain(registration)
            self._accounts.append(PjAccount(self._owner, name, registration.retry_s, domain))
            config = endpoint.account_config(registration)
            config.regConfig.registerOnAdd = register
            reason = failure_of(self._accounts[-1].create, config)
            if reason is not None:
                raise SipError(f"registration {name}: {reason}")

    def retry(self, now: float) -> None:
        """Called once a second: register again where that is due."""
        for account in self._accounts:
            account.retry(now)

    def unregister(self) -> None:
        """Un-REGISTER everywhere; ``unregistering`` is true until the registrars have answered."""
        for account in self._accounts[1:]:
            account.unregister()

    @property
    def unregistering(self) -> bool:
        return any(account.unregistering for account in self._accounts)

    def close(self) -> None:
        while self._accounts:
            self._accounts.pop().shutdown()
