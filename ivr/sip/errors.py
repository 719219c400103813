"""What the user agent raises."""


class SipError(Exception):
    """The user agent could not start; the text says what to change."""
