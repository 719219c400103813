"""Host names are looked up beside the SIP thread: a slow name server stops nobody's SIP."""

import ctypes
import socket
import threading
import time
from typing import Any

import pytest

from ivr.sip.leg import LegListener
from ivr.sip.options import SipOptions
from ivr.sip.pjsip import resolver
from ivr.sip.user_agent import UserAgent
from tests.caller import UserAgent as Caller
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port, rtp_ports

SLOW_S = 1.5


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names with their address; the name ``slow.test`` takes its time, others are not found."""
    known: dict[str, str] = {"fast.test": "127.0.0.1", "slow.test": "127.0.0.1"}
    real = socket.getaddrinfo

    def find(host: Any, *arguments: Any, **options: Any) -> Any:
        assert threading.current_thread().name != "sip", f"{host} was looked up on the SIP thread"
        if not str(host).endswith(".test"):
            return real(host, *arguments, **options)
        if host == "slow.test":
            time.sleep(SLOW_S)
        if host not in known:
            raise socket.gaierror("no such name")
        return real(known[host], *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    return known


class Ended(LegListener):
    def __init__(self) -> None:
        self.over = threading.Event()
        self.status = 0

    def ended(self, reason: str, status: int) -> None:
        self.status = status
        self.over.set()


def agent(port: int) -> UserAgent:
    running = UserAgent(
        SipOptions(bind=f"127.0.0.1:{port}", rtp_ports=rtp_ports(), max_calls=3), lambda _: Ended()
    )
    running.start()
    return running


@pytest.mark.parametrize("name", ["fast.test", "slow.test"])
def test_a_call_to_a_name_arrives_and_others_are_answered_meanwhile(names: dict[str, str], name: str) -> None:
    port = free_port()
    running = agent(port)
    try:
        with Caller(user="callee") as callee:
            began = time.monotonic()
            running.dial(f"sip:callee@{name}:{callee.port}", lambda _: Ended())
            assert callee.request("OPTIONS", ("127.0.0.1", port)).final(1).status == 200
            assert time.monotonic() - began < 1
            callee.wait_incoming(SLOW_S + 3)
    finally:
        running.stop()


def test_a_name_that_is_not_found_ends_the_call_with_a_status(names: dict[str, str]) -> None:
    running = agent(free_port())
    listener = Ended()
    try:
        running.dial("sip:callee@nowhere.test", lambda _: listener)
        assert listener.over.wait(5)
        assert listener.status in (502, 503)
    finally:
        running.stop()


def test_names_in_a_strangers_contact_and_route_delay_nobody() -> None:
    """``invalid`` is never found (RFC 6761); what matters is that OPTIONS are answered at once."""
    target = Target(free_port())
    for field in ("contact", "more"):
        value = "<sip:x@name.invalid>" if field == "contact" else "Record-Route: <sip:name.invalid;lr>\r\n"
        call = target.call(Request(body=sdp(), **{field: value}))
        target.command(f"hangup {call.invite.call_id}")
        assert target.status(Request("OPTIONS"), 1.0) == 200
    target.close()


@pytest.mark.parametrize("layout", resolver._LAYOUTS)
def test_an_answer_has_as_much_memory_as_pjsip_copies(layout: Any) -> None:
    """pjsip copies 16 records, 32 with IPv6, however many are filled: beyond our memory it crashes."""
    entries = layout().entries
    assert ctypes.sizeof(layout) >= layout.entries.offset + 32 * ctypes.sizeof(entries[0])
