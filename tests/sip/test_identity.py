"""Tests of who a SIP header names, whatever it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.identity import Identity, parse_identities, parse_identity
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
        ("<sip:*21#@h>", "*21#", False),
    ],
)
def test_a_number_is_read_without_its_separators(value: str, number: str, is_global: bool) -> None:
    found = parse_identity(value)
    assert (found.number, found.is_global_number) == (number, is_global)


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
