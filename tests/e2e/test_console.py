"""What ``ivr serve`` shows an operator: a page for a start, some lines for a call, nothing of pjlib's."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import IO

from tests import engine_host
from tests.caller import UserAgent, sounds
from tests.e2e.services import DEMO, Services
from tests.ports import free_port, rtp_ports

LINES_OF_A_CALL = 12
CALL_S = 19.0
PJLIB = re.compile(
    r"^\s*\d\d:\d\d:\d\d\.\d{3}|pj(lib|sua|sip|media)_?\w*\.c\b|PJSUA version|PJLIB", re.MULTILINE
)
"""A line of pjlib's own log."""


def test_a_call_of_19_s_takes_12_lines(services: Services) -> None:
    """The level is info, as set by default; the shared service logs more, each line with its level."""
    service = services.get("demo")
    with UserAgent() as phone:
        began = time.monotonic()
        call = phone.call(service.address)
        time.sleep(2)
        call.media.play(sounds.recording("digits/2")).wait()
        heard = service.wait_event("transcript", 10, call=call.call_id)
        time.sleep(max(0.0, CALL_S - (time.monotonic() - began)))
        call.hangup()
        service.wait_event("call_ended", call=call.call_id)
    lines = [each for each in service.events if each.get("call") == call.call_id]
    shown = [each for each in lines if logging.getLevelName(each["level"].upper()) >= logging.INFO]
    events = [each["event"] for each in shown]
    assert len(shown) <= LINES_OF_A_CALL, "\n".join(map(str, shown))
    assert heard in shown, "the words are shown"
    assert {"call_started", "step_entered", "barge_in", "call_ended"} <= set(events), "and what happened"
    assert len(lines) > len(shown), "details are there at level debug"


def test_pjlib_never_writes_to_standard_output() -> None:
    """A process is watched from start to end, with a call in between; its warnings are lines of our log."""
    port = free_port()
    command = [sys.executable, "-m", "ivr.cli", "serve", str(DEMO), "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--rtp-ports", rtp_ports(), "--log", "console"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **engine_host.settings()},
    )
    written: dict[str, list[str]] = {"out": [], "err": []}
    ready = threading.Event()

    def read(name: str, stream: IO[str] | None) -> None:
        assert stream is not None
        for line in stream:
            written[name].append(line)
            if "ready" in line and name == "err":
                ready.set()

    readers = [
        threading.Thread(target=read, args=("out", process.stdout)),
        threading.Thread(target=read, args=("err", process.stderr)),
    ]
    for reader in readers:
        reader.start()
    try:
        assert ready.wait(60), written
        with UserAgent() as phone:
            call = phone.call(("127.0.0.1", port))
            time.sleep(1)
            call.hangup()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        process.kill()
        for reader in readers:
            reader.join()
    out = "".join(written["out"])
    assert "ready: dial" in out
    assert not PJLIB.search(out), out
    assert not PJLIB.search("".join(written["err"])), "its warnings go through our log"
