"""A SIP and RTP caller of the tests' own: pure Python, nothing shared with the service under test.

It dials or answers, sends recorded speech at a chosen moment, and keeps every packet it received
with the kernel's arrival time, so that what is measured is what was on the wire.
"""

from tests.caller.call import Call
from tests.caller.media import Media, Playing
from tests.caller.ua import UserAgent

__all__ = ["Call", "Media", "Playing", "UserAgent"]
