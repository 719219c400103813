"""Calls that the user agent places, over real SIP and RTP, to our own caller as the callee."""

import itertools
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ivr.audio.frames import LINE_FRAME
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import Registration, SipOptions
from ivr.sip.pjsip.endpoint import SipError
from ivr.sip.user_agent import UserAgent
from tests import caller
from tests.caller import digest, measure, rtp, sounds
from tests.caller import message as sip
from tests.caller.message import Message
from tests.ports import free_port, rtp_ports


class Watched:
    """A leg and what its listener received, in order."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.leg: CallLeg
        self.all: list[tuple[Any, ...]] = []

    def on_call(self, leg: CallLeg) -> LegListener:
        self.leg = leg
        listener = LegListener()

        def receiver(name: str) -> Callable[..., None]:
            return lambda *said: self.received.put((name, *said))

        for name in ("dialed", "progress", "early_media", "confirmed", "key_pressed", "transferred", "ended"):
            setattr(listener, name, receiver(name))
        return listener

    def wait(self, name: str, timeout: float = 5.0) -> tuple[Any, ...]:
        """Return what the next event of that name brought; others are kept in ``all``."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                said = self.received.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {name} within {timeout:g} s, but {self.all}") from None
            self.all.append(said)
            if said[0] == name:
                return said[1:]


class Answering(LegListener):
    """Answers a call that comes in."""

    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg

    def offered(self) -> None:
        self._leg.answer()


@pytest.fixture
def callee() -> Iterator[caller.UserAgent]:
    with caller.UserAgent(user="callee") as ua:
        yield ua


@pytest.fixture
def start() -> Iterator[Callable[..., UserAgent]]:
    running: list[UserAgent] = []

    def start(on_call: Callable[[CallLeg], LegListener] | None = None, **options: Any) -> UserAgent:
        defaults = {"bind": f"127.0.0.1:{free_port()}", "rtp_ports": rtp_ports(40), "max_calls": 3}
        agent = UserAgent(SipOptions(**(defaults | options)), on_call)
        agent.start()
        running.append(agent)
        return agent

    yield start
    for agent in running:
        agent.stop()


def dial(agent: UserAgent, to: caller.UserAgent, **options: Any) -> Watched:
    watched = Watched()
    agent.dial(f"sip:{to.user}@{to.host}:{to.port}", watched.on_call, **options)
    return watched


def up(agent: UserAgent, callee: caller.UserAgent) -> tuple[Watched, caller.Call]:
    """A call that was answered."""
    ours = dial(agent, callee)
    theirs = callee.wait_incoming()
    theirs.answer()
    ours.wait("confirmed")
    return ours, theirs


def test_rings_is_answered_and_sound_flows_both_ways(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    agent = start()
    ours = dial(agent, callee)
    theirs = callee.wait_incoming()
    invite = theirs.invite
    assert invite is not None and theirs.description is not None
    assert invite.uri == f"sip:callee@127.0.0.1:{callee.port}"
    assert sip.address_of(sip.uri_of(invite.get("Contact"))) == ("127.0.0.1", _port(agent))
    assert theirs.description.host == "127.0.0.1"
    ours.wait("dialed")
    assert ours.leg.call_id == theirs.call_id and ours.leg.outgoing
    theirs.ring()
    assert ours.wait("progress") == (180, "Ringing")
    theirs.answer()
    ours.wait("confirmed")
    assert agent.active_calls == 1
    theirs.media.play(sounds.recording("digits/2")).wait()
    assert loudest_dbfs(ours.leg) > -30
    theirs.hangup()
    assert ours.wait("ended") == ("callee", 200)
    assert agent.active_calls == 0


def loudest_dbfs(leg: CallLeg) -> float:
    """Samples of the frames that the other side sent last."""
    line = leg.line
    frames = line.bank.received[line.row].reshape(-1, LINE_FRAME)
    return max(measure.dbfs(frame.tobytes()) for frame in frames)


def _port(agent: UserAgent) -> int:
    return int(agent.options.bind.rpartition(":")[2])


def test_early_media_is_heard_before_the_answer(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    ours = dial(start(), callee)
    theirs = callee.wait_incoming()
    theirs.ring(183, "Session Progress", early_media=True)
    ours.wait("early_media")
    assert ("progress", 183, "Session Progress") in ours.all or ours.wait("progress")[0] == 183
    theirs.media.play(sounds.recording("digits/1")).wait()
    assert loudest_dbfs(ours.leg) > -30
    assert ("confirmed",) not in ours.all
    theirs.answer()
    ours.wait("confirmed")
    ours.leg.hangup("done")
    assert ours.wait("ended")[0] == "done"
    assert theirs.ended.wait(3) and theirs.ended_by == "them"


@pytest.mark.parametrize(
    ("status", "phrase", "reason"),
    [
        (486, "Busy Here", "busy"),
        (480, "Temporarily Unavailable", "noanswer"),
        (603, "Decline", "refused"),
        (404, "Not Found", "refused"),
        (302, "Moved Temporarily", "refused"),
    ],
)
def test_not_answered(
    status: int, phrase: str, reason: str, start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    agent = start()
    ours = dial(agent, callee)
    callee.wait_incoming().refuse(status, phrase)
    assert ours.wait("ended") == (reason, status)
    assert ours.leg.phrase == phrase
    assert ours.all[0] == ("dialed",) and ("confirmed",) not in ours.all
    assert agent.active_calls == 0 and agent.bridge_ports() == 0


def test_rings_too_long(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    ours = dial(start(dial_timeout_s=1.0), callee)
    theirs = callee.wait_incoming()
    theirs.ring()
    assert ours.wait("ended")[0] == "noanswer"
    assert theirs.ended.wait(3) and theirs.ended_by == "them"
    assert [r.method for r in theirs.requests if r.method != "ACK"] == ["CANCEL"]


def test_cancelled_before_the_answer(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    ours = dial(start(), callee)
    theirs = callee.wait_incoming()
    theirs.ring()
    ours.wait("progress")
    ours.leg.hangup("changed my mind")
    assert ours.wait("ended") == ("changed my mind", 487)
    assert theirs.ended.wait(3)


def test_answered_in_the_moment_it_is_cancelled(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    """The 200 crosses the CANCEL: it is acknowledged and the call ended (RFC 3261, 9.1, 15)."""
    agent = start()
    ours = dial(agent, callee)
    theirs = callee.wait_incoming()
    ours.wait("dialed")
    # Nothing provisional has come, so the CANCEL has to wait, and the answer comes first.
    ours.leg.hangup("late")
    assert ours.wait("ended")[0] == "late"
    theirs.answer()
    assert theirs.wait_request("ACK") and theirs.wait_request("BYE")
    assert theirs.ended.wait(3)


def test_nobody_there_at_all(start: Callable[..., UserAgent]) -> None:
    """A port without a phone. The slot stays taken until SIP has given up, and admission knows."""
    agent = start(dial_timeout_s=1.0, max_calls=1)
    watched = Watched()
    agent.dial(f"sip:nobody@127.0.0.1:{free_port()}", watched.on_call)
    assert watched.wait("ended")[0] in ("noanswer", "failed")
    if watched.all[-1][1] == "noanswer":
        with caller.UserAgent(user="callee") as callee:
            second = dial(agent, callee)
            assert second.wait("ended") == ("full", 503)
            assert second.all[0] == ("dialed",)


def test_no_more_calls_than_are_held(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    agent = start(Answering, max_calls=2)
    (first, theirs), _ = up(agent, callee), up(agent, callee)
    third = dial(agent, callee)
    assert third.wait("ended") == ("full", 503)
    with caller.UserAgent() as other:
        assert other.dial(("127.0.0.1", _port(agent))).answered().status == 503
        theirs.hangup()
        first.wait("ended")
        incoming = other.call(("127.0.0.1", _port(agent)))
        assert dial(agent, callee).wait("ended") == ("full", 503)
        incoming.close()
    agent.drain()
    assert dial(agent, callee).wait("ended") == ("draining", 503)


def test_an_agent_that_takes_no_calls_says_so_and_registers_nowhere(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    account = Registration(registrar=f"127.0.0.1:{callee.port}", user="400", password="x")
    agent = start(None, registrations=(account,))
    call = callee.dial(("127.0.0.1", _port(agent)))
    assert call.answered().status == 503
    assert callee.options(("127.0.0.1", _port(agent))).status == 503
    assert not [m for m in callee.received if m.method == "REGISTER"]


def test_bound_to_all_addresses_it_says_a_real_one(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    agent = start(bind=f"0.0.0.0:{free_port()}")
    ours = dial(agent, callee)
    theirs = callee.wait_incoming()
    assert theirs.invite is not None and "0.0.0.0" not in theirs.invite.encode().decode()
    assert "0.0.0.0" not in ours.leg.caller
    theirs.refuse(603, "Decline")
    ours.wait("ended")


def test_calls_itself(start: Callable[..., UserAgent]) -> None:
    taken: queue.Queue[CallLeg] = queue.Queue()

    def take(leg: CallLeg) -> LegListener:
        taken.put(leg)
        return Answering(leg)

    agent = start(take)
    ours = Watched()
    agent.dial(f"sip:me@127.0.0.1:{_port(agent)}", ours.on_call)
    ours.wait("confirmed")
    assert taken.get(timeout=2).call_id == ours.leg.call_id
    assert agent.active_calls == 2
    ours.leg.hangup("done")
    ours.wait("ended")


class Challenger:
    """Asks for a digest before an INVITE is offered."""

    def __init__(self, ua: caller.UserAgent, user: str, password: str, status: int) -> None:
        self.ua, self.user, self.password, self.status = ua, user, password, status
        self.challenged = 0
        ua.on_request = self._on_request

    def _on_request(self, request: Message) -> bool:
        proof, ask = {
            401: ("Authorization", "WWW-Authenticate"),
            407: ("Proxy-Authorization", "Proxy-Authenticate"),
        }[self.status]
        if request.method != "INVITE":
            return False
        if digest.proves(request.get(proof), "INVITE", self.user, self.password, "abc"):
            return False
        self.challenged += 1
        challenge = 'Digest realm="pbx", nonce="abc", algorithm=MD5, qop="auth"'
        self.ua.reply(request, self.status, "Prove it", [(ask, challenge)])
        return True


@pytest.mark.parametrize("status", [401, 407])
def test_the_account_proves_who_it_is(
    status: int, start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    challenger = Challenger(callee, "400", "secret", status)
    account = Registration(registrar=f"127.0.0.1:{callee.port}", user="400", password="secret")
    agent = start(None, registrations=(account,))
    ours = Watched()
    agent.dial("101", ours.on_call)
    theirs = callee.wait_incoming()
    assert challenger.challenged == 1
    assert theirs.invite is not None
    assert theirs.invite.uri == f"sip:101@127.0.0.1:{callee.port}"
    assert sip.uri_of(theirs.invite.get("From")) == "sip:400@127.0.0.1"
    theirs.answer()
    ours.wait("confirmed")
    theirs.hangup()
    ours.wait("ended")


def test_a_wrong_password_is_refused(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    Challenger(callee, "400", "secret", 401)
    account = Registration(registrar=f"127.0.0.1:{callee.port}", user="400", password="wrong")
    ours = Watched()
    start(None, registrations=(account,)).dial("101", ours.on_call)
    assert ours.wait("ended") == ("refused", 401)


def test_by_an_outbound_proxy_and_under_another_name(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    account = Registration(
        registrar="pbx.invalid", user="400", password="x", outbound_proxy=f"127.0.0.1:{callee.port}"
    )
    agent = start(None, registrations=(account,))
    ours = Watched()
    agent.dial("sip:101@pbx.invalid", ours.on_call, caller="0301234")
    theirs = callee.wait_incoming()
    assert theirs.invite is not None
    assert theirs.invite.uri == "sip:101@pbx.invalid"
    assert theirs.invite.get("Route").startswith(f"<sip:127.0.0.1:{callee.port};lr>")
    assert sip.uri_of(theirs.invite.get("From")) == "sip:0301234@pbx.invalid"
    theirs.refuse(486, "Busy Here")
    assert ours.wait("ended") == ("busy", 486)


def test_what_cannot_be_dialled_is_reported_at_once(start: Callable[..., UserAgent]) -> None:
    agent = start()
    with pytest.raises(ValueError, match="names no host"):
        agent.dial("101", lambda leg: LegListener())
    agent.stop()
    with pytest.raises(SipError, match="stopped"):
        agent.dial("sip:101@127.0.0.1", lambda leg: LegListener())


def test_a_reliable_183_is_acknowledged(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    """RFC 3262: who answers may want its provisional responses acknowledged."""
    ours = dial(start(), callee)
    theirs = callee.wait_incoming()
    assert theirs.invite is not None and "100rel" in theirs.invite.get("Supported")
    theirs.ring(183, "Session Progress", early_media=True, reliable=True)
    prack = theirs.wait_request("PRACK")
    assert prack.get("RAck") == f"1 {theirs.invite.cseq[0]} INVITE"
    ours.wait("early_media")
    theirs.answer()
    ours.wait("confirmed")
    theirs.hangup()
    ours.wait("ended")


def test_keys_at_the_wire(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    """Telephone-events as RFC 4733 has them: one timestamp an event, growing durations, three ends."""
    ours, theirs = up(start(), callee)
    keys = "1*#0D"
    ours.leg.send_dtmf(keys)
    pressed = rtp.keys_of
    assert theirs.media.wait_for(lambda packets: len(pressed(packets)) == len(keys), 6)
    time.sleep(0.2)
    events = pressed(theirs.media.packets)
    assert "".join(event.key for event in events) == keys
    for event in events:
        assert event.markers == 1 and event.packets[0].marker
        assert event.durations == sorted(event.durations)
        assert 640 <= event.durations[-1] <= 2400  # 80 to 300 ms at 8 kHz
        assert event.ends == 3
        assert {packet.ssrc for packet in event.packets} == {event.packets[0].ssrc}
        assert event.packets[0].payload_type == 101
    # Events do not overlap: the next begins where the one before has ended, or later.
    for before, after in itertools.pairwise(events):
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF >= before.durations[-1]
    theirs.hangup()
    ours.wait("ended")


# -- transfer


def test_a_transfer_is_followed_to_the_answer(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    ours, theirs = up(start(), callee)
    ours.leg.transfer("102", 10)
    refer = theirs.wait_request("REFER")
    assert refer.get("Refer-To") == f"<sip:102@127.0.0.1:{callee.port}>"
    for line in ("100 Trying", "180 Ringing"):
        assert theirs.notify(line).status == 200
    assert theirs.notify("200 OK", "terminated;reason=noresource").status == 200
    (end,) = ours.wait("transferred")
    assert (end.outcome, end.status, end.reason) == ("answered", 200, "OK")
    ours.leg.hangup("transferred")
    assert theirs.ended.wait(3) and theirs.ended_by == "them"
    assert ours.wait("ended") == ("transferred", 200)


@pytest.mark.parametrize("event", ["refer", "refer;id={}"])
@pytest.mark.parametrize(
    ("line", "outcome"),
    [("486 Busy Here", "busy"), ("480 Temporarily Unavailable", "noanswer"), ("404 Not Found", "refused")],
)
def test_a_transfer_that_fails_leaves_the_call_up(
    event: str, line: str, outcome: str, start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    ours, theirs = up(start(), callee)
    ours.leg.transfer("sip:102@elsewhere", 10)
    refer = theirs.wait_request("REFER")
    theirs.notify("100 Trying", event=event.format(refer.cseq[0]))
    theirs.notify(line, "terminated;reason=noresource", event.format(refer.cseq[0]))
    (end,) = ours.wait("transferred")
    assert (end.outcome, f"{end.status} {end.reason}") == (outcome, line)
    # And a second one, with its own NOTIFYs, works.
    theirs.requests.clear()
    ours.leg.transfer("103", 10)
    again = theirs.wait_request("REFER")
    assert "103" in again.get("Refer-To")
    for line in ("180 Ringing", "200 OK"):
        assert theirs.notify(line, event=event.format(again.cseq[0])).status == 200
    assert ours.wait("transferred")[0].outcome == "answered"
    theirs.hangup()
    assert ours.wait("ended")[0] == "transferred"


@pytest.mark.parametrize("answer", [(603, "Decline"), (405, "Method Not Allowed"), (404, "Not Found")])
def test_a_refer_that_is_refused(
    answer: tuple[int, str], start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    ours, theirs = up(start(), callee)
    theirs.refer_answer = (*answer, ())
    ours.leg.transfer("102", 10)
    (end,) = ours.wait("transferred")
    assert (end.outcome, end.status, end.reason) == ("refused", *answer)
    theirs.hangup()
    assert ours.wait("ended")[0] == "callee"


def test_a_notify_that_never_comes(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    ours, theirs = up(start(), callee)
    ours.leg.transfer("102", 1.0)
    (end,) = ours.wait("transferred", 4)
    assert (end.outcome, end.status) == ("noanswer", 408)
    assert not theirs.ended.is_set()
    # When it comes late after all the caller is talking to somebody: our call is one too many.
    assert theirs.notify("200 OK", "terminated").status == 200
    assert ours.wait("ended")[0] == "transferred"


def test_who_leaves_in_mid_transfer(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    agent = start()
    ours, theirs = up(agent, callee)
    ours.leg.transfer("102", 10)
    theirs.wait_request("REFER")
    theirs.notify("180 Ringing")
    theirs.hangup()
    assert ours.wait("transferred")[0].outcome == "left"
    assert ours.wait("ended")[0] == "transferred"
    # What is reported after that is nobody's: another call in the same place does not hear of it.
    other, others = up(agent, callee)
    other.leg.transfer("103", 10)
    others.wait_request("REFER")
    theirs.notify("200 OK", "terminated")
    time.sleep(0.2)
    assert other.received.empty()
    others.notify("486 Busy Here", "terminated")
    assert other.wait("transferred")[0].outcome == "busy"
    others.hangup()
    other.wait("ended")


def test_one_transfer_at_a_time_and_not_before_the_answer(
    start: Callable[..., UserAgent], callee: caller.UserAgent
) -> None:
    ours = dial(start(), callee)
    theirs = callee.wait_incoming()
    ours.wait("dialed")
    ours.leg.transfer("102", 10)
    assert ours.wait("transferred")[0].reason == "not answered yet"
    theirs.answer()
    ours.wait("confirmed")
    ours.leg.transfer("102", 10)
    theirs.wait_request("REFER")
    ours.leg.transfer("103", 10)
    assert ours.wait("transferred")[0].reason == "another transfer is under way"
    theirs.notify("200 OK", "terminated")
    assert ours.wait("transferred")[0].outcome == "answered"
    with pytest.raises(ValueError, match="neither an extension"):
        ours.leg.transfer("not an extension", 10)
    theirs.hangup()
    ours.wait("ended")


def test_a_notify_that_nobody_asked_for(start: Callable[..., UserAgent], callee: caller.UserAgent) -> None:
    ours, theirs = up(start(), callee)
    assert theirs.notify("200 OK", "terminated").status == 481
    assert theirs.request("NOTIFY").final().status == 489
    theirs.hangup()
    assert ours.wait("ended")[0] == "callee"
