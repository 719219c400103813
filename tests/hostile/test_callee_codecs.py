"""A callee may send any codec that it answered with (RFC 3264, 6.1 and 7).

The carrier build hears all of them. The stock wheel asks such a callee at once, by a re-INVITE or UPDATE, to
keep to the first.
"""

import re
import time
from collections.abc import Iterator

import pytest

from tests.caller.rtp import PCMA, PCMU
from tests.hostile.messages import Target
from tests.hostile.rtp_phone import EVENTS, LOUD, RtpPhone, audio_port
from tests.hostile.test_media import carrier
from tests.ports import free_port

COPIED = ("Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:")


class Callee:
    """Answers what the agent sends, with these payload types."""

    def __init__(self, target: Target, payloads: str) -> None:
        self.target, self.payloads = target, payloads
        self.phone = RtpPhone()
        self.narrowed = ""
        """The payload types of the last offer inside the call."""

    def take_call(self) -> None:
        target = self.target
        target.clear()
        target.ask(f"dial sip:callee@{target.host}:{target.port}")
        self.call_id = target.wait("dialed")["call"]
        self._answer_one("INVITE ")
        self._answer_one("ACK ")
        target.wait("confirmed", call=self.call_id)

    def narrow(self) -> None:
        """Answer the offer of a single codec."""
        self._answer_one("INVITE ", "UPDATE ")

    def _answer_one(self, *starts: str) -> None:
        while not (message := self.target.receive(3)).startswith(starts):
            assert message, f"no {starts} came"
        if message.startswith("ACK "):
            return
        offered = re.search(r"^m=audio \d+ \S+ (.*?)\r?$", message, re.MULTILINE)
        self.phone.to = ("127.0.0.1", audio_port(message))
        head = [line for line in message.split("\r\n") if line.startswith(COPIED)]
        to = next(line for line in message.split("\r\n") if line.startswith("To:"))
        if "tag=" in to and offered is not None:
            self.narrowed = offered[1]
        line = self.phone.line(payloads=self.narrowed or self.payloads)
        body = f"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {self.phone.host}\r\nt=0 0\r\n{line}"
        contact = f"Contact: <sip:callee@{self.target.host}:{self.target.port}>"
        head += [to if "tag=" in to else f"{to};tag=callee", contact, "Allow: INVITE, ACK, BYE, UPDATE"]
        head += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        self.target.send("\r\n".join(["SIP/2.0 200 OK", *head, "", body]).encode())

    def heard_ms(self, milliseconds: int, kind: int) -> int:
        self.target.ask(f"heard {self.call_id}")
        self.target.wait("heard", call=self.call_id)
        self.phone.speak(milliseconds, kind=kind)
        time.sleep(0.1)
        self.target.ask(f"heard {self.call_id}")
        return 20 * sum(level > LOUD for level in self.target.wait("heard", call=self.call_id)["levels"])


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=60)
    yield running
    running.close()


@carrier
@pytest.mark.parametrize("payloads", [f"0 8 9 {EVENTS}", f"9 0 8 {EVENTS}"])
def test_a_callee_is_heard_in_each_codec_that_it_answered(target: Target, payloads: str) -> None:
    callee = Callee(target, payloads)
    callee.take_call()
    for kind in (PCMU, PCMA, PCMU):
        assert callee.heard_ms(300, kind) >= 200
    callee.phone.close()


@pytest.mark.skipif(carrier.args[0] is False, reason="the carrier build hears all that was answered")
def test_the_stock_wheel_asks_a_callee_of_several_codecs_to_keep_to_one(target: Target) -> None:
    callee = Callee(target, f"0 8 9 {EVENTS}")
    callee.take_call()
    callee.narrow()
    assert callee.narrowed.split()[0] == str(PCMU) and str(PCMA) not in callee.narrowed.split()
    assert callee.heard_ms(300, PCMU) >= 200
    callee.phone.close()
