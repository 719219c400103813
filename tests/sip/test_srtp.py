"""Which calls may carry plain sound and where keys may be seen."""

import pytest

from ivr.sip.options import Registration, SipOptions
from ivr.sip.security.srtp import keys_are_hidden, offered, refusal, without_keys

HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
PLAIN = "m=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n"
BEST_EFFORT = PLAIN + KEY
SDES = "m=audio 4000 RTP/SAVP 0\r\n" + KEY
FEEDBACK = "m=audio 4000 RTP/SAVPF 0\r\n" + KEY
DTLS = "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256 00\r\na=setup:actpass\r\n"
OFF = "m=audio 0 RTP/SAVP 0\r\n" + KEY
VIDEO = "m=video 4002 RTP/SAVP 96\r\n" + KEY


@pytest.mark.parametrize(
    ("media", "ways"),
    [
        (PLAIN, {"plain"}),
        (BEST_EFFORT, {"plain", "sdes"}),
        (SDES, {"sdes"}),
        (FEEDBACK, {"sdes"}),
        (DTLS, {"dtls"}),
        (SDES + PLAIN, {"sdes", "plain"}),
        (OFF, set()),
        (PLAIN + VIDEO, {"plain"}),
        ("", set()),
    ],
)
def test_what_an_offer_offers(media: str, ways: set[str]) -> None:
    assert offered(HEAD + media) == ways


def test_keys_are_taken_out_and_nothing_else() -> None:
    assert without_keys(HEAD + BEST_EFFORT) == HEAD + PLAIN
    assert without_keys(HEAD + DTLS) == HEAD + DTLS


def test_keys_are_shown_over_tls_alone_unless_allowed() -> None:
    assert [keys_are_hidden(SipOptions(), each) for each in ("udp", "tcp", "tls")] == [True, True, False]
    assert not keys_are_hidden(SipOptions(srtp_sdes_without_tls=True), "udp")


@pytest.mark.parametrize(
    ("transport", "media", "refused"),
    [
        ("tls", PLAIN, "SRTP is required"),
        ("tls", SDES, None),
        ("tls", BEST_EFFORT, None),
        ("tls", DTLS, None),
        ("udp", PLAIN, "SRTP is required"),
        ("udp", SDES, "SDES keys over UDP"),
        ("tcp", SDES, "SDES keys over TCP"),
        ("udp", DTLS, None),
        ("udp", SDES + DTLS, None),
        ("udp", OFF, "SRTP is required"),
    ],
)
def test_where_it_is_required(transport: str, media: str, refused: str | None) -> None:
    reason = refusal(SipOptions(srtp="required"), transport, HEAD + media)
    assert (reason is None) == (refused is None)
    assert refused is None or refused in str(reason)
    assert refusal(SipOptions(srtp="optional"), transport, HEAD + media) is None


def test_an_offer_of_ours_must_be_possible_where_it_is_required() -> None:
    required = SipOptions(srtp="required")
    assert refusal(required, "tls", "") is None
    assert "SDES keys over UDP" in str(refusal(required, "udp", ""))
    dtls = SipOptions(srtp="required", srtp_keying=("dtls", "sdes"))
    assert refusal(dtls, "udp", "") is None
    assert refusal(SipOptions(srtp="required", srtp_keying=("dtls",)), "tls", HEAD + SDES) is not None
    reported = SipOptions(srtp="required", srtp_sdes_without_tls=True)
    assert refusal(reported, "udp", "") is None and refusal(reported, "udp", HEAD + SDES) is None


@pytest.mark.parametrize(
    ("registrar", "proxy", "tls"),
    [
        ("pbx", None, False),
        ("sip:pbx;transport=tcp", None, False),
        ("sip:pbx;transport=tls", None, True),
        ("sip:pbx:5061;transport=TLS;lr", None, True),
        ("sips:pbx", None, True),
        ("pbx", "sip:edge;transport=tls;lr", True),
        ("sip:pbx;transport=tls", "sip:edge;lr", False),
        ("sip:transport=tls", None, False),
    ],
)
def test_which_registrations_go_over_tls(registrar: str, proxy: str | None, tls: bool) -> None:
    assert Registration(registrar=registrar, user="u", outbound_proxy=proxy).over_tls is tls
