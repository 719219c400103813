"""The kernel's filter says of every address what the policy of peers says."""

import ipaddress
import random

import pytest

from ivr.sip.gate import source_filter
from ivr.sip.gate.hosts import HostAddresses
from ivr.sip.gate.peers import Peers, SourceLimits
from ivr.sip.gate.source_filter import PEER, STRANGER, Instruction, program
from ivr.sip.options import Registration, SipOptions, Trunk

NETWORKS = [
    ipaddress.IPv4Network(each) for each in ("192.0.2.0/24", "198.51.100.7", "10.0.0.0/9", "10.0.0.1")
]


def run(instructions: list[Instruction], address: str) -> int:
    """What the kernel would do with a packet from there."""
    value, place = 0, 0
    for _ in range(len(instructions)):
        code, if_true, if_false, constant = instructions[place]
        place += 1
        if code == source_filter.RETURN:
            return constant
        if code == source_filter.LOAD_WORD:
            value = int(ipaddress.IPv4Address(address))
        elif code == source_filter.AND:
            value &= constant
        else:
            place += if_true if value == constant else if_false
    raise AssertionError("the program does not end")


@pytest.mark.parametrize("place", range(40))
def test_an_address_is_a_peers_where_a_network_has_it(place: int) -> None:
    dice = random.Random(place)
    sorting = program(NETWORKS)
    network = dice.choice(NETWORKS)
    inside = network[dice.randrange(network.num_addresses)]
    assert run(sorting, str(inside)) == PEER
    anywhere = ipaddress.IPv4Address(dice.randrange(1 << 32))
    assert run(sorting, str(anywhere)) == (PEER if any(anywhere in each for each in NETWORKS) else STRANGER)


def test_the_banned_are_strangers_wherever_they_are() -> None:
    assert run(program(NETWORKS, ["192.0.2.5"]), "192.0.2.5") == STRANGER
    everybody = program(None, ["203.0.113.1", "203.0.113.2"])
    assert [run(everybody, f"203.0.113.{n}") for n in (1, 2, 3)] == [STRANGER, STRANGER, PEER]
    assert run(program(None), "203.0.113.1") == PEER
    assert run(program([]), "127.0.0.1") == STRANGER


def test_what_is_too_much_for_the_kernel_is_left_to_the_gate() -> None:
    banned = [f"203.0.{n // 250}.{n % 250}" for n in range(5000)]
    filled = program(NETWORKS, banned)
    assert len(filled) <= source_filter.MAX_INSTRUCTIONS
    assert run(filled, banned[-1]) == STRANGER and run(filled, "192.0.2.1") == PEER
    networks = [ipaddress.IPv4Network(f"10.{n // 250}.{n % 250}.1") for n in range(5000)]
    filled = program(networks, banned)
    assert len(filled) <= source_filter.MAX_INSTRUCTIONS
    assert run(filled, "192.0.2.99") == PEER and run(filled, banned[-1]) == STRANGER


def policy(**options: object) -> list[str] | None:
    peers = Peers(SipOptions(**options), lambda: ["192.0.2.9"], HostAddresses([]))  # type: ignore[arg-type]
    found = peers.udp_networks()
    return None if found is None else sorted(map(str, found))


def test_networks_are_those_that_may_send_over_udp() -> None:
    assert policy(bind="192.0.2.1:5060") == ["127.0.0.0/8", "192.0.2.1/32", "192.0.2.9/32"]
    named = Trunk(name="carrier", addresses=("198.51.100.0/24",))
    secured = Trunk(name="secure", addresses=(), tls_subject="sip.example.org")
    proved = Trunk(name="roaming", addresses=(), user="u", password="p")
    assert policy(accept_from=("carrier", "secure"), trunks=(named, secured)) == ["198.51.100.0/24"]
    assert policy(accept_from=("carrier", "roaming"), trunks=(named, proved)) is None
    assert policy(accept_from=("any",)) is None
    registration = Registration(registrar="sip:pbx.example.org", user="400")
    assert policy(accept_from=("registrars",), registrations=(registration,)) == ["192.0.2.9/32"]


def test_a_ban_is_known_until_it_ends() -> None:
    limits = SourceLimits(1, 10, 300)
    assert not limits.counted("203.0.113.1", 0) and limits.counted("203.0.113.1", 1)
    assert limits.all_banned(2) == ["203.0.113.1"] and limits.all_banned(302) == []
