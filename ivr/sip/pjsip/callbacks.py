"""What keeps an exception in a callback of a call inside that call."""

from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger("ivr.sip")


def guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Decorate a pjsua2 callback: when it raises, the error is logged with its call, and only that call
    fails.
    """

    def wrapper(self: Any, prm: Any) -> None:
        try:
            callback(self, prm)
        except Exception:
            log.exception("call_callback_failed", callback=callback.__name__, call=self.call_id)
            self.end("failed", 500)

    wrapper.__name__ = callback.__name__
    return wrapper
