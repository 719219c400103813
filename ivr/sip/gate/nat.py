"""Which Contacts cannot be reached from here: private addresses behind another network's NAT. Pure."""

import ipaddress

PRIVATE = tuple(
    ipaddress.IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
)
"""RFC 1918, RFC 6598 (a provider's NAT), RFC 3927 (link-local)."""


def is_behind_nat(contact: str, source: str) -> bool:
    """Whether a Contact with the host ``contact`` is private while its message came from ``source``, which is
    in another network. A host name is not private.
    """
    try:
        there, sender = ipaddress.IPv4Address(contact), ipaddress.IPv4Address(source)
    except ValueError:
        return False
    return any(there in network and sender not in network for network in PRIVATE)
