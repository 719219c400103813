"""``ivr test`` with real engines, and over SIP: the demo's own dialogues, and one that must fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests import engine_host

DEMO = Path(__file__).resolve().parents[2] / "dialplans" / "demo.yaml"
STUBBED = """\
dialplan: 1
start: a
steps:
  a:
    - say: "Good evening, {{ call.from }}. It is {{ now.hour }} o'clock."
    - gather:
        prompt: Do you want to be put through to the desk?
        choices:
          "yes": {say: ["yes", "yes please"], press: 1, goto: desk}
          "no": {say: ["no", "no thank you"], press: 2, goto: bye}
  desk:
    - set: {asked: "true"}
    - transfer: {to: "101", busy: {say: The desk is busy at the moment., goto: bye}}
  bye:
    - say: Thank you for your call. Goodbye.
    - hangup: done
"""
TURNS = """\
test: 1
dialogues:
  - name: The desk is busy
    from: "4711"
    now: 2026-03-30T21:15+02:00
    transfers: {"101": busy}
    turns:
      - hears: {pattern: "^Good evening, 4711. It is 21"}
      - hears: {contains: put through to the desk}
      - says: yes please
      - {goes_to: desk, sets: {asked: true}, transferred_to: "101", within: 5s}
      - hears: The desk is busy at the moment.
      - hears: Thank you for your call. Goodbye.
      - hung_up: done
  - name: Keys over the question
    turns:
      - hears: {contains: put through}
      - interrupts: {after: 700ms, presses: "2"}
      - {goes_to: bye, within: 2s}
      - {hears: Thank you for your call. Goodbye., hung_up: done}
  - name: Who does not answer is asked again
    turns:
      - hears: {contains: put through}
      - silent
      - {hears: Are you still there?, within: 8s}
      - hangs_up
      - hung_up: caller_hangup
  - name: It goes elsewhere
    turns:
      - presses: "2"
      - goes_to: desk
"""


@pytest.fixture(autouse=True)
def _models(models: ModelStore) -> None:
    """The engines need theirs."""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ivr.cli", "test", *arguments]
    env = {**os.environ, **engine_host.settings()}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=False)


def stubbed(folder: Path) -> Path:
    (folder / "desk.yaml").write_text(STUBBED, encoding="utf-8")
    (folder / "desk.test.yaml").write_text(TURNS, encoding="utf-8")
    return folder / "desk.yaml"


def fails_where_it_must(done: "subprocess.CompletedProcess[str]") -> None:
    reported = done.stdout + done.stderr
    assert done.returncode == 1, reported
    wrong = "test.yaml:31:9: It goes elsewhere: expected it to go to the step 'desk', it was 'a', then 'bye'"
    assert wrong in reported, reported
    assert re.search(r"4 dialogues, \d+ turns: 1 failed", reported), reported


def test_in_memory(tmp_path: Path) -> None:
    fails_where_it_must(run(str(stubbed(tmp_path))))


def test_with_real_engines(tmp_path: Path) -> None:
    fails_where_it_must(run(str(stubbed(tmp_path)), "--speech"))


@pytest.mark.timing  # what is played must arrive in time
@pytest.mark.system  # most of a minute
def test_over_sip(tmp_path: Path) -> None:
    done = run(str(stubbed(tmp_path)), "--sip", "--coverage", "--junit", str(tmp_path / "report.xml"))
    fails_where_it_must(done)
    assert "no dialogue goes through the choice yes" not in done.stdout
    assert 'failures="1"' in (tmp_path / "report.xml").read_text(encoding="utf-8")


def test_the_demo_with_real_engines() -> None:
    done = run(str(DEMO), "--speech")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timing  # what is played must arrive in time
@pytest.mark.system  # most of a minute
def test_the_demo_over_sip() -> None:
    done = run(str(DEMO), "--sip", "-k", "greeting")
    assert done.returncode == 0, done.stdout + done.stderr
