"""Tests of who a SIP header names, whatever it says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.gate.raw_message import read
from ivr.sip.identity import Identity, diverting, parse_identities, parse_identity
from ivr.sip.leg import CallLeg
from ivr.sip.message import Headers
from ivr.text import decode_text


@pytest.mark.parametrize(
    ("value", "name", "user", "host"),
    [
        ('"sip:100@x" <sip:200@h>', "sip:100@x", "200", "h"),
        ("sip:100@x <sip:200@h>", "sip:100@x", "200", "h"),
        ('"a\\"b <sip:1@2>" <sip:u@h>', 'a"b <sip:1@2>', "u", "h"),
        ("<sip:+1415;oli=29@h;user=phone>;tag=4", "", "+1415", "h"),
        ("sip:+1415555;npdi@h;tag=1", "", "+1415555", "h"),
        ("<sip:a%20b:secret@[::1]:5060;lr>", "", "a b", "::1"),
        ("<sip:h>", "", "", "h"),
        ("Bob <SIPS:Bob@Example.COM>", "Bob", "Bob", "example.com"),
        ("<sip:%E9@h>", "", "é", "h"),
        ("<sip:%C3%A9@h>", "", "é", "h"),
        ("", "", "", ""),
        ("<", "", "", ""),
        ('"', "", "", ""),
    ],
)
def test_name_user_and_host_are_those_of_the_uri(value: str, name: str, user: str, host: str) -> None:
    found = parse_identity(value)
    assert (found.display_name, found.user, found.host) == (name, user, host)


@pytest.mark.parametrize(
    ("value", "number", "is_global"),
    [
        ("<tel:+49-30-123;phone-context=x>", "+4930123", True),
        ("<tel:201;phone-context=example.com>", "201", False),
        ("<sip:+1(415)555.1234@h;user=phone>", "+14155551234", True),
        ("<sip:anonymous@anonymous.invalid>", "", False),
        ("<sip:a.b-d@h>", "", False),
        ("<tel:12A>", "12A", False),
        ("<sip:*21#@h>", "*21#", False),
    ],
)
def test_a_number_is_read_without_its_separators(value: str, number: str, is_global: bool) -> None:
    found = parse_identity(value)
    assert (found.number, found.is_global_number) == (number, is_global)


@pytest.mark.parametrize(
    ("value", "number", "parameters"),
    [
        ("<sip:+14155551234;oli=29@h>", "+14155551234", {"oli": "29"}),
        ("<sip:+14155551234;npdi;rn=+14155550000@h;user=phone>", "+14155551234", {"rn": "+14155550000"}),
        ("sip:+14155551234;isub=77@h", "+14155551234", {"isub": "77"}),
        ("<tel:+1-415-555-1234;isub=77;npdi>", "+14155551234", {"isub": "77", "npdi": ""}),
        ("tel:+14155551234;rn=+14155550000", "+14155551234", {}),
        ("<sip:%2B4930123@h>", "+4930123", {}),
        ("<sip:%2b49%33%30@h>", "+4930", {}),
        ("<sip:4930%3Boli=29@h>", "", {}),
        ("<sip:49%40example@h>", "", {}),
        ('"sip:100@x" <tel:200>', "200", {}),
        ('"<sip:100@x>" <sip:200@h>', "200", {}),
        ("'<sip:100@x>' <sip:200@h>", "100", {}),
        ('"a" <sip:200@h>;tag="<sip:100@x>"', "200", {}),
    ],
)
def test_the_number_that_is_called_or_calls_is_the_one_of_the_uri(
    value: str, number: str, parameters: dict[str, str]
) -> None:
    found = parse_identity(value)
    assert found.number == number
    assert parameters.items() <= found.uri_parameters.items()


@pytest.mark.parametrize(
    ("diversion", "history", "user"),
    [
        (["<sip:201@h>;reason=no-answer"], [], "201"),
        (["<sip:202@h>, <sip:201@h>"], [], "202"),
        (["<sip:202@h>", "<sip:201@h>"], ["<sip:9@h>;index=1, <sip:8@h>;index=1.1"], "202"),
        ([], ["<sip:201@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:202@h>;index=1.1"], "201"),
        ([], ["<sip:201@h>;index=1", "<sip:202@h>;index=1.1", "<sip:202@x>;index=1.1.1"], "201"),
        ([], ["<sip:201@h>;index=1"], ""),
        (["unknown"], [], ""),
        ([], [], ""),
    ],
)
def test_who_a_call_was_for_before_it_was_sent_on(
    diversion: list[str], history: list[str], user: str
) -> None:
    assert diverting(diversion, history).user == user


def leg(request_uri: str, to: str, **more: Any) -> CallLeg:
    raw = more.pop("raw", "")
    message = read(f"INVITE {request_uri} SIP/2.0\r\n{raw}\r\n".encode())
    commands: Any = None
    line: Any = None
    return CallLeg(
        commands,
        1,
        line,
        lambda: line,
        caller="<sip:100@h>",
        called=to,
        request_uri=request_uri,
        headers=Headers(message),
        **more,
    )


@pytest.mark.parametrize(
    ("request_uri", "to", "account", "called"),
    [
        ("sip:sales@h", "<sip:billing@h>", "", "sales"),
        ("sip:+4930123;npdi@h", "<sip:999@h>", "", "+4930123"),
        ("tel:+49-30-123", "<sip:999@h>", "", "+4930123"),
        ("sip:+49(30)123@h", "<sip:999@h>", "", "+4930123"),
        ("sip:2-01@h", "<sip:999@h>", "", "2-01"),
        ("sip:h", "<sip:billing@h>", "", "billing"),
        ("sip:400@h", "<sip:+4930123@pbx>", "400@pbx", "+4930123"),
        ("sip:sales@h", "<sip:+4930123@pbx>", "400@pbx", "sales"),
    ],
)
def test_what_is_called_is_in_the_request_uri_first(
    request_uri: str, to: str, account: str, called: str
) -> None:
    assert leg(request_uri, to, account=account).called_user == called


def test_an_asserted_identity_counts_from_trusted_peers_only() -> None:
    asserted = 'P-Asserted-Identity: "Boss" <sip:1@h>, <tel:+4930999>\r\n'
    for verified, user in ((True, "1"), (False, "100")):
        found = leg("sip:b@h", "<sip:b@h>", raw=asserted, verified=verified).caller_identity
        assert found.user == user
    for raw in ("", "P-Asserted-Identity: \r\n", "P-Asserted-Identity: <sip:h>\r\n"):
        assert leg("sip:b@h", "<sip:b@h>", raw=raw, verified=True).caller_identity.user == "100"


USERS = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='<>"@;:?,/\\%')
)
NAMES = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_categories=("C",)))


@given(NAMES, USERS.filter(bool), st.sampled_from(["", ";npdi", ";oli=29", ";isub=1;rn=2"]), st.booleans())
def test_no_display_name_and_no_parameter_changes_who_it_is(
    name: str, user: str, inner: str, quoted: bool
) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    shown = f'"{escaped}" ' if quoted else ""
    found = parse_identity(f"{shown}<sip:{user}{inner}@h;user=phone>;tag=1;x=sip:9@y")
    assert (found.user, found.host, found.scheme) == (user, "h", "sip")
    if quoted:
        assert found.display_name == name


def test_parameters_of_header_and_uri_are_kept_apart() -> None:
    found = parse_identity("<sip:1;isub=2@h;transport=tcp>;tag=a;tag=b")
    assert found.uri_parameters == {"isub": "2", "transport": "tcp"}
    assert found.parameters == {"tag": "a"}


def test_a_list_is_read_in_order() -> None:
    users = [each.user for each in parse_identities('"a, b" <sip:1@h>, <sip:2@h;x="c,d">')]
    assert users == ["1", "2"]


def test_a_phone_that_sends_latin_1_is_read_as_it_meant() -> None:
    assert decode_text(b"Jos\xe9") == decode_text("José".encode()) == "José"
    found = parse_identity('"a\x1b[31m" <sip:%ED%A0%80%0d@h>')
    assert "\x1b" not in found.display_name and "\r" not in found.user


@given(st.text())
def test_no_text_raises_and_all_of_it_is_printable(value: str) -> None:
    found = parse_identity(value)
    assert isinstance(found, Identity)
    for text in (found.display_name, found.user, found.host, *found.parameters, *found.uri_parameters):
        text.encode("utf-8")
        assert not any(ord(character) < 32 for character in text)


@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    parse_identity(data.decode("latin-1"))
    parse_identity(data.decode("utf-8", "surrogateescape"))
