"""Offers that ended the process inside pjsip (docker/pjsua2/patches 0020 on), given to it past the gate."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.messages import AUDIO, Request, sdp
from tests.hostile.mutate import process
from tests.ports import free_port, rtp_ports

TEXT = "m=text 49100 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n"
VIDEO = "m=video 49004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
DTLS = "m=audio 49000 UDP/TLS/RTP/SAVP 0\r\n"
BUSY = "sip:2@127.0.0.1"
"""The agent hangs up on who calls this, at once."""

carrier = pytest.mark.skipif(
    process.max_calls() < process.CARRIER_CALLS,
    reason="only the build that `make carrier` installs has the patches",
)


class Peer:
    """An agent, and a socket that speaks to it."""

    def __init__(self, log: Path, *, without_gate: bool) -> None:
        port = free_port()
        options = {"bind": f"127.0.0.1:{port}", "rtp_ports": rtp_ports(40), "max_calls": 3}
        self.agent = process.Agent(options | {"without_gate": without_gate}, log)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._address, self._port = ("127.0.0.1", port), self._socket.getsockname()[1]

    def status(self, request: Request) -> tuple[int, str]:
        """Send it; the final status of its answer (0: none) and the To header there."""
        self._socket.sendto(request.data("127.0.0.1", self._port), self._address)
        if request.method == "ACK":
            return 0, ""
        deadline = time.monotonic() + 5
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                lines = self._socket.recv(65_536).decode().split("\r\n")
            except TimeoutError:
                break
            ours = f"Call-ID: {request.call_id}" in lines and f"CSeq: {request.cseq}" in lines
            if ours and lines[0].startswith("SIP/2.0 ") and int(lines[0][8:11]) >= 200:
                return int(lines[0][8:11]), next(line[4:] for line in lines if line.startswith("To:"))
        return 0, ""

    def close(self) -> int:
        self._socket.close()
        return self.agent.stop()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("agent") / "log", without_gate=True)
    yield peer
    assert peer.close() == 0


@carrier
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([AUDIO * 8, ""], id="0020: eight lines, then our offer"),
        pytest.param([AUDIO, AUDIO * 9, ""], id="0020: nine lines in a call, then our offer"),
        pytest.param([DTLS], id="0021: DTLS without a fingerprint"),
        pytest.param([AUDIO, "UPDATE " + AUDIO + DTLS], id="0022: more lines in a refused UPDATE, then BYE"),
        pytest.param([AUDIO, TEXT + AUDIO, AUDIO], id="0022: a line that was audio becomes text"),
        pytest.param([AUDIO, VIDEO + AUDIO, AUDIO], id="0022: or video"),
        pytest.param([DTLS + "a=fingerprint:\r\n"], id="0023: an empty fingerprint"),
    ],
)
def test_an_offer_past_the_gate_ends_no_other_call(bare: Peer, steps: list[str]) -> None:
    first = Request()
    to = first.to
    for number, step in enumerate(steps, 1):
        method, media = ("UPDATE", step[7:]) if step.startswith("UPDATE ") else ("INVITE", step)
        body = sdp(media) if media else ""
        request = Request(method, body, to=to, call_id=first.call_id, cseq=f"{number} {method}")
        status, answered = bare.status(request)
        assert status, f"no answer to {method}, step {number}"
        to = answered if status == 200 else to
        if method == "INVITE" and status == 200:
            bare.status(Request("ACK", "", to=to, call_id=first.call_id, cseq=f"{number} ACK"))
    bare.status(Request("BYE", to=to, call_id=first.call_id, cseq="99 BYE"))
    assert bare.status(Request("OPTIONS", cseq="1 OPTIONS"))[0] in (200, 503)
    assert bare.agent.alive, bare.agent.report()[-500:]


def test_a_call_that_is_hung_up_while_it_is_offered_ends_nothing_else(tmp_path: Path) -> None:
    """pjsua2 of the stock wheel aborts when a call ends inside its onIncomingCall."""
    peer = Peer(tmp_path / "log", without_gate=False)
    for _ in range(3):
        assert peer.status(Request(body=sdp(), uri=BUSY, cseq="1 INVITE"))[0] == 486
    assert peer.close() == 0
