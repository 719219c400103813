"""``ivr doctor``: checks everything that a call needs; one line per finding, a remedy per fault."""

import asyncio
import contextlib
import importlib.util
import ipaddress
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.modelstore import ModelMissing, ModelStore, cache_root
from ivr.service.config.capabilities import LOCAL_ENGINES
from ivr.service.config.options import EngineOptions, VadOptions
from ivr.service.config.settings import Settings
from ivr.service.ports import bind_error, listeners
from ivr.service.workers.options import MIN_RTP_PORTS, worker_sip_options
from ivr.sip.capacity import PORTS_PER_CALL, Capacity
from ivr.sip.errors import SipError
from ivr.sip.options import SipOptions, parse_bind, parse_ports
from ivr.sip.pjsip.probe import Build
from ivr.sip.security.certificates import check_certificate
from ivr.sip.security.check import Security, check_bind, check_security
from ivr.speech import registry
from ivr.speech.base import SpeechError
from ivr.vad.registry import create_vad

PROBE_TIMEOUT_S = 20.0
ENGINE_TIMEOUT_S = 60.0
SUBJECT = 16
"""Columns of the name of what was checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["ok", "warn", "FAIL"]
    subject: str
    text: str
    remedy: str = ""

    def line(self) -> str:
        remedy = f"\n{'':6}{'':{SUBJECT}}-> {self.remedy}" if self.remedy else ""
        return f"{self.level:<6}{self.subject:<{SUBJECT}}{self.text}{remedy}"


def run(settings: Settings, out: Callable[[str], None] = print) -> int:
    """Print every finding as soon as it is known. Returns the exit code: 1 when one is a fault, else 0."""
    faults = 0
    for finding in examine(settings):
        faults += finding.level == "FAIL"
        out(finding.line())
    if faults:
        out(f"{faults} fault{'s' if faults > 1 else ''}")
    return 1 if faults else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield the findings in the order in which a call needs the things."""
    yield python_finding()
    build, finding = pjsua_finding()
    yield finding
    if build is not None:
        yield security_finding(settings.sip, build.security)
        yield bind_finding(settings.sip, build.security)
    yield from model_findings(settings)
    yield cache_finding()
    yield from port_findings(settings, build.max_calls if build is not None else None)
    yield address_finding(settings)
    for kind, engines in settings.engines.items():
        yield from engine_findings(kind, engines)


def python_finding() -> Finding:
    version = f"{platform.python_version()} ({sys.executable})"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("ok", "python", version)
    return Finding("FAIL", "python", version, "use Python 3.11, 3.12 or 3.13")


def pjsua_finding() -> tuple[Build | None, Finding]:
    """Return the build, or None when it cannot be loaded, and the finding.

    It is loaded in a process of its own, since a broken build can end the process.
    """
    remedy = "run `make carrier`, which builds PJSUA2 for this Python"
    if sys.version_info < (3, 13):
        remedy = "run `make install`, or `make carrier` for the build with more calls and TLS"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ivr.sip.pjsip.probe"],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        build = Build.from_json(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return None, Finding("FAIL", "pjsua2", f"did not load in {PROBE_TIMEOUT_S:.0f} s", remedy)
    except (OSError, ValueError, LookupError, TypeError):
        lines = done.stderr.strip().splitlines() if "done" in locals() else []
        reason = lines[-1] if lines else "it ended with no answer"
        return None, Finding("FAIL", "pjsua2", f"cannot be loaded: {reason}", remedy)
    limit = build.max_calls
    served = f"{limit - 1} served, one reserved for rejecting excess calls"
    return build, Finding("ok", "pjsua2", f"{build.version}, compiled for {limit} calls: {served}")


def security_finding(sip: SipOptions, build: Security) -> Finding:
    """Check that the build can encrypt as the settings ask, and that the files are right."""
    try:
        check_security(sip, build)
    except SipError as error:
        text, _, remedy = str(error).partition("; ")
        return Finding("FAIL", "encryption", text, remedy)
    srtp = f"SRTP by {' and '.join(each.upper() for each in build.keyings)}, {sip.srtp}"
    if not build.tls:
        text = f"{srtp}; no TLS: {build.openssl or 'no OpenSSL'} is out of support"
        return Finding("ok", "encryption", text)
    text = f"{srtp}; TLS by {build.openssl}"
    if sip.tls_certificate_file is None:
        return Finding("ok", "encryption", f"{text}, no certificate")
    own = check_certificate(sip.tls_certificate_file, sip.tls_key_file or sip.tls_certificate_file)
    if own.ends_soon:
        return Finding("warn", "encryption", f"{text}, certificate {own.text}", "renew it in time")
    return Finding("ok", "encryption", f"{text}, certificate {own.text}")


def bind_finding(sip: SipOptions, build: Security) -> Finding:
    """Check that the build may listen where SIP is bound, and reaches the registrars from there."""
    try:
        check_bind(sip, build)
    except SipError as error:
        text, _, remedy = str(error).partition("; ")
        return Finding("FAIL", "bind", text, remedy)
    return Finding("ok", "bind", sip.bind)


def model_findings(settings: Settings) -> Iterator[Finding]:
    """Check the models that the settings use: those of the cache, and files of your own."""
    store = ModelStore()
    needed = []
    for engines in settings.engines.values():
        for name in engines.order:
            own = engines.of(name).get("model")
            if name in LOCAL_ENGINES and own is None:
                needed.append(LOCAL_ENGINES[name][1])
            elif isinstance(own, Path):
                yield _own_model(name, own)
    if settings.vad.model is None:
        needed.insert(0, "silero")
    else:
        yield _own_detector(settings.vad, settings.vad.model)
    for name in needed:
        try:
            yield Finding("ok", "model", f"{name}: {store.path(name)}")
        except ModelMissing as error:
            detail = str(error).split("; run")[0].removeprefix("model ")
            yield Finding("FAIL", "model", detail, f"ivr models fetch {name}")


def _own_model(user: str, path: Path) -> Finding:
    if os.access(path, os.R_OK):
        return Finding("ok", f"model {user}", str(path))
    return Finding("FAIL", f"model {user}", f"{path} cannot be read", "correct `model` in the settings")


def _own_detector(vad: VadOptions, path: Path) -> Finding:
    """Load a detector of your own as ``ivr serve`` does."""
    try:
        create_vad(vad.name, **vad.keywords()).close()
    except Exception as error:  # a detector of someone else's may raise what it likes
        return Finding("FAIL", "model vad", str(error), "correct `model` in [vad] of the settings")
    return Finding("ok", "model vad", f"{path} loads")


def cache_finding() -> Finding:
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        remedy = "make it writable, or set IVR_CACHE_DIR to a folder that is"
        return Finding("FAIL", "cache", f"{root}: {error.strerror}", remedy)
    return Finding("ok", "cache", f"{root} (models, prompts)")


def port_findings(settings: Settings, max_calls: int | None) -> Iterator[Finding]:
    """Check the SIP ports and the RTP range of each worker; they are bound for a moment. ``max_calls`` is
    what the build was compiled for, if that is known.
    """
    count = settings.workers.count
    try:
        shares = [worker_sip_options(settings.sip, index, count) for index in range(count)] or [settings.sip]
    except ValueError as error:
        yield Finding("FAIL", "workers", str(error), "fewer workers, or other ports")
        return
    for index, sip in enumerate(shares):
        of = f" {index}" if count else ""
        for name, bind, kind, setting in listeners(sip):
            taken = bind_error(*parse_bind(bind), kind, setting)
            if taken is None:
                yield Finding("ok", f"SIP {name}{of}", f"{bind} is free")
            else:
                yield Finding("FAIL", f"SIP {name}{of}", f"{bind}: {taken.text}", taken.remedy)
        yield rtp_finding(sip, max_calls, f"RTP{of}")


def rtp_finding(sip: SipOptions, max_calls: int | None, subject: str = "RTP") -> Finding:
    """Return how many calls fit into the free RTP ports and the build (``Capacity``)."""
    host, _ = parse_bind(sip.bind)
    first, last = parse_ports(sip.rtp_ports)
    busy = sum(bind_error(host, port, socket.SOCK_DGRAM) is not None for port in range(first, last + 1))
    free = last - first + 1 - busy
    # A build that cannot be asked is a finding of its own, and no limit here.
    capacity = Capacity(max_calls or free // PORTS_PER_CALL, free, sip.max_calls)
    calls = f"{capacity.calls} call{'s' if capacity.calls > 1 else ''} at once"
    text = f"{free} ports of {first}-{last} are free: {calls}"
    wider = "choose another range with --rtp-ports FIRST-LAST, two ports a call"
    if free < MIN_RTP_PORTS:
        return Finding("FAIL", subject, f"{free} ports of {first}-{last} are free, too few for a call", wider)
    if sip.max_calls is not None and capacity.calls < sip.max_calls:
        remedy = wider if capacity.limited_by_ports else "lower sip.max_calls, or `make carrier`"
        return Finding("FAIL", subject, f"{text}; sip.max_calls asks for {sip.max_calls}", remedy)
    if capacity.limited_by_ports:
        whole = capacity.range_for_build(first)
        remedy = f"--rtp-ports {whole} for all that the build holds" if whole else wider
        return Finding("warn", subject, f"{text}; this build holds {capacity.by_build}", remedy)
    return Finding("warn" if busy else "ok", subject, text, wider if busy else "")


def address_finding(settings: Settings) -> Finding:
    """Return the finding for the address that phones are given for SIP and sound."""
    host = settings.bind[0]
    if settings.sip.public_address:
        return Finding("ok", "address", f"{settings.sip.public_address} is advertised (public_address)")
    with contextlib.suppress(ValueError):
        if not ipaddress.ip_address(host).is_unspecified:
            return _judged(host, "the address bound to")
    own = _default_address()
    if own is None:
        remedy = "set --public-address to the address phones can reach"
        return Finding("warn", "address", "no network route: only this machine can dial in", remedy)
    return _judged(own, "the default route's")


def _judged(address: str, why: str) -> Finding:
    text = f"{address} is advertised ({why})"
    kind = ipaddress.ip_address(address)
    if kind.is_loopback:
        return Finding("warn", "address", f"{text}: only this machine can dial in", "bind to another address")
    if kind.is_private:
        text += "; it is private: for phones beyond NAT set --public-address"
    return Finding("ok", "address", text)


def _default_address() -> str | None:
    """Return the address of the default route, or None. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address (RFC 5737)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def engine_findings(kind: str, engines: EngineOptions) -> Iterator[Finding]:
    """Start each engine as a call does; an online one is also asked for its list of models."""
    for place, name in enumerate(engines.order):
        subject = f"{kind} {name}"
        role = "first choice" if place == 0 else "fallback"
        package = LOCAL_ENGINES.get(name, ("", ""))[0]
        if package and importlib.util.find_spec(package) is None:
            remedy = "pip install 'interruptible-ivr[local]', or choose another engine in the settings"
            yield Finding("FAIL", subject, f"the package {package} is not installed", remedy)
            continue
        try:
            detail = asyncio.run(_try_engine(kind, name, engines))
        except TimeoutError:
            yield Finding("FAIL", subject, f"did not start in {ENGINE_TIMEOUT_S:.0f} s", "see the log")
        except (SpeechError, ModelMissing, ValueError, TypeError, OSError) as error:
            if "HTTP 404" in str(error):
                # Somebody answers; not every compatible server can list its models.
                remedy = "a base_url usually ends with /v1"
                yield Finding("warn", subject, f"the server answers, but lists no models: {error}", remedy)
            else:
                yield Finding("FAIL", subject, str(error), _remedy(name, error))
        else:
            yield Finding("ok", subject, f"{role}: {detail}")


async def _try_engine(kind: str, name: str, engines: EngineOptions) -> str:
    engine = registry.KINDS[kind].create(name, **engines.of(name))
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(ENGINE_TIMEOUT_S):
            await engine.start()
            check = getattr(engine, "check", None)
            if check is not None:
                return str(await check())
    finally:
        await engine.aclose()
    return f"started in {asyncio.get_running_loop().time() - began:.1f} s"


def _remedy(name: str, error: Exception) -> str:
    if isinstance(error, ModelMissing):
        return f"ivr models fetch {error.name}"
    if name == "openai":
        return "set OPENAI_API_KEY or api_key_file, and base_url for a server of your own"
    return "correct the engine's options in the settings, or choose another engine"
