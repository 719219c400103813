"""The user agent: the SIP thread, calls taken and placed, and the registry of all pjsua2 objects.

Everything that crosses threads:

* ``_commands``: any thread → SIP thread, bounded (``commands.COMMANDS``); when it is full the command is
refused
  with an error in the log: the SIP thread has been blocked for seconds.
* ``_stop``: any thread → SIP thread, a flag.
* ``Admission.draining``: any thread → SIP thread, a flag: new calls get 503.
* ``bank``: the clock thread writes each call's line, the VAD thread reads it.
* ``PlaybackSlot.buffer`` of each call: service → clock and SIP thread.
* ``PlaybackReports``: clock → SIP thread, the ends of prompts played by C; at most two for each prompt.
"""

import functools
import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ivr.audio.line import Line, LineBank
from ivr.sip.admission import Admission
from ivr.sip.commands import Commands
from ivr.sip.errors import SipError
from ivr.sip.gate.credentials import RegistrarChallenges, registrar_hosts
from ivr.sip.gate.gate import Gate
from ivr.sip.gate.hosts import HostAddresses
from ivr.sip.gate.peers import trunk_hosts
from ivr.sip.gate.raw_message import read
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.message import Headers, readable
from ivr.sip.options import SipOptions
from ivr.sip.pjsip.account import Accounts, PjAccount
from ivr.sip.pjsip.bridge import Bridges
from ivr.sip.pjsip.call import PjCall
from ivr.sip.pjsip.call_commands import CallCommands
from ivr.sip.pjsip.endpoint import Endpoint, reason_of
from ivr.sip.pjsip.media import CallMedia, make_bank, make_reports, playback_maker
from ivr.sip.pjsip.probe import build_limit, build_name
from ivr.sip.pjsip.resolver import NameResolver
from ivr.sip.pjsip.tls import Connections
from ivr.sip.routing import Route, dial_uri, domain_at, route
from ivr.sip.security.srtp import keys_are_hidden
from ivr.sip.stats import CallbackTimes

log: Any = structlog.get_logger("ivr.sip")

_POLL_MS = 5
_GRACE_S = 0.25
"""The ports of ended calls are kept this long: pjmedia's clock thread may still be inside one."""

_SHUTDOWN_S, _UNREGISTER_S = 2.0, 1.0
"""Seconds for the BYEs of a stop to be answered, and for its un-REGISTERs."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """Addresses and limits of a running user agent."""

    address: str
    build: str
    build_max_calls: int
    max_calls: int
    tls_address: str | None = None
    """``host:port`` for calls over TLS; None: no TLS."""


class UserAgent:
    """Answers calls on the bound address, places calls, and keeps the registrations.

    ``on_call`` is called on the SIP thread for each admitted call; it returns the leg's listener, which is
    then offered the call, and must only schedule work elsewhere. With None the agent takes no calls and
    registers nowhere; its accounts then only serve to call out.
    """

    def __init__(
        self,
        options: SipOptions,
        on_call: Callable[[CallLeg], LegListener] | None,
        on_failed: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_failed`` is called on the SIP thread when that thread fails: no call can be served any
        more."""
        self.options = options
        self._on_failed = on_failed
        self.times = CallbackTimes()
        self.bank: LineBank = make_bank(min(options.max_calls or build_limit(), build_limit()))
        self._reports = make_reports()
        self._new_playback = playback_maker(self._reports)
        self._on_call = on_call
        self._stop = threading.Event()
        self._started = threading.Event()
        self._failure: SipError | None = None
        self._thread = threading.Thread(target=self._run, name="sip", daemon=True)
        self._commands = Commands(self._thread)
        self._info: AgentInfo | None = None
        # The registry: SIP thread only.
        self._endpoint: Endpoint
        self._accounts = Accounts(self, options.registrations)
        self._calls: dict[int, PjCall] = {}
        self._admission = Admission(options, self._calls, self.bank, takes_calls=on_call is not None)
        self._bridges = Bridges(self._calls)
        self.call_commands = CallCommands(self._commands, self._calls, self._bridges)
        """Any thread."""
        names = set().union(*registrar_hosts(options.registrations), trunk_hosts(options.trunks))
        self._hosts = HostAddresses(names)
        self._challenges = RegistrarChallenges(options.registrations, self._hosts)
        self._securing: set[PjCall] = set()
        """Answered calls whose SRTP keys are pending."""
        self._ended: list[tuple[float, CallMedia | None, Line | None]] = []
        self._keys = itertools.count(1)

    # -- any thread

    def start(self) -> AgentInfo:
        """Start the SIP thread. Returns once an INVITE would be answered. Raises SipError."""
        self._hosts.start()
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        assert self._info is not None
        return self._info

    def stop(self) -> None:
        """Send BYE to every call, un-REGISTER, free pjsip. Waits for the SIP thread; idempotent."""
        self._hosts.stop()
        self._stop.set()
        self._thread.join()

    def drain(self) -> None:
        """Refuse further calls; open ones go on."""
        self._admission.draining = True

    @property
    def active_calls(self) -> int:
        return len(self._calls)

    def bridge_ports(self) -> int:
        """Return the ports in the conference bridge beyond its own: 0 when no call is open. Waits for the
        SIP thread, 5 s at most.
        """
        answer: queue.Queue[int] = queue.Queue(1)
        self._commands.put(lambda: answer.put(self._endpoint.bridge_ports()))
        return answer.get(timeout=5)

    def dial(
        self,
        to: str,
        on_call: Callable[[CallLeg], LegListener],
        *,
        account: str | None = None,
        caller: str | None = None,
        headers: Mapping[str, str] | None = None,
        ring_s: float | None = None,
    ) -> CallLeg:
        """Place a call, which rings for ``ring_s`` at most (None: ``dial_timeout_s``). See ``routing.route``
        for ``to`` (a SIP URI or an extension) and ``account``; ``caller`` is likewise an address, for the
        From header. ``headers`` go into the INVITE.

        ``on_call`` returns the leg's listener, here, before anything happens; it receives all that follows,
        also that the call was not placed because no slot is free. Raises ValueError for a bad address or
        account, SipError when the agent has stopped.
        """
        where = route(to, self.options.registrations, account)
        if caller is not None:
            caller = dial_uri(caller, where.domain)
        if self._stop.is_set():
            raise SipError("the user agent has stopped")
        key = next(self._keys)
        try:
            line = self.bank.open()
        except RuntimeError as error:
            raise SipError(f"no call can be placed: {error}") from error
        leg = CallLeg(
            self.call_commands,
            key,
            line,
            self._new_playback,
            caller=caller or "",
            called=where.uri,
            domain=where.domain,
            transport=where.transport,
            outgoing=True,
        )
        leg.more_headers, leg.ring_s = headers or {}, ring_s
        leg.listener = on_call(leg)
        if not self._commands.put(lambda: self._dial(leg, where, caller)):
            self.bank.release(leg.line)
            raise SipError("the SIP thread is blocked")
        return leg

    # -- SIP thread

    def _run(self) -> None:
        try:
            connections = Connections(self.options.tls_bind)
            known = (self._challenges, self._hosts, connections.certificate_names)
            self._gate = Gate(self.options, self._admission.gate_refusal, *known)
            guards = (self._gate, NameResolver(self._commands.put))
            self._endpoint = Endpoint(
                self.options, self._admission.options_state, connections, guards, self._gate.unreadable
            )
            self._endpoint.start()
            self._admission.start(self._endpoint.max_calls)
            self._accounts.open(self._endpoint, self._on_call is not None)
            host, tls_port = self.options.public_address or self._endpoint.host, self._endpoint.tls_port
            self._info = AgentInfo(
                address=f"{host}:{self._endpoint.port}",
                tls_address=None if tls_port is None else f"{host}:{tls_port}",
                build=build_name(self._endpoint.version),
                build_max_calls=self._endpoint.build_max_calls,
                max_calls=self._endpoint.max_calls,
            )
        except Exception as error:
            # Whatever it is, start() waits for it.
            self._failure = error if isinstance(error, SipError) else SipError(f"pjsip: {reason_of(error)}")
            if hasattr(self, "_endpoint"):
                self._accounts.close()
                self._endpoint.destroy()
            self._started.set()
            return
        self._started.set()
        try:
            self._loop()
        except Exception:
            log.critical("sip_thread_failed", exc_info=True, remedy="the process ends; start it again")
            self._on_failed()
        finally:
            self._shut_down()

    def _loop(self) -> None:
        next_check = time.monotonic() + 1
        while not self._stop.is_set():
            self._turn()
            now = time.monotonic()
            for call in tuple(self._securing):
                call.check_keys(now)
            if now >= next_check:
                next_check = now + 1
                self._supervise_all(now)

    def _turn(self) -> None:
        self._endpoint.handle_events(_POLL_MS)
        self._commands.run()
        if self._reports is not None:
            self._reports.deliver()
        while self._ended and time.monotonic() - self._ended[0][0] > _GRACE_S:
            self._free_ended()

    def _free_ended(self) -> None:
        _, ports, line = self._ended.pop(0)
        if ports is not None:
            ports.free()
        if line is not None:
            self.bank.release(line)

    def _supervise_all(self, now: float) -> None:
        self._endpoint.supervise()
        self._accounts.retry(now)
        for call in tuple(self._calls.values()):
            try:
                call.supervise(now, self.options)
            except Exception:
                log.exception("call_supervision_failed", call=call.call_id)

    def incoming(self, account: PjAccount, call_index: int, rdata: int) -> None:
        """Admit or refuse an INVITE."""
        # pjsua2 aborts the process when the call ends inside this callback (on the stock wheel).
        with self._commands.postponed():
            self._incoming(account, call_index, rdata)

    def _incoming(self, account: PjAccount, call_index: int, rdata: int) -> None:
        call = PjCall(account, self, call_index)
        packet, peer = self._gate.sender(rdata)
        message = read(packet.data)
        headers = Headers(message)
        call.call_id = readable(message.call_id)
        transport = self._endpoint.connections.transport_of(rdata)
        call.keying.hidden = keys_are_hidden(self.options, transport)
        if refusal := self._admission.refusal(call_index, transport, message):
            self._commands.put(functools.partial(self._admission.refuse, call, *refusal))
            return
        assert self._on_call is not None
        leg = CallLeg(
            self.call_commands,
            next(self._keys),
            self.bank.open(),
            self._new_playback,
            call_id=call.call_id,
            caller=headers.get("from", ""),
            called=headers.get("to", ""),
            request_uri=readable(message.request_uri),
            # Not what Contact says: a stranger would have us call where they like.
            domain=account.domain or (domain_at(packet.host, packet.port, transport) if peer.trusted else ""),
            transport=transport,
            headers=headers,
            peer=peer.name,
            verified=peer.trusted,
            account=account.name if account.domain and peer.trusted else "",
        )
        self._keep(call, leg)
        try:
            leg.listener = self._on_call(leg)
            leg.listener.offered()
        except Exception:
            log.exception("call_not_accepted", call=call.call_id)
            self._commands.put(lambda: call.end("failed", 500))

    def _dial(self, leg: CallLeg, where: Route, caller: str | None) -> None:
        reason = "shutdown" if self._stop.is_set() else self._admission.refusal_reason()
        if reason is None:
            try:
                self._endpoint.ready_for(where)
            except SipError as error:
                reason, leg.phrase = "failed", str(error)
        if reason is not None:
            log.warning("call_not_placed", uri=where.uri, reason=leg.phrase or reason, calls=len(self._calls))
            self.bank.release(leg.line)
            leg.report_not_placed(reason)
            return
        call = PjCall(self._accounts[where.account], self)
        call.keying.hidden = keys_are_hidden(self.options, leg.transport)
        self._keep(call, leg)
        leg.caller = leg.caller or self._accounts[where.account].uri
        call.dial(where.uri, caller)

    def _keep(self, call: PjCall, leg: CallLeg) -> None:
        call.leg, call.key = leg, leg.key
        self._calls[leg.key] = call

    def securing(self, call: PjCall, pending: bool) -> None:
        """Poll the call for its keys until it has them."""
        (self._securing.add if pending else self._securing.discard)(call)

    def media_changed(self, call: PjCall) -> None:
        self._bridges.stream_changed(call.key)

    def call_ended(self, call: PjCall, ports: CallMedia | None, line: Line | None) -> None:
        """Remove a call from the registry; its ports and line are freed a little later, on this thread."""
        self._admission.forget(call)
        self._securing.discard(call)
        self._bridges.ended(call.key)
        if call.key is not None:
            self._calls.pop(call.key, None)
        self._ended.append((time.monotonic(), ports, line))

    def _shut_down(self) -> None:
        self._leave()
        began = time.monotonic()
        while time.monotonic() < began + _SHUTDOWN_S and (
            self._calls or self._ended or self._admission.slots_taken()
        ):
            self._turn()
        while time.monotonic() < began + _UNREGISTER_S and self._accounts.unregistering:
            self._turn()
        while self._ended:
            self._free_ended()
        self._calls.clear()
        self._admission.clear()
        self._securing.clear()
        self._accounts.close()
        # Nothing of pjsua2 may outlive this: no local variable above holds a call or an account.
        self._endpoint.destroy()

    def _leave(self) -> None:
        for call in tuple(self._calls.values()):
            call.end(call.end_reason or "shutdown", 503)
        self._accounts.unregister()
