"""The user agent with the real pjsip. Calls to it are in tests/sipp and tests/e2e."""

import queue
import socket
from pathlib import Path

import pytest

from ivr.service.calls.call import facts_of
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import Registration, SipOptions
from ivr.sip.user_agent import UserAgent
from tests import caller
from tests.ports import free_port, rtp_ports


def nobody(leg: CallLeg) -> LegListener:
    raise AssertionError("no call was made")


def agent(**options: object) -> UserAgent:
    defaults: dict[str, object] = {"bind": f"127.0.0.1:{free_port()}", "rtp_ports": rtp_ports(20)}
    return UserAgent(SipOptions(**(defaults | options)), nobody)  # type: ignore[arg-type]


def test_up_and_down_and_the_limit_of_the_build() -> None:
    ua = agent()
    info = ua.start()
    try:
        assert info.max_calls == min(info.build_max_calls - 1, 9)
        assert "pjproject 2." in info.build and info.build.startswith("pjsua2-")
        assert ua.bridge_ports() == 0
        assert ua.active_calls == 0
        # A command for a call that is gone is nobody's harm.
        ua.call_commands.hangup(12345, "late", 0)
        ua.call_commands.wire_player(12345)
    finally:
        ua.stop()
        ua.stop()


def test_fewer_calls_than_the_build_holds() -> None:
    ua = agent(max_calls=2)
    try:
        assert ua.start().max_calls == 2
    finally:
        ua.stop()


def test_a_port_in_use_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SipError, match=rf"127\.0\.0\.1:{port}.*--bind"):
            agent(bind=f"127.0.0.1:{port}").start()


def test_a_missing_password_file_is_named() -> None:
    registration = Registration(registrar="127.0.0.1:9", user="u", password_file="/nonexistent/secret")
    with pytest.raises(SipError, match="/nonexistent/secret"):
        agent(registrations=(registration,)).start()


def test_whatever_goes_wrong_at_the_start_is_reported(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff\xfe\x00")
    binary = Registration(registrar="127.0.0.1:9", user="u", password_file=str(secret))
    overflow = Registration(registrar="127.0.0.1:9", user="u", expires_s=99_999_999_999)
    with pytest.raises(SipError, match="not text"):
        agent(registrations=(binary,)).start()
    with pytest.raises(SipError, match="pjsip"):
        agent(registrations=(overflow,)).start()


@pytest.mark.parametrize(
    ("option", "value"),
    [("bind", "localhost"), ("bind", "1.2.3.4:99999"), ("rtp_ports", "10"), ("rtp_ports", "5000-4000")],
)
def test_what_is_no_address_or_range_is_refused(option: str, value: str) -> None:
    with pytest.raises(SipError, match=option):
        agent(**{option: value}).start()


def test_a_call_for_which_no_line_is_free_gets_503() -> None:
    """The answer to OPTIONS says so before."""
    ua = agent(max_calls=2)
    ua.start()
    try:
        while not ua.bank.full:
            ua.bank.open()
        with caller.UserAgent() as phone:
            at = ("127.0.0.1", int(ua.options.bind.rpartition(":")[2]))
            refused = phone.dial(at).answered()
            assert refused.status == 503 and refused.get("Retry-After")
        with pytest.raises(SipError, match="no call can be placed: all"):
            ua.dial("sip:nobody@127.0.0.1", nobody)
    finally:
        ua.stop()


def test_repeated_headers_of_an_invite_reach_the_plan() -> None:
    legs: queue.Queue[CallLeg] = queue.Queue()

    def on_call(leg: CallLeg) -> LegListener:
        legs.put(leg)
        leg.hangup("done", 480)
        return LegListener()

    options = SipOptions(bind=f"127.0.0.1:{free_port()}", rtp_ports=rtp_ports(20))
    ua = UserAgent(options, on_call)
    ua.start()
    try:
        with caller.UserAgent() as phone:
            sent = [
                ("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKproxy"),
                ("Diversion", "<sip:+49301@pbx.example>;reason=no-answer"),
                ("History-Info", "<sip:a@pbx.example>;index=1"),
                ("Diversion", "<sip:+49302@pbx.example>;reason=user-busy"),
                ("History-Info", "<sip:b@pbx.example>;index=1.1"),
            ]
            at = ("127.0.0.1", int(options.bind.rpartition(":")[2]))
            assert phone.dial(at, headers=sent).answered().status == 480
        facts = facts_of(legs.get(timeout=5)).plain()
    finally:
        ua.stop()
    assert facts["headers"]["diversion"] == "<sip:+49301@pbx.example>;reason=no-answer"
    for name in ("diversion", "history_info"):
        values = [value for header, value in sent if header.lower().replace("-", "_") == name]
        assert facts["all_headers"][name] == values
    assert len(facts["all_headers"]["via"]) == 2
    assert facts["all_headers"]["call_id"] == [facts["headers"]["call_id"]]
