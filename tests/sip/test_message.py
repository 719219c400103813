from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.message import header, reason_header, uri_user

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
    assert uri_user(header(INVITE, "To", "t")) == "sales team"
    assert uri_user('"A: B" <sip:alice@example.org>') == "alice"
    assert uri_user("sips:bob@example.org") == "bob"
    assert uri_user("<sip:127.0.0.1:5060>") == ""


@given(st.text(max_size=200))
def test_garbage_gives_text(message: str) -> None:
    assert isinstance(header(message, "Call-ID", "i"), str)
    assert isinstance(uri_user(message), str)


def test_why_a_call_is_ended() -> None:
    assert reason_header("hangup") == 'Q.850;cause=16;text="hangup"'
    assert reason_header("rtp_timeout") == 'Q.850;cause=41;text="rtp_timeout"'


@given(st.text())
def test_no_reason_breaks_out_of_its_header(reason: str) -> None:
    """RFC 3261, 25.1: a quoted-string, with nothing in it that needs quoting."""
    text = reason_header(reason).partition(";text=")[2]
    assert text[0] == text[-1] == '"' and len(text) <= 102
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in text[1:-1])
