"""Errors of the user agent."""

from ivr.errors import IvrError


class SipError(IvrError):
    """The user agent could not start; the text says what to change."""
