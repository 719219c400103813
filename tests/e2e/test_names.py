"""A caller's name as phones send it, Latin-1 and worse: a transfer that hands it on is valid SIP."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from tests.caller import UserAgent
from tests.e2e.running import Service
from tests.hostile.messages import Request, sdp

PLAN = """
dialplan: 1
name: names
start: a
steps:
  a:
    - say: "Hello {{ call.from_name }}."
    - switch: {on: "call.headers.x_type | default('')", cases: {blind: blind}}
    - transfer:
        to: "sip:{{ call.from_name }}@127.0.0.1:{{ call.headers.x_callee }}"
        type: bridged
        caller_id: "sip:{{ call.from_name }}@example.org"
        headers: {X-Name: "{{ call.from_name }}"}
        timeout: 5s
    - hangup: over
  blind:
    - transfer: {to: "sip:{{ call.from_name }}@127.0.0.1:{{ call.headers.x_callee }}", timeout: 2s}
    - hangup: over
"""
NAMES = {
    b"Jos\xe9": "José",
    "José 😀".encode(): "José 😀",
    b"a\x1b[31mb\x9bc": "a\ufffd[31mb",
    b"{{ 7*7 }}{% raw %}": "{{ 7*7 }}{% raw %}",
    b"x@127.0.0.9;y?Z=1": "x@127.0.0.9;y?Z=1",
    b"\xed\xa0\x80": "",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    plan = tmp_path_factory.mktemp("names") / "names.yaml"
    plan.write_text(PLAN)
    with Service([plan], env={"IVR_SIP__ACCEPT_FROM": '["any"]'}) as running:
        yield running


class RawCall:
    """A call whose INVITE has a display name of any bytes."""

    def __init__(self, service: Service, name: bytes, more: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(10)
        self._service = service
        port = self._socket.getsockname()[1]
        self.invite = Request(body=sdp(), sender='"NAME" <sip:100@127.0.0.1>;tag=x', more=more)
        self._socket.sendto(self.invite.data("127.0.0.1", port).replace(b"NAME", name), service.address)
        while not (answer := self._socket.recv(65_536)).startswith(b"SIP/2.0 200"):
            assert answer.startswith(b"SIP/2.0 1"), answer[:60]
        to = next(
            line[3:].strip() for line in answer.decode("latin-1").split("\r\n") if line.startswith("To:")
        )
        ack = Request("ACK", to=to, call_id=self.invite.call_id, sender=self.invite.sender)
        self._socket.sendto(ack.data("127.0.0.1", port).replace(b"NAME", name), service.address)

    def answer_bye(self) -> None:
        """Wait until the service hangs up, and answer it."""
        while not (request := self._socket.recv(65_536)).startswith(b"BYE"):
            pass
        kept = [b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:"]
        lines = [line for line in request.split(b"\r\n") if line.startswith(tuple(kept))]
        answer = b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""])
        self._socket.sendto(answer, self._service.address)
        self._socket.close()

    def refer_to(self) -> str:
        """The target that the service asks us to call."""
        while not (request := self._socket.recv(65_536)).startswith(b"REFER"):
            pass
        text = request.decode("latin-1")
        return next(
            line.partition(":")[2].strip() for line in text.split("\r\n") if line.startswith("Refer-To")
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_bridged_transfer_works_whatever_the_callers_name(service: Service, name: bytes) -> None:
    expected = NAMES[name]
    with UserAgent(user="callee") as callee:
        call = RawCall(service, name, f"X-Callee: {callee.port}\r\n")
        taken = callee.wait_incoming(20)
        invite = taken.invite
        assert invite is not None
        whole = invite.uri + "".join(f"{name}: {value}" for name, value in invite.headers)
        assert whole.encode() and all(c.isprintable() for c in whole)
        user, _, host = invite.uri.removeprefix("sip:").rpartition("@")
        assert host.partition(";")[0] == f"127.0.0.1:{callee.port}", "the host is the plan's"
        assert user.isascii() and "@" not in user and unquote(user).startswith(expected)
        assert invite.get("X-Name").startswith(expected)
        assert "@example.org" in invite.get("From")
        taken.refuse(486, "Busy Here")
    call.answer_bye()
    service.wait_event("call_ended", 15, call=call.invite.call_id)
    assert not [e for e in service.events if e.get("call") == call.invite.call_id and "exception" in e]
    assert not service.find("verb_failed", call=call.invite.call_id)


def test_a_blind_transfer_asks_for_a_valid_address(service: Service) -> None:
    call = RawCall(service, b"Jos\xe9", "X-Callee: 5060\r\nX-Type: blind\r\n")
    assert call.refer_to() == "<sip:Jos%C3%A9@127.0.0.1:5060>"
    call.answer_bye()
    service.wait_event("call_ended", 15, call=call.invite.call_id)


def test_the_service_lives_and_its_log_has_no_control_characters(service: Service) -> None:
    assert service.running
    time.sleep(0.1)
    assert not [line for line in service.other_lines if not line.isprintable()]
