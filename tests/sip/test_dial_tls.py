"""Calls over TLS by a user agent that takes such calls too: each direction has its own rules of trust."""

import socket
from pathlib import Path

from ivr.sip.leg import CallLeg
from ivr.sip.options import SipOptions
from ivr.sip.user_agent import UserAgent
from tests.caller import message as sip
from tests.caller.authority import Authority
from tests.caller.tls_registrar import TlsRegistrar
from tests.e2e.secure import TlsClient, client_context, needs_carrier
from tests.ports import free_port, rtp_ports
from tests.sip.test_dial import Watched


def nobody(leg: CallLeg) -> None:
    raise AssertionError("no call was made")


@needs_carrier
def test_the_first_call_over_tls_leaves_the_listener_as_it_was(tmp_path: Path) -> None:
    """Its transport is made then, and comes before the listener, which has no list of authorities."""
    root, stranger = Authority(tmp_path / "root"), Authority(tmp_path / "stranger", "Stranger")
    own, pbx = (root.issue(name, "IP:127.0.0.1") for name in ("own", "pbx"))
    foreign = stranger.issue("foreign", "IP:127.0.0.1")
    options = SipOptions(
        bind=f"127.0.0.1:{free_port()}",
        rtp_ports=rtp_ports(20),
        tls_bind=f"127.0.0.1:{free_port()}",
        tls_certificate_file=str(own.certificate),
        tls_key_file=str(own.key),
        tls_ca_file=str(root.certificate),
    )
    port = int(str(options.tls_bind).rpartition(":")[2])
    agent = UserAgent(options, nobody)
    agent.start()

    def dial(server: TlsRegistrar) -> tuple[object, ...]:
        call = Watched()
        agent.dial(f"sip:101@127.0.0.1:{server.port};transport=tls", call.on_call)
        call.wait("dialed")
        if server is trusted:
            invite = server.requests.get(timeout=5)
            assert b"a=crypto" in invite.body
            server.send(sip.respond(invite, 486, "Busy Here", "tag"))
            assert server.requests.get(timeout=5).method == "ACK"
        return call.wait("ended")

    def listens() -> bool:
        # Callers need no certificate here, nor do they learn whose would do.
        with TlsClient(port, client_context(root.certificate)) as client:
            client.send("OPTIONS")
            return client.final("OPTIONS").status == 200

    try:
        with TlsRegistrar(pbx) as trusted, TlsRegistrar(foreign) as untrusted:
            with TlsClient(port, client_context(root.certificate)) as before:
                before.send("OPTIONS")  # until it is answered the service may not have taken the connection
                assert before.final("OPTIONS").status == 200
                assert dial(trusted) == ("busy", 486)
                # A connection from before goes on, and new ones are taken.
                before.send("OPTIONS")
                assert before.final("OPTIONS").status == 200
            assert listens()
            assert dial(untrusted) == ("refused", 503) and untrusted.requests.empty()
            assert dial(trusted) == ("busy", 486) and listens()
    finally:
        agent.stop()
    with socket.socket() as free:  # nothing is left on the port
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


@needs_carrier
def test_a_call_that_cannot_be_encrypted_is_not_placed(tmp_path: Path) -> None:
    options = SipOptions(bind=f"127.0.0.1:{free_port()}", rtp_ports=rtp_ports(20), srtp="required")
    agent = UserAgent(options, None)
    agent.start()
    try:
        call = Watched()
        agent.dial("sip:101@127.0.0.1:9", call.on_call)
        assert call.wait("ended") == ("failed", 503)
        assert "SDES keys over UDP" in call.leg.phrase
    finally:
        agent.stop()
