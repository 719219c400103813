"""What is read straight from a SIP message (RFC 3261, 7.3)."""


def header(message: str, name: str, compact: str = "") -> str:
    """The value of the first header ``name`` (or its compact form); empty when there is none."""
    wanted = {name.lower(), compact.lower()} - {""}
    for line in message.split("\r\n\r\n", 1)[0].split("\r\n")[1:]:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in wanted:
            return value.strip()
    return ""
