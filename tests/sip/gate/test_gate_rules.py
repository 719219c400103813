"""The rules of the gate on text alone: wild messages, dialogs, peers, bans."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.gate import raw_message
from ivr.sip.gate.counts import RefusalCounts
from ivr.sip.gate.dialogs import Dialogs
from ivr.sip.gate.hosts import HostAddresses
from ivr.sip.gate.nat import is_behind_nat
from ivr.sip.gate.peers import Peers, SourceLimits
from ivr.sip.gate.request_checks import media_types, refusal, sdp_fault
from ivr.sip.options import SipOptions, Trunk
from tests.hostile.messages import AUDIO, Request, sdp


@given(st.binary())
def test_no_packet_raises(data: bytes) -> None:
    message = raw_message.read(data)
    refusal(message, len(data))
    assert message.status in (0, *range(100, 700))


@given(st.text())
def test_no_session_description_raises(text: str) -> None:
    sdp_fault(text)
    media_types(text)


@given(st.binary(min_size=1, max_size=4), st.integers(min_value=0), st.data())
def test_a_mutated_invite_is_judged(piece: bytes, place: int, data: st.DataObject) -> None:
    packet = bytearray(Request(body=sdp()).data("127.0.0.1", 5999))
    at = place % len(packet)
    packet[at : at + len(piece)] = piece
    message = raw_message.read(bytes(packet))
    refusal(message, len(packet))


def test_a_proper_invite_passes() -> None:
    packet = Request(body=sdp()).data("127.0.0.1", 5999)
    assert refusal(raw_message.read(packet), len(packet)) is None


def test_compact_and_folded_headers_are_read() -> None:
    message = raw_message.read(
        b"INVITE sip:x SIP/2.0\r\nf: <sip:a>\r\n ;tag=1\r\ni:7\r\nv: a\r\nVia: b, c\r\n\r\nbody"
    )
    assert (message.from_tag, message.call_id, message.addresses("via")) == ("1", "7", ["a", "b", "c"])
    assert message.body == "body"


def test_a_tag_in_a_display_name_or_a_uri_is_no_tag() -> None:
    assert raw_message.read(b'BYE sip:x SIP/2.0\r\nTo: ";tag=1" <sip:a;tag=2>\r\n\r\n').to_tag == ""


def test_a_dialog_needs_its_call_id_and_both_tags() -> None:
    dialogs = Dialogs()
    dialogs.opened("call", "ours", "theirs")
    assert dialogs.accepts("INFO", "call", "ours", "theirs")
    for ids in (
        ("other", "ours", "theirs"),
        ("call", "x", "theirs"),
        ("call", "ours", "x"),
        ("call", "ours", ""),
    ):
        assert not dialogs.accepts("INFO", *ids)


def test_an_ended_dialog_takes_no_more_than_the_end_of_its_transactions() -> None:
    dialogs = Dialogs()
    dialogs.opened("call", "ours", "theirs")
    dialogs.ended("call", "ours", "theirs")
    assert not dialogs.accepts("INFO", "call", "ours", "theirs")
    assert not dialogs.accepts("INVITE", "call", "ours", "theirs")
    assert dialogs.accepts("BYE", "call", "ours", "theirs")


def test_dialogs_are_bounded_and_ended_ones_go_first() -> None:
    dialogs = Dialogs(limit=3)
    for name in "abcd":
        dialogs.opened(name, "1", "2")
        if name == "b":
            dialogs.ended("b", "1", "2")
    assert len(dialogs) == 3
    assert dialogs.find("b", "1", "2") is None and dialogs.find("a", "1", "2") is not None


def test_media_types_are_read_by_line() -> None:
    assert media_types(sdp(AUDIO + "m=video 0 RTP/AVP 96\r\n")) == ["audio", "video"]


TRUNK = Trunk(name="carrier", addresses=("192.0.2.0/24",))


@pytest.mark.parametrize(
    ("accept_from", "address", "name"),
    [
        (("loopback", "registrars", "trunks"), "127.0.0.5", "loopback"),
        (("loopback", "registrars", "trunks"), "192.0.2.9", "carrier"),
        (("loopback", "registrars", "trunks"), "198.51.100.1", "registrar"),
        (("loopback", "registrars", "trunks"), "203.0.113.1", None),
        (("registrars",), "127.0.0.1", None),
        (("any",), "203.0.113.1", "any"),
        (("203.0.113.0/24",), "203.0.113.1", "203.0.113.0/24"),
        (("carrier",), "192.0.2.1", "carrier"),
        (("loopback",), "", None),
        (("any",), "::1", None),
    ],
)
def test_a_peer_is_known_by_its_address(accept_from: tuple[str, ...], address: str, name: str | None) -> None:
    options = SipOptions(accept_from=accept_from, trunks=(TRUNK,))
    found = Peers(options, lambda: {"198.51.100.1"}, HostAddresses([])).find(address)
    assert (found.name if found is not None else None) == name


def test_a_trusted_peer_stays_trusted_where_anybody_may_call() -> None:
    peers = Peers(SipOptions(accept_from=("any", "trunks"), trunks=(TRUNK,)), lambda: (), HostAddresses([]))
    found = peers.find("192.0.2.1")
    assert found is not None and found.trusted and found.name == "carrier"


def test_a_trunk_by_name_is_known_by_the_addresses_that_the_name_has_now() -> None:
    answers = {"sip.example.org": ["192.0.2.1"]}
    hosts = HostAddresses(["sip.example.org"], lambda name: answers[name])
    trunk = Trunk(name="carrier", addresses=("SIP.example.org", "198.51.100.7"))
    peers = Peers(SipOptions(trunks=(trunk,)), lambda: (), hosts)
    assert peers.find("192.0.2.1") is None and peers.find("198.51.100.7") is not None
    hosts.resolve_all()
    assert peers.find("192.0.2.1") is not None
    answers["sip.example.org"] = ["192.0.2.2"]
    hosts.resolve_all()
    assert peers.find("192.0.2.1") is None and peers.find("192.0.2.2") is not None
    answers["sip.example.org"] = []
    hosts.resolve_all()
    assert peers.find("192.0.2.2") is not None, "a name server that is away takes no trunk away"


def test_a_slow_name_server_does_not_hold_a_start_up() -> None:
    asked, answer = threading.Event(), threading.Event()

    def resolve(name: str) -> list[str]:
        asked.set()
        answer.wait(5)
        return ["192.0.2.1"]

    hosts = HostAddresses(["slow.example"], resolve)
    starting = threading.Thread(target=hosts.start)
    starting.start()
    assert asked.wait(5) and hosts.of("slow.example") == frozenset()
    answer.set()
    starting.join(5)
    assert hosts.of("slow.example") == {"192.0.2.1"}
    hosts.stop()


def test_everything_that_a_trunk_has_must_fit() -> None:
    trunk = Trunk(name="carrier", addresses=("192.0.2.0/24",), tls_subject="sip.example.org")
    peers = Peers(SipOptions(trunks=(trunk,)), lambda: (), HostAddresses([]))
    assert peers.find("192.0.2.1", ("sip.example.org", "other")) is not None
    assert peers.find("192.0.2.1") is None and peers.find("192.0.2.1", ("other",)) is None
    assert peers.find("198.51.100.1", ("sip.example.org",)) is None


def test_a_trunk_with_a_user_is_no_peer_by_its_address_alone() -> None:
    trunk = Trunk(name="carrier", addresses=("192.0.2.0/24",), user="u", password="secret")
    peers = Peers(SipOptions(trunks=(trunk,)), lambda: (), HostAddresses([]))
    assert peers.find("192.0.2.1") is None
    assert [*peers.accounts("192.0.2.1")] == ["u"] and not peers.accounts("198.51.100.1")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs addresses, tls_subject or user"),
        ({"user": "u"}, "has a user and no password"),
        ({"addresses": ("192.0.2.300",)}, "is neither an IPv4 address or network"),
        ({"addresses": ("2001:db8::1",)}, "is neither an IPv4 address or network"),
        ({"addresses": ("a b",)}, "nor a host name"),
    ],
)
def test_a_trunk_that_nobody_or_anybody_could_be_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Trunk(name="carrier", **fields)


@pytest.mark.parametrize(
    ("contact", "source", "behind"),
    [
        ("10.0.0.1", "203.0.113.1", True),
        ("172.16.0.1", "203.0.113.1", True),
        ("172.32.0.1", "203.0.113.1", False),
        ("192.168.0.1", "127.0.0.9", True),
        ("100.127.0.1", "203.0.113.1", True),
        ("169.254.0.1", "203.0.113.1", True),
        ("10.0.0.1", "10.9.9.9", False),
        ("10.0.0.1", "192.168.0.1", True),
        ("198.51.100.1", "203.0.113.1", False),
        ("phone.example", "203.0.113.1", False),
        ("", "203.0.113.1", False),
    ],
)
def test_a_private_contact_from_another_network_is_behind_nat(
    contact: str, source: str, behind: bool
) -> None:
    assert is_behind_nat(contact, source) is behind


def test_counts_are_reported_once_a_minute_and_only_when_something_was_counted() -> None:
    counts = RefusalCounts(0.0)
    assert counts.totals() is None and counts.report(61.0) is None
    for cause in ("no Via", "no Via", "full"):
        counts.note("dropped" if cause == "no Via" else "refused", cause)
    assert counts.report(59.0) is None
    report = counts.report(60.0)
    causes = {"no Via": 2, "full": 1}
    assert report == {"refused": 1, "dropped": 2, "banned": 0, "causes": causes, "seconds": 60}
    assert counts.report(200.0) is None
    counts.note("banned", "banned")
    assert counts.report(100.0) is None and counts.report(121.0) is not None
    assert counts.totals() == {"refused": 1, "dropped": 2, "banned": 1, "causes": causes | {"banned": 1}}


def test_an_entry_that_is_no_peer_is_refused_with_what_may_be_written() -> None:
    with pytest.raises(
        ValueError, match=r"'lopback' is neither an IPv4 address or network.*nor loopback, registrars"
    ):
        SipOptions(accept_from=("lopback",))


def test_a_source_is_banned_for_a_while_after_too_many_refused_messages() -> None:
    limits = SourceLimits(limit=5, window_s=10, ban_s=60)
    assert not any(limits.counted("a", 0.0) for _ in range(5))
    assert limits.counted("a", 0.0)
    assert limits.banned("a", 59.0) and not limits.banned("a", 61.0)
    assert not limits.banned("b", 1.0)


def test_refused_messages_now_and_then_ban_nobody() -> None:
    limits = SourceLimits(limit=5, window_s=10, ban_s=60)
    assert not any(limits.counted("a", second * 2.5) for second in range(100))
