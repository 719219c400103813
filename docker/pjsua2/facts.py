"""What the installed ``pjsua2`` can do, as JSON: asked of the running library, not of its version.

``python facts.py`` prints the facts. ``python facts.py --carrier`` also ends with an error, and says what is
missing, when they are not those of a carrier build. Needs the standard library and ``pjsua2``; listens on
loopback for a moment.
"""

import ctypes
import json
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pjsua2 as pj

C_FUNCTIONS = (
    "pjmedia_sdp_print",
    "pj_pool_release",
    "pjsip_endpt_create_response",
    "pjsip_endpt_register_module",
    "pjsip_endpt_respond_stateless",
    "pjsip_generic_string_hdr_create",
    "pjsip_rx_data_get_info",
    "pjsip_tsx_send_msg",
    "pjsua_enum_calls",
    "pjsua_get_pjsip_endpt",
    "pjsua_pool_create",
)
"""What the service calls past pjsua2: the extension must let it be found."""
PORTS_IN_C = ("LinePort", "LinePlayback", "Reports")


def loaded(name: str) -> str:
    """File name of the shared library ``name`` that this process has loaded; empty when none."""
    found = re.search(rf"/(lib{name}[^/\s]*\.so[^/\s]*)$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def descriptors() -> list[str]:
    """What the open file descriptors of this process are."""
    out = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            out.append(os.readlink(entry))  # noqa: PTH115
        except OSError:
            continue  # the one that listed the folder
    return out


def buffers() -> dict[str, Any]:
    """Do the fast buffer calls copy, and raise what is wrong with their arguments?"""
    vector, out = pj.ByteVector(), bytearray(256)
    vector.assign_from_bytes(bytes(range(256)))
    vector.copy_to_bytearray(out)
    facts: dict[str, Any] = {"copied": out == bytes(range(256))}
    wrong = {
        "too_small": lambda: vector.copy_to_bytearray(bytearray(255)),
        "no_bytes": lambda: vector.assign_from_bytes("text"),
    }
    for name, call in wrong.items():
        try:
            call()
            facts[name] = "nothing"
        except Exception as error:
            facts[name] = type(error).__name__
    return facts


def frames(seconds: float) -> float:
    """Frames a second that Python can write and read as a media port does."""
    frame, vector, pcm, out = pj.MediaFrame(), pj.ByteVector(), bytes(320), bytearray(320)
    count = 0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        vector.assign_from_bytes(pcm)
        frame.buf = vector
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf.copy_to_bytearray(out)
        count += 1
    return count / seconds


def frames_beside() -> float:
    """The same beside a thread that computes: a call that lets go of the GIL waits 200 ms for it."""
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            pass

    other = threading.Thread(target=compute)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.2)
    other.start()
    try:
        return frames(1.2)
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        other.join()


def gather() -> dict[str, Any]:
    """Starts an endpoint with UDP and TLS on loopback and looks at it."""
    config = pj.EpConfig()
    facts: dict[str, Any] = {
        "max_calls": config.uaConfig.maxCalls,
        "max_ports": config.medConfig.maxMediaPorts,
        "fast_buffers": {"copy_to_bytearray", "assign_from_bytes"} <= set(dir(pj.ByteVector)),
    }
    library = ctypes.CDLL(pj._pjsua2.__file__)
    facts["ports_in_c"] = all(hasattr(pj, name) for name in PORTS_IN_C)
    facts["c_functions"] = all(hasattr(library, name) for name in C_FUNCTIONS)
    if facts["fast_buffers"]:
        facts |= {"buffers": buffers(), "frames_alone": frames(0.2), "frames_beside": frames_beside()}
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = config.logConfig.consoleLevel = 0
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    try:
        endpoint.libInit(config)
        facts["version"] = endpoint.libVersion().full
        facts["epoll"] = "anon_inode:[eventpoll]" in descriptors()
        endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.boundAddress = "127.0.0.1"
        for name, kind in ("udp", pj.PJSIP_TRANSPORT_UDP), ("tls", pj.PJSIP_TRANSPORT_TLS):
            try:
                endpoint.transportCreate(kind, transport)
                facts[name] = True
            except pj.Error as error:
                facts[name] = False
                facts[f"{name}_error"] = error.reason
        endpoint.libStart()
        facts["codecs"] = sorted(codec.codecId for codec in endpoint.codecEnum2())
        facts["srtp"] = list(endpoint.srtpCryptoEnum())
        facts["tls_ciphers"] = len(endpoint.utilSslGetAvailableCiphers()) if facts["tls"] else 0
        facts["libssl"] = loaded("ssl")
        facts["libsrtp"] = loaded("srtp2")
        facts["libopus"] = loaded("opus")
    finally:
        endpoint.libDestroy()
    return facts


def shortcomings(facts: dict[str, Any]) -> list[str]:
    """What keeps the build from being a carrier build; empty when nothing does."""
    codecs = " ".join(facts["codecs"]).lower()
    calls, ports, libssl = facts["max_calls"], facts["max_ports"], facts["libssl"]
    wanted = {
        f"{calls} calls; at least 1000 are wanted": calls >= 1000,
        f"{ports} bridge ports; three a call are needed": ports > 3 * calls,
        "the event queue is not epoll": facts["epoll"],
        "no copy_to_bytearray and assign_from_bytes": facts["fast_buffers"],
        "pjsip's C functions are hidden": facts["c_functions"],
        f"no {', '.join(PORTS_IN_C)}": facts["ports_in_c"],
        "no Opus": "opus/48000" in codecs,
        "no G.722": "g722/16000" in codecs,
        "no G.711": "pcmu/8000" in codecs and "pcma/8000" in codecs,
        f"no TLS: {facts.get('tls_error')}": facts["tls"] and facts["tls_ciphers"] > 0,
        f"OpenSSL is {libssl or 'not loaded'}; 3 is wanted": libssl.startswith("libssl.so.3"),
        "no SRTP with AES_CM_128_HMAC_SHA1_80": "AES_CM_128_HMAC_SHA1_80" in facts["srtp"],
    }
    return [what for what, there in wanted.items() if not there]


if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(2, 1)  # pjlib's first lines go to the standard output
    known = gather()
    os.write(out, (json.dumps(known, indent=1) + "\n").encode())
    if "--carrier" in sys.argv[1:] and (missing := shortcomings(known)):
        sys.exit("not a carrier build: " + "; ".join(missing))
