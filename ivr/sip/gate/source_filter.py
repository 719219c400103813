"""A program for the kernel that sorts packets of peers and of strangers by their IPv4 source. Pure.

It is classic BPF, for a group of UDP sockets at one address (``SO_ATTACH_REUSEPORT_CBPF``, Linux 4.5): what
it returns is the number of the socket that gets the packet.
"""

import ipaddress
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence

PEER, STRANGER = 0, 1
"""Which socket gets a packet: the first one bound is pjsip's."""
MAX_INSTRUCTIONS = 4096
"""BPF_MAXINSNS."""

Instruction = tuple[int, int, int, int]
"""Opcode, jump if true, jump if false, constant."""

LOAD_WORD, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
SOURCE = 0xFFF00000 + 12
"""The source address of the IPv4 header (RFC 791, 3.1), from SKF_NET_OFF on."""
_NO_MASK = 0xFFFFFFFF


def program(
    networks: Iterable[ipaddress.IPv4Network] | None, banned: Sequence[str] = ()
) -> list[Instruction]:
    """Sort by source: ``networks`` are the peers' (None: everybody's), but for the addresses in ``banned``.

    What does not fit is left out on the side of more work for us: the first of the banned, or, when there are
    too many networks, all of them.
    """
    allowed: list[Instruction] = []
    if networks is not None:
        for mask, addresses in sorted(_by_mask(networks).items(), reverse=True):
            allowed += _jumps(mask, addresses, PEER)
    everybody = networks is None or len(allowed) >= MAX_INSTRUCTIONS
    if everybody:
        allowed = []
    room = (MAX_INSTRUCTIONS - len(allowed) - 2) // 2
    last = [int(ipaddress.IPv4Address(address)) for address in banned[-room:]] if room > 0 else []
    refused = _jumps(_NO_MASK, last, STRANGER) if last else []
    return [*refused, *allowed, (RETURN, 0, 0, PEER if everybody else STRANGER)]


def pack(instructions: Iterable[Instruction]) -> bytes:
    """The program as an array of ``struct sock_filter``."""
    return b"".join(struct.pack("HBBI", *each) for each in instructions)


def _by_mask(networks: Iterable[ipaddress.IPv4Network]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for network in ipaddress.collapse_addresses(networks):
        found[int(network.netmask)].append(int(network.network_address))
    return found


def _jumps(mask: int, addresses: Sequence[int], result: int) -> list[Instruction]:
    load: list[Instruction] = [(LOAD_WORD, 0, 0, SOURCE)]
    if mask != _NO_MASK:
        load.append((AND, 0, 0, mask))
    # A conditional jump reaches 255 instructions: each address has its own return.
    return load + [
        each for address in addresses for each in ((JUMP_IF_EQUAL, 0, 1, address), (RETURN, 0, 0, result))
    ]
