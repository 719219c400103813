from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.gate.raw_message import read, read_text
from ivr.sip.identity import parse_identity
from ivr.sip.message import Headers, readable, reason_header

INVITE = read_text(
    "INVITE sip:sales@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
    'f: "A: B" <sip:alice@example.org>;tag=1\r\n'
    "To: <sip:sales%20team:pw@127.0.0.1;user=phone>\r\n"
    "CALL-ID :  abc@host\r\n"
    "\r\n"
    "Call-ID: not this one\r\n"
)


def test_names_in_any_case_and_compact_forms() -> None:
    assert INVITE.call_id == "abc@host" and Headers(INVITE)["call-id"] == "abc@host"
    assert INVITE.value("from") == Headers(INVITE)["from"] == '"A: B" <sip:alice@example.org>;tag=1'
    assert INVITE.value("subject") == "" and "subject" not in Headers(INVITE)


def test_the_body_is_not_searched() -> None:
    assert "not this one" not in str(INVITE.headers) and "not this one" in INVITE.body


def test_the_user_of_an_address() -> None:
    assert parse_identity(Headers(INVITE)["to"]).user == "sales team"
    assert parse_identity('"A: B" <sip:alice@example.org>').user == "alice"
    assert parse_identity("sips:bob@example.org").user == "bob"
    assert parse_identity("<sip:127.0.0.1:5060>").user == ""


def test_headers_are_utf8_or_latin1_line_by_line_without_control_characters() -> None:
    """The last letter of "voilà" is C3 A0 in UTF-8: the second byte is no space at the end of a value."""
    message = read(b"INVITE sip:voil\xc3\xa0@a SIP/2.0\r\nX-A: voil\xc3\xa0\r\nf: Jos\xe9 \x1b[1m\r\n\r\n")
    headers = Headers(message)
    assert (headers["x-a"], headers["from"]) == ("voil\u00e0", "Jos\u00e9 \ufffd[1m")
    assert readable(message.request_uri) == "sip:voil\u00e0@a"


def test_why_a_call_is_ended() -> None:
    assert reason_header("hangup") == 'Q.850;cause=16;text="hangup"'
    assert reason_header("rtp_timeout") == 'Q.850;cause=41;text="rtp_timeout"'


@given(st.text())
def test_no_reason_breaks_out_of_its_header(reason: str) -> None:
    """RFC 3261, 25.1: a quoted-string, with nothing in it that needs quoting."""
    text = reason_header(reason).partition(";text=")[2]
    assert text[0] == text[-1] == '"' and len(text) <= 102
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in text[1:-1])


REDIRECTED = read_text(
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


@given(st.binary(max_size=200) | st.text(alphabet="ab: \t\r\n;", max_size=200).map(str.encode))
def test_headers_of_garbage_are_text(packet: bytes) -> None:
    headers = Headers(read(packet))
    assert all(headers.all(name)[0] == headers[name] for name in headers)
