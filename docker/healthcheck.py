#!/usr/bin/env python3
"""Is the service there? One OPTIONS over UDP (RFC 3261, 11). The image's health check; needs only Python.

    healthcheck.py [--accepting] [HOST:PORT]

HOST:PORT is that of $IVR_SIP__BIND unless given. Exit code 0: healthy, 1: not. A service that is full or
draining answers 503: it takes no new call, but it is healthy, and whoever restarts it for that ends the
calls it has. With --accepting only 200 will do: may it be sent calls?
"""

import argparse
import os
import secrets
import socket
import sys
import time
from dataclasses import dataclass

T1_S = 0.5
"""The request is repeated after this, and then after twice the time (RFC 3261, 17.1.2)."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reason: str
    milliseconds: float


def ping(host: str, port: int, timeout_s: float = 3.0) -> Answer | None:
    """The answer to an OPTIONS, or None when none came in time. Raises OSError (no such host)."""
    target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(target[0], socket.SOCK_DGRAM) as sock:
        sock.connect(target[4])
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        request = _options(host, port, sock.getsockname(), branch)
        began = time.monotonic()
        deadline, interval = began + timeout_s, T1_S
        while (now := time.monotonic()) < deadline:
            try:
                sock.send(request)
                repeat = now + interval
                while (left := min(repeat, deadline) - time.monotonic()) > 0:
                    sock.settimeout(left)
                    answer = _read(sock.recv(65535), branch, began)
                    if answer is not None:
                        return answer
            except TimeoutError:
                pass
            except ConnectionRefusedError:
                # Nobody has the port yet: the service may be starting.
                time.sleep(max(0.0, min(0.1, deadline - time.monotonic())))
            interval *= 2
    return None


def _options(host: str, port: int, local: tuple[str, int], branch: str) -> bytes:
    at = f"[{local[0]}]:{local[1]}" if ":" in local[0] else f"{local[0]}:{local[1]}"
    to = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = (
        f"OPTIONS sip:{to} SIP/2.0",
        f"Via: SIP/2.0/UDP {at};rport;branch={branch}",
        "Max-Forwards: 70",
        f"From: <sip:ping@{at}>;tag={secrets.token_hex(4)}",
        f"To: <sip:{to}>",
        f"Call-ID: {secrets.token_hex(12)}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:ping@{at}>",
        "Accept: application/sdp",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _read(data: bytes, branch: str, began: float) -> Answer | None:
    """A final answer to our request; None for anything else."""
    line, _, rest = data.decode("utf-8", "replace").partition("\r\n")
    version, _, answer = line.partition(" ")
    status, _, reason = answer.partition(" ")
    if version != "SIP/2.0" or not status.isdecimal() or int(status) < 200 or branch not in rest:
        return None
    return Answer(int(status), reason, round((time.monotonic() - began) * 1000, 1))


def main() -> int:
    parser = argparse.ArgumentParser(description="Is the service there? Sends one SIP OPTIONS.")
    parser.add_argument("address", nargs="?", metavar="HOST:PORT")
    parser.add_argument("--accepting", action="store_true", help="only 200 will do: full is not well")
    parser.add_argument("--timeout", type=float, default=3.0, metavar="S", help="seconds; 3 unless given")
    arguments = parser.parse_args()
    address = arguments.address or os.environ.get("IVR_SIP__BIND", "127.0.0.1:5060")
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    try:
        answer = ping(host, int(port), arguments.timeout)
    except (OSError, ValueError) as error:
        print(f"{address}: {error}", file=sys.stderr)
        return 1
    if answer is None:
        print(f"{host}:{port}: no answer within {arguments.timeout:g} s", file=sys.stderr)
        return 1
    print(f"{host}:{port}: {answer.status} {answer.reason}, {answer.milliseconds:g} ms")
    return 0 if answer.status == 200 or (answer.status == 503 and not arguments.accepting) else 1


if __name__ == "__main__":
    sys.exit(main())
