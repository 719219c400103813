"""The pjsua2 side of an account: takes calls in, keeps a registration. SIP thread only."""

import contextlib
import time
from typing import Any, Protocol

import pjsua2 as pj
import structlog

log = structlog.get_logger("ivr.sip")


class AccountOwner(Protocol):
    def incoming(self, account: "PjAccount", call_index: int, message: str, rdata: int) -> None: ...


_RETRIED_BY_PJSUA = frozenset({408, 500, 502, 503, 504})
"""And everything from 600 on; what else a registrar refuses with, pjsua takes as its last word."""


class PjAccount(pj.Account):  # type: ignore[misc]
    def __init__(self, owner: AccountOwner, name: str, retry_s: float = 0, domain: str = "") -> None:
        super().__init__()
        self._owner = owner
        self.name = name
        self.domain = domain
        """``host[:port]`` of its registrar; empty for the local account."""
        self._retry_s = retry_s
        self._retry_at: float | None = None
        self.unregistering = False
        """An un-REGISTER has not been answered yet."""

    def onIncomingCall(self, prm: Any) -> None:
        # A call that is not kept by the owner is answered 500 by pjsua2.
        try:
            self._owner.incoming(self, prm.callId, prm.rdata.wholeMsg, int(prm.rdata.pjRxData))
        except Exception:
            log.exception("incoming_call_failed", account=self.name)

    def onRegState(self, prm: Any) -> None:
        self.unregistering = False
        try:
            active = self.getInfo().regIsActive
            if active and prm.expiration:
                log.info("registered", account=self.name, expires_s=prm.expiration)
            elif prm.code // 100 == 2:
                log.info("unregistered", account=self.name)
            else:
                log.warning("registration_failed", account=self.name, status=prm.code, reason=prm.reason)
                if prm.code < 600 and prm.code not in _RETRIED_BY_PJSUA:
                    self._retry_at = time.monotonic() + self._retry_s
        except Exception:
            log.exception("registration_callback_failed", account=self.name)

    def unregister(self) -> None:
        """Send an un-REGISTER, if it is registered."""
        with contextlib.suppress(pj.Error):
            self.setRegistration(False)
            self.unregistering = True

    def retry(self, now: float) -> None:
        """Once a second: register again where a refusal (403, 404, ...) may have been a PBX starting up."""
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            # In the way of one that is under way already, which will do.
            with contextlib.suppress(pj.Error):
                self.setRegistration(True)
