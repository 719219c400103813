"""What does not get in: floods, strangers, malformed messages; and TLS at the edge."""

import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.caller import message as sip
from tests.caller import sdp
from tests.caller.media import Media
from tests.caller.message import Message
from tests.e2e.running import Service
from tests.kamailio.edge import (
    STRANGER,
    TRUNK,
    WORKER_CALLS,
    Edge,
    caller,
    taken,
    uri,
    wait_until,
    why_no_tls,
)
from tests.ports import free_port

pytestmark = pytest.mark.system


def test_a_stranger_is_refused_until_the_list_has_it(edge: Edge, workers: list[Service]) -> None:
    began = time.time()
    address = "127.0.0.9"
    with caller(address) as ua:
        assert ua.dial(edge.address).answered().status == 403
        assert ua.options(edge.address).status == 403
        # Nor does a made-up route into a call carry anything past the list.
        route = [("Route", f"<sip:{edge.address[0]}:{edge.port};lr>")]
        relayed = ua.request("BYE", edge.address, uri=uri(workers[0]), to="<sip:x@y>;tag=z", headers=route)
        assert relayed.final().status == 403
        assert taken(workers, began) == [0, 0, 0]

        allowed = edge.folder / "allow.list"
        before = allowed.read_text(encoding="utf-8")
        try:
            allowed.write_text(f"{before}1 127.0.0.8 29\n", encoding="utf-8")
            edge.workers("reload")
            ua.call(edge.address).hangup()
        finally:
            allowed.write_text(before, encoding="utf-8")
            edge.workers("reload")
        assert ua.dial(edge.address).answered().status == 403


def test_a_flood_is_not_answered_and_others_are(edge: Edge, workers: list[Service]) -> None:
    """4000 requests in a burst: pike blocks between one and three times the limit of 400."""
    with caller(STRANGER) as flood, caller() as ua:
        for n in range(4000):
            flood.request("OPTIONS", edge.address)
            if n % 50 == 0:
                time.sleep(0.005)
        began = time.time()
        ua.call(edge.address).hangup()
        assert time.time() - began < 1
        time.sleep(0.3)
        answers = len(flood.received)
        assert 300 <= answers <= 3 * 400 + 20, answers
        flood.request("OPTIONS", edge.address)
        time.sleep(0.3)
        assert len(flood.received) == answers, "it is still blocked"


def test_a_trunk_gets_so_many_calls_a_second_and_not_more(edge: Edge, workers: list[Service]) -> None:
    """All workers are full: 40 of a burst are refused for that, the others by the rate, without a look."""
    with caller() as ua:
        calls = [ua.dial(edge.address) for _ in range(3 * WORKER_CALLS)]
        assert all(call.answered().status == 200 for call in calls)
        wait_until(lambda: edge.states() == ["503"] * 3, 4, "all are full")
        time.sleep(1.1)
        burst = [ua.request("INVITE", edge.address) for _ in range(100)]
        answers = [each.final() for each in burst]
        assert {each.status for each in answers} == {503}
        too_many = [each for each in answers if each.get("Retry-After") == "1"]
        # The burst may meet two of the one-second windows.
        assert len(too_many) in range(100 - 2 * 40, 100 - 40 + 1)
        for call in calls:
            call.hangup()
        wait_until(lambda: edge.states() == ["200"] * 3, 4, "room is seen again")
        ua.call(edge.address).hangup()


MALFORMED = {
    "not SIP at all": b"\x16\x03\x01 hello\r\n\r\n",
    "no Call-ID": rb"^Call-ID:.*\r\n",
    "no Via": rb"^Via:.*\r\n",
    "no From": rb"^From:.*\r\n",
    "CSeq of another method": (rb"^CSeq: 1 INVITE", b"CSeq: 1 BYE"),
    "CSeq without a number": (rb"^CSeq: 1 INVITE", b"CSeq: one INVITE"),
    "longer than it says": (rb"^Content-Length:.*", b"Content-Length: 100000\r"),
    "another version": (rb"SIP/2.0\r", b"SIP/9.7\r"),
    "From that cannot be read": (rb"^From:.*\r\n", b"From: <sip:;;;@@>;tag=\r\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_is_dropped(name: str, edge: Edge, workers: list[Service]) -> None:
    began = time.time()
    with caller() as ua:
        offer = sdp.write(ua.host, 30_000)
        invite = Message(
            "INVITE",
            f"sip:line@127.0.0.1:{edge.port}",
            body=offer,
            headers=[
                ("Via", f"SIP/2.0/UDP {ua.host}:{ua.port};rport;branch=z9hG4bK{sip.token()}"),
                ("Max-Forwards", "70"),
                ("From", f"<sip:caller@{ua.host}>;tag={sip.token()}"),
                ("To", f"<sip:line@127.0.0.1:{edge.port}>"),
                ("Call-ID", sip.token(20)),
                ("CSeq", "1 INVITE"),
                ("Contact", ua.contact),
                ("Content-Type", "application/sdp"),
            ],
        ).encode()
        wrong = MALFORMED[name]
        if isinstance(wrong, tuple):
            data = re.sub(wrong[0], wrong[1], invite, count=1, flags=re.M)
        else:
            data = re.sub(wrong, b"", invite, count=1, flags=re.M) if wrong.startswith(b"^") else wrong
        assert data != invite
        ua.sock.sendto(data, edge.address)
        time.sleep(0.15)
        assert not [each for each in ua.received if each.status < 400], "it was not taken for a call"
        assert taken(workers, began) == [0, 0, 0]
        assert ua.options(edge.address).status == 200


# -- TLS


class TlsClient:
    """SIP over TLS by Python's ssl: one connection, whole messages."""

    def __init__(self, address: tuple[str, int], authority: Path, source: str = TRUNK) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        raw = socket.create_connection(address, 5, source_address=(source, 0))
        self.sock = context.wrap_socket(raw, server_hostname="localhost")
        self.host, self.port = raw.getsockname() if raw.fileno() >= 0 else self.sock.getsockname()
        self._buffer = b""

    def request(self, method: str, uri: str, **headers: str) -> Message:
        """A request with the headers every one has; not sent yet."""
        base = {
            "Via": f"SIP/2.0/TLS {self.host}:{self.port};rport;branch=z9hG4bK{sip.token()}",
            "Max-Forwards": "70",
            "From": f"<sip:caller@{self.host}>;tag=tls",
            "To": f"<{uri}>",
            "Call-ID": sip.token(20),
            "CSeq": f"1 {method}",
            "Contact": f"<sip:caller@{self.host}:{self.port};transport=tls>",
        }
        return Message(method, uri, headers=list({**base, **headers}.items()))

    def send(self, message: Message) -> None:
        self.sock.sendall(message.encode())

    def receive(self) -> Message:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = int(sip.parse(head + b"\r\n\r\n").get("Content-Length") or 0)
        while len(rest) < length:
            self._more()
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        return sip.parse(head + b"\r\n\r\n" + rest[:length])

    def final(self) -> Message:
        while (message := self.receive()).status < 200:
            pass
        return message

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("closed by the edge")
        self._buffer += data


def test_a_call_over_tls(workers: list[Service], certificate: tuple[Path, Path], tmp_path: Path) -> None:
    if reason := why_no_tls():
        pytest.skip(reason)
    cert, key = certificate
    port = free_port()
    settings = {"TLS_LISTEN": f"127.0.0.1:{port}", "TLS_CERT": str(cert), "TLS_KEY": str(key)}
    with Edge(tmp_path, [uri(each) for each in workers], settings):
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(
                socket.create_connection(("127.0.0.1", port), 5), server_hostname="localhost"
            )
        old = subprocess.run(
            ["openssl", "s_client", "-tls1_1", "-connect", f"127.0.0.1:{port}"],
            input=b"",
            capture_output=True,
            check=False,
        )
        assert old.returncode, "TLS 1.1 is refused"

        stranger = TlsClient(("127.0.0.1", port), cert, STRANGER)
        stranger.send(stranger.request("OPTIONS", "sip:127.0.0.1"))
        assert stranger.final().status == 403

        client = TlsClient(("127.0.0.1", port), cert)
        assert client.sock.version() in ("TLSv1.2", "TLSv1.3")
        client.send(client.request("OPTIONS", "sip:127.0.0.1"))
        assert client.final().status == 200

        media = Media(TRUNK)
        invite = client.request("INVITE", "sip:short@127.0.0.1", **{"Content-Type": "application/sdp"})
        invite.body = sdp.write(TRUNK, media.port)
        client.send(invite)
        answer = client.final()
        assert answer.status == 200
        routes = list(reversed(answer.all("Record-Route")))
        target = sip.uri_of(answer.get("Contact"))
        inside = {"To": answer.get("To"), "Call-ID": answer.get("Call-ID")}
        ack = client.request("ACK", target, **inside)
        ack.headers += [("Route", each) for each in routes]
        client.send(ack)
        media.start(sdp.read(answer.body))
        assert media.wait_for(lambda packets: len(packets) >= 20, 5)
        service = next(each for each in workers if each.find("call_started", call=answer.get("Call-ID")))
        # The worker's BYE comes over the connection that the caller opened.
        bye = client.receive()
        assert bye.method == "BYE"
        client.send(sip.respond(bye, 200, "OK"))
        service.wait_event("call_ended", call=answer.get("Call-ID"))
        media.close()


def test_trunks_and_workers_of_one_machine_share_an_address(workers: list[Service], tmp_path: Path) -> None:
    settings = {"TRUNKS": "127.0.0.0/8", "WORKER_NETS": "127.0.0.0/8"}
    with Edge(tmp_path, [uri(each) for each in workers], settings) as edge, caller("127.0.0.1") as ua:
        call = ua.call(edge.address, uri=f"sip:short@127.0.0.1:{edge.port}")
        assert call.ended.wait(5) and call.ended_by == "them"


def test_behind_nat_the_address_that_is_reported_is_the_advertised_one(
    workers: list[Service], tmp_path: Path
) -> None:
    """Callers get that, workers do not; and a route through it is known for its own."""
    settings = {"ADVERTISE": "203.0.113.10:5064"}
    with Edge(tmp_path, [uri(each) for each in workers], settings) as edge, caller() as ua:
        call = ua.call(edge.address)
        assert call.transaction is not None
        inner, outer = call.transaction.all[-1].all("Record-Route")
        assert "203.0.113.10:5064" in outer and f"127.0.0.1:{edge.inside}" in inner
        assert call.reinvite().status == 200
        response = call.hangup()
        assert response is not None and response.status == 200
        theirs = ua.call(edge.address, uri=f"sip:short@127.0.0.1:{edge.port}")
        assert theirs.ended.wait(5) and theirs.ended_by == "them"
        bye = next(request for request in theirs.requests if request.method == "BYE")
        assert "203.0.113.10:5064" in bye.all("Via")[0]


def test_tls_asks_for_a_certificate_when_configured(
    workers: list[Service], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    if reason := why_no_tls():
        pytest.skip(reason)
    cert, key = certificate
    port = free_port()
    settings = {
        "TLS_LISTEN": f"127.0.0.1:{port}",
        "TLS_CERT": str(cert),
        "TLS_KEY": str(key),
        "TLS_CA": str(cert),
    }
    with Edge(tmp_path, [uri(each) for each in workers], settings):
        nobody = None
        with pytest.raises((ssl.SSLError, ConnectionError)):
            nobody = TlsClient(("127.0.0.1", port), cert)
            nobody.send(nobody.request("OPTIONS", "sip:127.0.0.1"))
            nobody.final()
        context = ssl.create_default_context(cafile=str(cert))
        context.load_cert_chain(cert, key)
        raw = socket.create_connection(("127.0.0.1", port), 5, source_address=(TRUNK, 0))
        with context.wrap_socket(raw, server_hostname="localhost") as known:
            assert known.version()
