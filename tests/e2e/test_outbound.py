"""``ivr call``: the service dials, speaks, is answered and understood; and what it says when it is not."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.caller import UserAgent, measure, sounds
from tests.e2e.outbound import Placed
from tests.e2e.services import Services
from tests.e2e.softphone import Softphone


@pytest.fixture
def callee() -> Iterator[UserAgent]:
    with UserAgent(user="callee") as ua:
        yield ua


def address(ua: UserAgent) -> str:
    return f"sip:{ua.user}@{ua.host}:{ua.port}"


def test_answered_heard_and_understood(services: Services, callee: UserAgent) -> None:
    with Placed(services.plan("test"), address(callee), "--from", "sip:desk@example.org") as placed:
        taken = callee.wait_incoming()
        assert taken.invite is not None and "sip:desk@example.org" in taken.invite.get("From")
        started = placed.find("call_started")[0]
        assert (started["call"], started["direction"]) == (taken.call_id, "out")
        # What is heard before the answer is nobody's answer.
        taken.ring(183, "Session Progress", early_media=True)
        placed.wait_event("call_progress", status=183)
        taken.media.play(sounds.recording("digits/1")).wait()
        time.sleep(0.5)
        assert not taken.media.packets or not measure.loud_times(taken.media.packets)
        taken.answer()
        taken.media.wait_loud(5)
        time.sleep(0.5)
        taken.media.play(sounds.recording("digits/2"))
        placed.wait_event("choice_matched", 8, choice="two", by="speech")
        taken.media.press("9")
        assert taken.ended.wait(8) and taken.ended_by == "them"
        assert placed.wait() == 0
        assert not placed.find("choice_matched", choice="one")
        assert placed.reported == f"{address(callee)}: answered; ended by hangup"
        ended = placed.find("call_ended")[0]
        assert (ended["reason"], ended["codec"]) == ("hangup", "PCMU")


def test_the_callee_hangs_up(services: Services, callee: UserAgent) -> None:
    with Placed(services.plan("test"), address(callee)) as placed:
        taken = callee.wait_incoming()
        taken.answer()
        taken.media.wait_loud(5)
        taken.hangup()
        assert placed.wait() == 0
        assert placed.reported == f"{address(callee)}: answered; ended by callee"


@pytest.mark.parametrize(
    ("status", "phrase", "reported"),
    [(486, "Busy Here", "busy (486 Busy Here)"), (603, "Decline", "refused (603 Decline)")],
)
def test_not_taken(status: int, phrase: str, reported: str, services: Services, callee: UserAgent) -> None:
    with Placed(services.plan("test"), address(callee)) as placed:
        callee.wait_incoming().refuse(status, phrase)
        assert placed.wait() == 1
        assert placed.reported == f"{address(callee)}: {reported}"
        assert not placed.complaints()


def test_nobody_answers(services: Services, callee: UserAgent) -> None:
    with Placed(services.plan("test"), address(callee), "--dial-timeout", "1") as placed:
        taken = callee.wait_incoming()
        taken.ring()
        assert placed.wait() == 1
        assert taken.ended.wait(3)
        assert placed.reported == f"{address(callee)}: no answer"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_while_it_rings(number: signal.Signals, services: Services, callee: UserAgent) -> None:
    with Placed(services.plan("test"), address(callee)) as placed:
        taken = callee.wait_incoming()
        taken.ring()
        placed.wait_event("call_progress", status=180)
        placed.signal(number)
        assert placed.wait() == 130
        assert taken.ended.wait(3) and taken.requests[0].method == "CANCEL"


def test_beside_a_service_on_the_same_port(services: Services, callee: UserAgent) -> None:
    service = services.get("main")
    with Placed(services.plan("test"), address(callee), "--bind", f"127.0.0.1:{service.port}") as placed:
        assert placed.find("port_changed")
        taken = callee.wait_incoming()
        taken.answer()
        taken.media.wait_loud(5)
        taken.hangup()
        assert placed.wait() == 0


@pytest.mark.parametrize(
    ("to", "options", "words"),
    [
        ("101", (), "'101' names no host"),
        ("sip:101@pbx", ("--account", "400"), "no account '400'; there are: none"),
        ("to them", (), "neither an extension such as 101"),
        ("sip:101@127.0.0.1", ("--from", "me and you"), "neither an extension"),
    ],
)
def test_what_cannot_be_dialled(
    to: str, options: tuple[str, ...], words: str, services: Services, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "ivr.cli", "call", str(services.plan("test")), to, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_a_softphone_is_called(services: Services, tmp_path: Path) -> None:
    """baresip answers by itself, says "two" and hears the prompt."""
    phone = Softphone(tmp_path, sounds.silence(2.0) + sounds.recording("digits/2") + sounds.silence(60))
    with phone.waiting() as where, Placed(services.plan("test"), where) as placed:
        placed.wait_event("choice_matched", 10, choice="two", by="speech")
        phone.stop()
        assert placed.wait() == 0
        assert placed.reported == f"{where}: answered; ended by callee"
    heard = phone.heard
    assert measure.dbfs(heard[16000:32000]) > -30
    assert phone.media_addresses == {"127.0.0.1"}


def test_a_softphone_is_transferred(services: Services, callee: UserAgent, tmp_path: Path) -> None:
    """baresip calls, is asked to call somebody else (REFER), and does so; they hear each other."""
    plan = tmp_path / "transfer.yaml"
    plan.write_text(
        "dialplan: 1\nstart: a\nsteps:\n  a:\n    - transfer: {to: '"
        + address(callee)
        + "', timeout: 10s}\n",
        encoding="ascii",
    )
    phone = Softphone(tmp_path, sounds.continuous(("conf-adminmenu",), 20.0), calls=2)
    with phone.waiting() as where, Placed(plan, where) as placed:
        taken = callee.wait_incoming(20)
        taken.ring()
        taken.answer()
        taken.media.wait_loud(5)
        assert placed.wait() == 0
        assert placed.reported == f"{where}: answered; ended by transferred"
        ended = placed.find("transfer_ended")[0]
        assert (ended["outcome"], ended["status"]) == ("answered", 200)
        assert taken.state == "up"
