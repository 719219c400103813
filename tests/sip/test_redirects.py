"""A 3xx answer to a call that we place (RFC 3261, 8.1.3.4): reported, or followed where that is allowed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.options import SipOptions
from ivr.sip.redirects import MAX_REDIRECTS, Redirects
from ivr.sip.user_agent import UserAgent
from tests import caller
from tests.caller import message as sip
from tests.ports import free_port, rtp_ports
from tests.sip.test_dial import Watched, dial

DIALED = "sip:201@pbx.example:5070"


def follow(*hosts: str) -> Redirects:
    return Redirects(SipOptions(redirects="follow", redirect_hosts=hosts), DIALED)


@pytest.mark.parametrize(
    "target", ["sip:205@pbx.example:5070", "<sip:205@PBX.example:5070;user=phone>", "sip:pbx.example:5070"]
)
def test_the_host_that_was_dialled_may_name_another_user(target: str) -> None:
    assert follow().refusal(target) is None


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("sip:900@elsewhere.example", "another host"),
        ("sip:900@pbx.example", "another host"),
        ("sip:900@pbx.example.org:5070", "another host"),
        ("sip:900@pbx.example:5070?Replaces=1", "no SIP address"),
        ("sip:900@pbx.example:5070;method=REFER", "no SIP address"),
        ("sip:900@pbx.example:5070;maddr=192.0.2.1", "no SIP address"),
        ("tel:+4990012345", "no SIP address"),
        ("", "no SIP address"),
        ("sip:201@pbx.example:5070", "there before"),
        ("sip:201@pbx.example:5070;x=1", "there before"),
    ],
)
def test_a_callee_cannot_have_us_call_elsewhere(target: str, words: str) -> None:
    assert words in (follow().refusal(target) or "")


def test_a_host_that_is_named_may_be_called() -> None:
    assert follow("other.example").refusal("sip:900@other.example:5060") is None
    assert follow("other.example").refusal("sip:900@third.example") is not None


def test_a_redirect_does_not_leave_tls() -> None:
    secure = Redirects(
        SipOptions(redirects="follow", redirect_hosts=("pbx.example",)), "sips:201@pbx.example"
    )
    assert secure.refusal("sip:205@pbx.example") == "it would leave TLS"
    assert secure.refusal("sips:205@pbx.example") is None


def test_redirects_are_limited_and_do_not_come_back() -> None:
    redirects = follow()
    for number in range(MAX_REDIRECTS):
        assert redirects.refusal(f"sip:{number}@pbx.example:5070") is None
        assert "there before" in (redirects.refusal(f"sip:{number}@pbx.example:5070") or "")
    assert "more than 5" in (redirects.refusal("sip:99@pbx.example:5070") or "")


@given(st.text())
def test_no_target_raises_and_none_is_followed_unless_it_is_written(target: str) -> None:
    follow().refusal(target)
    assert Redirects(SipOptions(), DIALED).refusal(target) == "sip.redirects is refuse"


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., UserAgent]]:
    running: list[UserAgent] = []

    def start(**options: Any) -> UserAgent:
        for agent in running:  # a process may have one
            agent.stop()
        running.clear()
        defaults = {"bind": f"127.0.0.1:{free_port()}", "rtp_ports": rtp_ports(40), "max_calls": 3}
        running.append(UserAgent(SipOptions(**(defaults | options)), None))
        running[-1].start()
        return running[-1]

    yield start
    for agent in running:
        agent.stop()


def redirected(agent: UserAgent, callee: caller.UserAgent, *targets: str) -> tuple[Watched, list[str]]:
    """A call that is answered with each target in turn, then with 404. Returns the Request-URIs too."""
    answers, uris = list(targets), []

    def on_request(request: sip.Message) -> bool:
        if request.method == "INVITE":
            uris.append(request.uri)
            if answers:
                callee.reply(request, 302, "Moved Temporarily", [("Contact", f"<{answers.pop(0)}>")])
            else:
                callee.reply(request, 404, "Not Found")
        return True

    callee.on_request = on_request
    return dial(agent, callee), uris


def test_a_redirect_is_reported_and_not_followed_by_default(start: Callable[..., UserAgent]) -> None:
    agent = start()
    with caller.UserAgent(user="callee") as callee:
        target = f"sip:900@127.0.0.1:{callee.port}"
        watched, uris = redirected(agent, callee, target)
        assert watched.wait("ended") == ("refused", 302)
        assert watched.leg.phrase == f"redirected to <{target}>" and len(uris) == 1


def test_a_redirect_is_followed_where_that_is_allowed_and_not_in_a_loop(
    start: Callable[..., UserAgent],
) -> None:
    agent = start(redirects="follow")
    with caller.UserAgent(user="callee") as callee:
        here = f"127.0.0.1:{callee.port}"
        watched, uris = redirected(agent, callee, f"sip:205@{here}")
        assert watched.wait("ended") == ("refused", 404)
        assert uris == [f"sip:callee@{here}", f"sip:205@{here}"]
        watched, uris = redirected(agent, callee, f"sip:205@{here}", f"sip:callee@{here}")
        assert watched.wait("ended") == ("refused", 302) and len(uris) == 2
        watched, uris = redirected(agent, callee, "sip:900@127.0.0.1:9")
        assert watched.wait("ended") == ("refused", 302) and len(uris) == 1
