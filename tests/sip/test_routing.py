import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.options import Registration
from ivr.sip.routing import dial_uri, domain_of, route

PBX = Registration(registrar="pbx.example.org", user="400")
OTHER = Registration(registrar="sip:127.0.0.1:5070;transport=tcp", user="ivr")


@pytest.mark.parametrize(
    ("text", "domain", "uri"),
    [
        ("101", "pbx:5070", "sip:101@pbx:5070"),
        ("101", "pbx;transport=tcp", "sip:101@pbx;transport=tcp"),
        ("*97#", "pbx", "sip:*97%23@pbx"),
        ("101@other", "pbx", "sip:101@other"),
        ("sip:101@other;user=phone", "pbx", "sip:101@other;user=phone"),
        ("SIPS:bob@other", "", "SIPS:bob@other"),
        ("sip:10.0.0.1:5070", "", "sip:10.0.0.1:5070"),
        ("tel:+49-30-(123)", "pbx", "sip:+4930123@pbx;user=phone"),
        (" 101 ", "pbx", "sip:101@pbx"),
    ],
)
def test_what_is_dialled(text: str, domain: str, uri: str) -> None:
    assert dial_uri(text, domain) == uri


@pytest.mark.parametrize(
    ("text", "domain", "words"),
    [
        ("101", "", "names no host"),
        ("", "pbx", "neither an extension"),
        ("one zero one", "pbx", "neither an extension"),
        ("sip:", "pbx", "not a SIP address"),
        ("sip:101@pbx?Replaces=x", "", "not a SIP address"),
        ("sip:101@pbx>\r\nEvil: 1", "", "not a SIP address"),
        ("101@", "pbx", "not an address"),
        ('1"1@pbx', "", "not an address"),
    ],
)
def test_what_cannot_be_dialled(text: str, domain: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dial_uri(text, domain)


@given(st.text(), st.sampled_from(["", "pbx:5070"]))
def test_nothing_that_is_dialled_breaks_a_header(text: str, domain: str) -> None:
    try:
        uri = dial_uri(text, domain)
    except ValueError:
        return
    assert uri.lower().startswith(("sip:", "sips:"))
    assert not set(uri) & set(' \t\r\n<>"?')
    assert domain_of(uri)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("<sip:asterisk@127.0.0.1:5070>", "127.0.0.1:5070"),
        ('"A: sip:x@evil" <sip:a@pbx;transport=TCP>;expires=60', "pbx;transport=tcp"),
        ("<sip:pbx;transport=udp>", "pbx"),
        ("<sips:a@pbx>", "pbx;transport=tls"),
        ("tel:123", ""),
        ("", ""),
    ],
)
def test_where_an_extension_belongs(address: str, domain: str) -> None:
    assert domain_of(address) == domain


def test_the_account_is_the_one_that_fits_the_address() -> None:
    both = (PBX, OTHER)
    assert route("sip:101@PBX.example.org:5060", both).account == 1
    assert route("sip:101@127.0.0.1:5070", both).account == 2
    assert route("sip:101@elsewhere", both).account == 0
    assert route("sip:101@elsewhere", both).domain == "elsewhere"
    by_name = route("sip:101@elsewhere", both, "400@pbx.example.org")
    assert (by_name.account, by_name.domain) == (1, "pbx.example.org")
    assert route("101", both, "ivr").uri == "sip:101@127.0.0.1:5070;transport=tcp"
    assert route("101", (PBX,)).uri == "sip:101@pbx.example.org"


def test_an_account_or_a_host_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="names no host"):
        route("101", ())
    with pytest.raises(ValueError, match="names no host"):
        route("101", (PBX, OTHER))
    with pytest.raises(ValueError, match=r"no account 'x'; there are: none; add one"):
        route("101", (), "x")
    with pytest.raises(ValueError, match=r"no account 'x'; there are: 400@pbx.example.org"):
        route("101", (PBX,), "x")
    with pytest.raises(ValueError, match="more than one account '400'"):
        route("101", (PBX, Registration(registrar="b", user="400")), "400")


TLS = Registration(registrar="sip:pbx.example.org;transport=tls", user="400")


@pytest.mark.parametrize(
    ("text", "registration", "uri", "account", "transport"),
    [
        ("sip:101@elsewhere", PBX, "sip:101@elsewhere", 0, "udp"),
        ("sips:101@elsewhere", PBX, "sips:101@elsewhere", 0, "tls"),
        ("101", TLS, "sip:101@pbx.example.org;transport=tls", 1, "tls"),
        ("101@pbx.example.org", TLS, "sip:101@pbx.example.org;transport=tls", 1, "tls"),
        ("101@pbx.example.org:5061", TLS, "sip:101@pbx.example.org:5061;transport=tls", 1, "tls"),
        ("101@pbx.example.org:5060", TLS, "sip:101@pbx.example.org:5060", 0, "udp"),
        ("sip:101@pbx.example.org;transport=tcp", TLS, "sip:101@pbx.example.org;transport=tcp", 0, "tcp"),
        (
            "101",
            Registration(registrar="sips:pbx.example.org", user="400"),
            "sip:101@pbx.example.org;transport=tls",
            1,
            "tls",
        ),
        (
            "101",
            Registration(registrar="pbx", user="400", outbound_proxy="sip:edge;transport=tls"),
            "sip:101@pbx",
            1,
            "tls",
        ),
    ],
)
def test_what_the_first_hop_goes_over(
    text: str, registration: Registration, uri: str, account: int, transport: str
) -> None:
    where = route(text, (registration,))
    assert (where.uri, where.account, where.transport) == (uri, account, transport)


def test_an_account_over_tls_is_used_over_tls_only() -> None:
    with pytest.raises(ValueError, match="TLS only; add ;transport=tls"):
        route("sip:101@elsewhere", (TLS,), "400")
    assert route("sip:101@elsewhere;transport=tls", (TLS,), "400").account == 1
