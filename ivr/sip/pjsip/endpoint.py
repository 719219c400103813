"""The pjsua2 endpoint: the configuration of pjsip before its first packet. SIP thread only."""

import contextlib
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pjsua2 as pj
import structlog

from ivr.audio.frames import FRAME_MS, LINE_RATE
from ivr.sip.capacity import Capacity
from ivr.sip.errors import SipError
from ivr.sip.gate import stranger_socket
from ivr.sip.gate.raw_message import read_text
from ivr.sip.message import readable
from ivr.sip.options import CODECS, Registration, SipOptions, parse_bind, parse_ports, password_of
from ivr.sip.pjsip.media import NATIVE
from ivr.sip.pjsip.native import options_requests, unhandled_requests
from ivr.sip.pjsip.tls import KEYINGS, SRTP_USE, Connections, TlsTransports, build_security
from ivr.sip.routing import Route
from ivr.sip.security.check import check_call
from ivr.sip.security.srtp import refusal
from ivr.text import clean_text

log = structlog.get_logger("ivr.sip")


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Discard file descriptor 1 meanwhile: libCreate prints to it before its log can be configured."""
    sys.stdout.flush()
    saved = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(null)


_DROPPED = re.compile(
    r"(?:\S+\s+){0,2}[\s.>]*(?:Dropping|Error processing) (?:\d+ bytes )?packet from (?:\S+ )?([\d.]+):(\d+)"
)
"""What pjsip logs about a packet that it could not parse, or that lacks a header. Only
the beginning of a line counts, after the time and the file: other lines have text of the network in them."""


class _LogWriter(pj.LogWriter):  # type: ignore[misc]
    """Reads pjsip's own log: packets that it dropped are counted, the rest goes to ours at level debug."""

    def __init__(self, unreadable: Callable[[str, int], None]) -> None:
        super().__init__()
        self._unreadable = unreadable

    def write(self, entry: Any) -> None:
        try:
            dropped = _DROPPED.match(entry.msg)
            if dropped is not None:
                self._unreadable(dropped[1], int(dropped[2]))
            else:
                log.debug("pjsip", text=clean_text(entry.msg).strip())
        except Exception:
            log.exception("pjsip_log_failed")


def failure_of(call: Callable[..., object], *args: object) -> str | None:
    """Make a pjsua2 call. Returns the reason when it fails.

    Not chained to an exception of ours: the traceback of a ``pj.Error`` keeps pjsua2 objects alive on
    whatever thread looks at it.
    """
    try:
        call(*args)
    except pj.Error as error:
        return reason_of(error)
    return None


def reason_of(error: Exception) -> str:
    """The reason that pjsua2 gives for an error; the text of an exception that is not pjsua2's."""
    return str(error.reason if isinstance(error, pj.Error) else error)


class _Endpoint(pj.Endpoint):  # type: ignore[misc]
    def __init__(self, options: SipOptions, connections: Connections) -> None:
        super().__init__()
        self._options = options
        self._connections = connections

    def onTransportState(self, prm: Any) -> None:
        try:
            self._connections.changed(prm)
        except Exception:
            log.exception("transport_callback_failed")

    def onRejectedIncomingCall(self, prm: Any) -> None:
        """Log a call that pjsua has refused by itself."""
        try:
            text = prm.rdata.wholeMsg
            message = read_text(text)
            transport = self._connections.transport_of(int(prm.rdata.pjRxData)) if text else ""
            reason = refusal(self._options, transport, message.body) if prm.statusCode == 488 else None
            log.warning(
                "call_refused",
                call=readable(message.call_id),
                status=prm.statusCode,
                reason=reason or prm.reason or "pjsip refused it",
                transport=transport,
            )
        except Exception:
            log.exception("rejection_callback_failed")


class PjsipPart(Protocol):
    """Something of ours inside pjsip."""

    def register(self) -> None:
        """Raises SipError."""

    def supervise(self) -> None:
        """Called once a second."""

    def close(self) -> None:
        """Called before pjsip is gone."""


class Endpoint:
    """Creates, configures and destroys the one pj.Endpoint of the process."""

    def __init__(
        self,
        options: SipOptions,
        options_state: Callable[[], tuple[int, dict[str, str]]],
        connections: Connections,
        guards: Sequence[PjsipPart],
        unreadable: Callable[[str, int], None],
    ) -> None:
        """``options_state`` gives status and headers of the answer to an OPTIONS request. ``guards`` are
        registered before the first packet is read. ``unreadable`` is called with the address and port that
        sent what pjsip could not parse."""
        self.options = options
        try:
            self.host, self.port = parse_bind(options.bind)
        except ValueError as error:
            raise SipError(f"bind: {options.bind!r} {error}") from None
        try:
            self.rtp_first, self.rtp_last = parse_ports(options.rtp_ports)
        except ValueError as error:
            raise SipError(f"rtp_ports: {options.rtp_ports!r} {error}") from None
        self.tls_port: int | None = None
        if options.tls_bind is not None:
            try:
                self._tls_host, self.tls_port = parse_bind(options.tls_bind)
            except ValueError as error:
                raise SipError(f"tls_bind: {options.tls_bind!r} {error}") from None
        self.tls = TlsTransports(options)
        self.connections, self._guards = connections, guards
        self.ep = _Endpoint(options, self.connections)
        self.build_max_calls = 0
        self.max_calls = 0
        self._unreadable = unreadable
        self._writer: _LogWriter | None = None
        self._modules = (options_requests(options_state), unhandled_requests())

    def start(self) -> None:
        """Raises SipError (port taken, bad address)."""
        with _quiet_stdout():
            self.ep.libCreate()
        self._configure()
        for kind, name in ((pj.PJSIP_TRANSPORT_UDP, "UDP"), (pj.PJSIP_TRANSPORT_TCP, "TCP")):
            config = self._transport(self.port)
            if name == "UDP" and stranger_socket.SUPPORTED:
                option = pj.SockOpt()
                option.level, option.optName = socket.SOL_SOCKET, socket.SO_REUSEPORT
                option.setOptValInt(1)
                config.sockOptParams.sockOpts.append(option)
            self._listen(kind, config, f"{name} {self.options.bind}", "--bind")
        if any(each.over_tls for each in self.options.registrations):
            self._connect_tls()
        self._listen_tls()
        self.ep.audDevManager().setNullDev()
        for codec in self.ep.codecEnum2():
            self.ep.codecSetPriority(codec.codecId, CODECS.get(codec.codecId.rsplit("/", 1)[0], 0))
        self.ep.libStart()
        for guard in self._guards:
            guard.register()
        for module in self._modules:
            module.register()

    def _listen(self, kind: int, config: pj.TransportConfig, where: str, setting: str) -> int:
        """pjsua's number of the new transport."""
        made: list[int] = []
        reason = failure_of(lambda: made.append(self.ep.transportCreate(kind, config)))
        if reason is not None:
            raise SipError(
                f"cannot listen on {where}: {reason}. "
                f"Is another SIP server running there? Choose another {setting}."
            )
        return made[0]

    @property
    def version(self) -> str:
        """The version of pjsip, as it says it itself."""
        return str(self.ep.libVersion().full)

    def handle_events(self, timeout_ms: int) -> None:
        """Run pjsip's timers and read what has arrived; wait ``timeout_ms`` at most."""
        self.ep.libHandleEvents(timeout_ms)

    def bridge_ports(self) -> int:
        """Return the ports in the conference bridge beyond its own."""
        return len(self.ep.mediaEnumPorts2()) - 1

    def ready_for(self, where: Route) -> None:
        """Open the transport that a call there needs. Raises SipError when the settings do not allow the
        call."""
        check_call(self.options, build_security(), where.uri, where.transport)
        if where.transport == "tls" and self.tls.client_id < 0:
            self._connect_tls()
            self._listen_tls_again()

    def _connect_tls(self) -> None:
        """Open the transport for connections before the listener (which is closed for that): pjsip connects
        with the first TLS transport that it finds.
        """
        self.tls.trust_servers()
        self._close_tls()
        config = self.tls.settings(self._transport(0), client=True)
        self.tls.client_id = self._listen(pj.PJSIP_TRANSPORT_TLS, config, f"TLS {self.host}", "--bind")

    def _close_tls(self) -> None:
        """Close the listener; connections stay open."""
        if self.tls.listener_id >= 0:
            failure_of(self.ep.transportClose, self.tls.listener_id)
            self.tls.listener_id = -1

    def _listen_tls(self) -> None:
        if self.tls_port is not None and self.tls.listener_id < 0:
            config = self.tls.settings(self._transport(self.tls_port, host=self._tls_host), client=False)
            where = f"TLS {self.options.tls_bind}"
            self.tls.listener_id = self._listen(pj.PJSIP_TRANSPORT_TLS, config, where, "sip.tls_bind")

    def supervise(self) -> None:
        """Called once a second: listen again with a renewed certificate; open connections stay."""
        for guard in self._guards:
            guard.supervise()
        if self.tls.renewed():
            self._close_tls()
        self._listen_tls_again()

    def _listen_tls_again(self) -> None:
        try:
            self._listen_tls()
        except SipError as error:
            log.error("tls_not_listening", error=str(error), remedy="another attempt follows every second")

    def _configure(self) -> None:
        config = pj.EpConfig()
        self.build_max_calls = int(config.uaConfig.maxCalls)
        ports = self.rtp_last - self.rtp_first + 1
        capacity = Capacity(self.build_max_calls, ports, self.options.max_calls)
        self.max_calls = capacity.calls
        if self.options.max_calls and self.options.max_calls > self.max_calls:
            log.warning(
                "max_calls_reduced",
                requested=self.options.max_calls,
                possible=self.max_calls,
                build=self.build_max_calls,
                remedy="a build of PJSUA2 with more calls, or a wider rtp_ports range",
            )
        elif capacity.limited_by_ports:
            log.info(
                "calls_limited_by_rtp_ports",
                calls=self.max_calls,
                rtp_ports=self.options.rtp_ports,
                possible=capacity.by_build,
                remedy=f"rtp_ports {capacity.range_for_build(self.rtp_first) or 'from a lower port on'} "
                "for all that this build holds",
            )
        ua = config.uaConfig
        ua.maxCalls = self.max_calls + 1
        ua.threadCnt = 0
        ua.mainThreadOnly = True
        ua.userAgent = self.options.user_agent
        media = config.medConfig
        media.clockRate = media.sndClockRate = LINE_RATE
        media.audioFramePtime = FRAME_MS
        media.channelCount = 1
        media.noVad = True  # RTP keeps flowing while nothing is said
        media.ecTailLen = 0
        media.maxMediaPorts = max(254, 4 * (self.max_calls + 1) + 8)
        self._writer = _LogWriter(self._unreadable)
        config.logConfig.writer = self._writer
        config.logConfig.level = 2
        config.logConfig.consoleLevel = 2  # of the writer too; nothing is printed beside it
        config.logConfig.msgLogging = 0
        self.ep.libInit(config)

    def _transport(self, port: int, port_range: int = 0, host: str | None = None) -> pj.TransportConfig:
        host = host or self.host
        config = pj.TransportConfig()
        config.port = port
        config.portRange = port_range
        config.randomizePort = self.options.random_rtp_start
        if host != "0.0.0.0":
            config.boundAddress = host
        if self.options.public_address:
            config.publicAddress = self.options.public_address
        return config

    def account_config(self, registration: Registration | None = None) -> pj.AccountConfig:
        """The settings of an account: the local one that takes calls from anybody, or a registration."""
        config = pj.AccountConfig()
        config.idUri = f"sip:ivr@{self._own_host()}:{self.port}"
        # Media has an address of its own; without it the SDP names the machine's first address.
        config.mediaConfig.transportConfig = self._transport(self.rtp_first, self.rtp_last - self.rtp_first)
        # The carrier build hears any codec that was agreed on; another asks the callee to keep to one.
        config.mediaConfig.lockCodecEnabled = not NATIVE
        config.mediaConfig.srtpUse = SRTP_USE[self.options.srtp]
        config.mediaConfig.srtpSecureSignaling = 0  # security/srtp.py decides more finely
        there = build_security().keyings
        config.mediaConfig.srtpOpt.keyings = pj.IntVector(
            [KEYINGS[name] for name in self.options.srtp_keying if name in there]
        )
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
        config.callConfig.timerSessExpiresSec = self.options.session_expires_s
        config.callConfig.prackUse = pj.PJSUA_100REL_OPTIONAL
        config.natConfig.contactRewriteUse = 0
        config.natConfig.sipOutboundUse = 0
        if registration is not None:
            self._registration(config, registration)
            if registration.over_tls:
                config.sipConfig.transportId = self.tls.client_id
        return config

    def _own_host(self) -> str:
        """Return the host for our From and Contact; pjsip's choice when bound to all addresses."""
        if self.options.public_address or self.host != "0.0.0.0":
            return self.options.public_address or self.host
        return str(self.ep.transportGetInfo(0).localName).rpartition(":")[0]

    @staticmethod
    def _registration(config: pj.AccountConfig, registration: Registration) -> None:
        registrar = registration.registrar
        uri = registrar if registrar.startswith(("sip:", "sips:")) else f"sip:{registrar}"
        domain = uri.split(":", 1)[1].split(";", 1)[0]
        config.idUri = f"sip:{registration.user}@{domain}"
        config.regConfig.registrarUri = uri
        config.regConfig.timeoutSec = registration.expires_s
        config.regConfig.retryIntervalSec = registration.retry_s
        config.regConfig.firstRetryIntervalSec = registration.retry_s
        # So that a PBX that comes back is not asked by everybody at once.
        config.regConfig.randomRetryIntervalSec = (registration.retry_s + 1) // 2
        config.sipConfig.authCreds.append(
            pj.AuthCredInfo("digest", registration.realm, registration.user, 0, _password(registration))
        )
        if registration.outbound_proxy:
            proxy = registration.outbound_proxy
            config.sipConfig.proxies.append(proxy if proxy.startswith("sip") else f"sip:{proxy};lr")

    def destroy(self) -> None:
        """Free pjsip. The pj.Endpoint goes too: a process may have one at a time, and an exception's
        traceback could keep this object alive.
        """
        for guard in self._guards:
            guard.close()
        try:
            # Whoever stops has waited for all answers that matter; pjsua would wait another second.
            self.ep.libDestroy(pj.PJSUA_DESTROY_NO_RX_MSG)
        except pj.Error as error:
            log.error("pjsip_destroy_failed", error=error.reason)
        del self.ep
        self._writer = None
        self.tls.close()


def _password(registration: Registration) -> str:
    try:
        return password_of(registration)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SipError(
            f"registration {registration.user}: password_file {registration.password_file}: {reason}"
        ) from error
