"""The pjsua2 side of an account: takes calls in, keeps a registration. SIP thread only."""

from typing import Any, Protocol

import pjsua2 as pj
import structlog

log = structlog.get_logger("ivr.sip")


class AccountOwner(Protocol):
    def incoming(self, account: "PjAccount", call_index: int, message: str) -> None: ...


class PjAccount(pj.Account):  # type: ignore[misc]
    def __init__(self, owner: AccountOwner, name: str) -> None:
        super().__init__()
        self._owner = owner
        self.name = name

    def onIncomingCall(self, prm: Any) -> None:
        # A call that is not kept by the owner is answered 500 by pjsua2.
        try:
            self._owner.incoming(self, prm.callId, prm.rdata.wholeMsg)
        except Exception:
            log.exception("incoming_call_failed", account=self.name)

    def onRegState(self, prm: Any) -> None:
        try:
            active = self.getInfo().regIsActive
            if active and prm.expiration:
                log.info("registered", account=self.name, expires_s=prm.expiration)
            elif prm.code // 100 == 2:
                log.info("unregistered", account=self.name)
            else:
                log.warning("registration_failed", account=self.name, status=prm.code, reason=prm.reason)
        except Exception:
            log.exception("registration_callback_failed", account=self.name)
