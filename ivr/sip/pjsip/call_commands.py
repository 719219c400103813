"""Commands for calls, from any thread: each is queued for the SIP thread."""

from collections.abc import Callable, Mapping

import structlog

from ivr.sip.commands import Commands
from ivr.sip.pjsip.bridge import Bridges
from ivr.sip.pjsip.call import PjCall
from ivr.sip.pjsip.endpoint import failure_of
from ivr.sip.pjsip.outgoing import answer

log = structlog.get_logger("ivr.sip")


class CallCommands:
    """What a ``CallLeg`` asks for (``LegCommands``), by the key of its call. Nothing is done where that has
    ended.
    """

    def __init__(self, commands: Commands, calls: Mapping[int, PjCall], bridges: Bridges) -> None:
        """``calls`` is the user agent's registry: read on the SIP thread only, as ``bridges`` is."""
        self._commands = commands
        self._calls = calls
        self._bridges = bridges

    def answer(self, key: int, status: int) -> None:
        self._on(key, lambda call: answer(call, status))

    def hangup(self, key: int, reason: str, status: int) -> None:
        self._on(key, lambda call: call.end(reason, status))

    def send_dtmf(self, key: int, digits: str) -> None:
        self._on(key, lambda call: call.send_keys(digits))

    def transfer(self, key: int, uri: str, timeout_s: float) -> None:
        self._on(key, lambda call: call.transfer(uri, timeout_s))

    def transfer_to_call(self, key: int, other: int, timeout_s: float) -> None:
        self._on(key, lambda call: call.transfer_to_call(self._calls.get(other), timeout_s))

    def connect_audio(self, source: int, sink: int) -> None:
        self._commands.put(lambda: self._bridges.connect(source, sink))

    def disconnect_audio(self, key: int) -> None:
        self._commands.put(lambda: self._bridges.disconnect(key))

    def wire_player(self, key: int) -> None:
        self._on(key, PjCall.wire_player)

    def _on(self, key: int, act: Callable[[PjCall], None]) -> None:
        def command() -> None:
            call = self._calls.get(key)
            if call is not None:
                call_id = call.call_id
                reason = failure_of(act, call)
                if reason is not None:
                    log.warning("call_command_failed", call=call_id, error=reason)

        self._commands.put(command)
