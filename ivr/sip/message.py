"""What is read straight from a SIP message (RFC 3261, 7.3)."""

import re
from urllib.parse import unquote


def header(message: str, name: str, compact: str = "") -> str:
    """The value of the first header ``name`` (or its compact form); empty when there is none."""
    wanted = {name.lower(), compact.lower()} - {""}
    for line in message.split("\r\n\r\n", 1)[0].split("\r\n")[1:]:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in wanted:
            return value.strip()
    return ""


_USER = re.compile(r"sips?:([^@;>]*)@", re.IGNORECASE)


def uri_user(address: str) -> str:
    """The user part of the SIP URI in a From or To value; empty when it has none (RFC 3261, 19.1)."""
    found = _USER.search(address)
    return unquote(found.group(1).split(":", 1)[0]) if found else ""
