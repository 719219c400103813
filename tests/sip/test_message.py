from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.identity import parse_identity
from ivr.sip.message import Headers, header, reason_header

INVITE = (
    "INVITE sip:sales@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
    'f: "A: B" <sip:alice@example.org>;tag=1\r\n'
    "To: <sip:sales%20team:pw@127.0.0.1;user=phone>\r\n"
    "CALL-ID :  abc@host\r\n"
    "\r\n"
    "Call-ID: not this one\r\n"
)


def test_names_in_any_case_and_compact_forms() -> None:
    assert header(INVITE, "Call-ID", "i") == "abc@host"
    assert header(INVITE, "From", "f") == '"A: B" <sip:alice@example.org>;tag=1'
    assert header(INVITE, "Subject", "s") == ""


def test_the_body_is_not_searched() -> None:
    assert header(INVITE.replace("CALL-ID", "X-ID"), "Call-ID", "i") == ""


def test_the_user_of_an_address() -> None:
    assert parse_identity(header(INVITE, "To", "t")).user == "sales team"
    assert parse_identity('"A: B" <sip:alice@example.org>').user == "alice"
    assert parse_identity("sips:bob@example.org").user == "bob"
    assert parse_identity("<sip:127.0.0.1:5060>").user == ""


@given(st.text(max_size=200))
def test_garbage_gives_text(message: str) -> None:
    assert isinstance(header(message, "Call-ID", "i"), str)


def test_why_a_call_is_ended() -> None:
    assert reason_header("hangup") == 'Q.850;cause=16;text="hangup"'
    assert reason_header("rtp_timeout") == 'Q.850;cause=41;text="rtp_timeout"'


@given(st.text())
def test_no_reason_breaks_out_of_its_header(reason: str) -> None:
    """RFC 3261, 25.1: a quoted-string, with nothing in it that needs quoting."""
    text = reason_header(reason).partition(";text=")[2]
    assert text[0] == text[-1] == '"' and len(text) <= 102
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in text[1:-1])


REDIRECTED = (
    "INVITE sip:sales@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK2\r\n"
    "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
    "Diversion: <sip:+49301@pbx.example>;reason=no-answer\r\n"
    "DIVERSION: <sip:+49302@pbx.example>\r\n"
    "\t;reason=user-busy\r\n"
    "History-Info: <sip:a@pbx.example>;index=1, <sip:b@pbx.example>;index=1.1\r\n"
    "history-info: <sip:c@pbx.example>;index=1.2\r\n"
    "no colon here\r\n"
    " and its continuation\r\n"
    "\r\n"
    "Via: in the body\r\n"
)


def test_repeated_headers_are_kept_in_their_order() -> None:
    headers = Headers(REDIRECTED)
    assert headers["diversion"] == "<sip:+49301@pbx.example>;reason=no-answer", "the first by its name"
    assert headers.all("diversion")[1] == "<sip:+49302@pbx.example> ;reason=user-busy"
    assert [via.rpartition("=")[2] for via in headers.all("via")] == ["z9hG4bK2", "z9hG4bK1"]
    assert len(headers.all("history-info")) == 2
    assert headers.all("route") == () and "route" not in headers
    assert list(headers) == ["via", "diversion", "history-info"] and len(headers) == 3


@given(st.text(alphabet="ab: \t\r\n;", max_size=200))
def test_headers_of_garbage_are_text(message: str) -> None:
    headers = Headers(message)
    assert all(headers.all(name)[0] == headers[name] for name in headers)
