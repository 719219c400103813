"""``ivr simulate`` through a terminal, and what it saves; ``ivr test`` and ``ivr graph`` as commands."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ivr.cli import main
from ivr.lab.simulate import SimulateOptions, SimulationError, simulate
from ivr.service.config.settings import Settings

DEMO = Path(__file__).resolve().parents[2] / "dialplans" / "demo.yaml"
PLAN = """\
dialplan: 1
start: a
variables: {tries: 1}
steps:
  a:
    - set: {tries: tries + 1}
    - gather:
        prompt: "You are {{ call.from }}. One or two?"
        choices:
          one: {say: one, press: 1, goto: b}
          two: {press: 2, goto: b}
  b:
    - transfer: {to: "101", busy: a}
"""


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "ivr.cli", *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            close_fds=True,
            env={**os.environ, "TERM": "dumb"},
        )
        os.close(slave)
        self.text = ""

    def wait(self, pattern: str, timeout: float = 20.0) -> None:
        """Wait until that is on the screen, after what was waited for before."""
        until = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text)
            if found is not None:
                self.text = self.text[found.end() :]
                return
            left = until - time.monotonic()
            assert left > 0 and self._read(left), f"no {pattern!r} in {self.text!r}"

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def ends(self) -> int:
        while self._read(20):
            pass
        os.close(self.master)
        return self.process.wait(20)

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


def test_a_call_at_a_terminal_is_saved_and_passes(tmp_path: Path) -> None:
    saved = tmp_path / "mine.test.yaml"
    terminal = Terminal("simulate", str(DEMO), "--save", str(saved), "--name", "Typed")
    terminal.wait("service +Welcome to the demo line")
    terminal.wait(r"\[listening, no input after 5 s; step menu, line \d+\]")
    terminal.wait("> ")
    terminal.type("billing please\n")
    terminal.wait("step +billing")
    terminal.wait("> ")
    terminal.type("\n")
    terminal.wait("no input +1 of 3")
    terminal.wait("> ")
    terminal.type("3\n")
    terminal.wait("step +hours")
    terminal.wait("> ")
    terminal.type("\x04")
    terminal.wait("the end: +caller hung up")
    terminal.wait("saved as 'Typed'")
    assert terminal.ends() == 0
    text = saved.read_text(encoding="utf-8")
    assert '- says: "billing please"' in text and "      - silent\n" in text and "- hangs_up\n" in text
    assert main(["test", str(saved)]) == 0


def lines(*typed: str) -> "tuple[list[str], object]":
    """What is shown, and what reads."""
    shown: list[str] = []
    waiting = list(typed)

    def read(prompt: str) -> str:
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    return shown, read


def test_variables_are_shown_and_facts_are_saved(tmp_path: Path) -> None:
    plan = tmp_path / "p.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    test = "test: 1\ndialogues:\n  - name: Busy\n    transfers: {'101': busy}\n    turns: [silent]\n"
    saved = tmp_path / "p.test.yaml"
    saved.write_text(test, encoding="utf-8")
    shown, read = lines("1", '"one"')
    options = SimulateOptions(caller="4711", like="busy", save=saved, name="Again")
    assert simulate(Settings(), plan, options, read, shown.append) == 0  # type: ignore[arg-type]
    assert any("tries=2" in line for line in shown) and any("tries=3" in line for line in shown)
    assert any("You are 4711." in line for line in shown)
    text = saved.read_text(encoding="utf-8")
    assert text.startswith(test) and '- says: "one"' in text and '- presses: "1"' in text
    assert '    transfers: {"101": {"outcome": "busy"}}' in text and '    from: "4711"' in text
    assert main(["test", str(saved), "-k", "Again"]) == 0


def test_what_cannot_be_saved_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    plan = tmp_path / "p.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    other = tmp_path / "o.test.yaml"
    other.write_text(
        "test: 1\nplan: p.yaml\ndialogues:\n  - {name: Mine, turns: [silent]}\n", encoding="utf-8"
    )
    before = other.read_text(encoding="utf-8")
    shown, read = lines("1")
    options = SimulateOptions(save=other, name="Mine")
    with pytest.raises(SimulationError, match="there is a dialogue 'Mine' on line 4 already"):
        simulate(Settings(), plan, options, read, shown.append)  # type: ignore[arg-type]
    assert other.read_text(encoding="utf-8") == before
    shown, read = lines()
    with pytest.raises(SimulationError, match=r"ends in \.test\.yaml"):
        simulate(Settings(), plan, SimulateOptions(save=plan), read, shown.append)  # type: ignore[arg-type]


def test_a_dialogue_that_is_not_there(tmp_path: Path) -> None:
    shown, read = lines()
    with pytest.raises(SimulationError, match="no dialogue with 'nobody' in its name"):
        simulate(Settings(), DEMO, SimulateOptions(like="nobody"), read, shown.append)  # type: ignore[arg-type]


def test_test_fails_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = tmp_path / "x.test.yaml"
    turns = "      - hears: {contains: Welcome}\n      - {hears: Something else., within: 2s}\n"
    text = f"test: 1\nplan: {DEMO}\ndialogues:\n  - name: Wrong\n    turns:\n{turns}"
    test.write_text(text, encoding="utf-8")
    report = tmp_path / "report.xml"
    assert main(["test", str(test), "--junit", str(report)]) == 1
    out = capsys.readouterr().out
    assert f"{test}:7:9: Wrong: expected to hear 'Something else.', it was 'Say sales" in out
    assert "1 dialogues, 1 turns: 1 failed" in out
    assert 'failures="1"' in report.read_text(encoding="utf-8")
    assert main(["test", str(test), "-k", "right"]) == 0


def test_cover_fails_when_too_little_is_gone_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "x.test.yaml"
    text = f"test: 1\nplan: {DEMO}\ndialogues:\n  - name: Few\n    turns:\n      - says: sales\n"
    test.write_text(text, encoding="utf-8")
    assert main(["test", str(test), "--coverage"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"{DEMO}:\d+: no dialogue goes through the step story", out)
    assert main(["test", str(test), "--cover", "100"]) == 1
    assert "100% were asked for" in capsys.readouterr().out
    assert main(["test", str(DEMO), "--cover", "100%"]) == 0


def test_wrong_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(tmp_path / "no.yaml")]) == 2
    assert "no.test.yaml:1:1: there is no such file" in capsys.readouterr().err
    assert main(["graph", str(DEMO), "-o", str(tmp_path / "x.gif")]) == 2
    assert "ivr: " in capsys.readouterr().err
    assert main(["test", str(DEMO), "--junit", str(tmp_path / "no" / "x.xml")]) == 2
    assert "No such file" in capsys.readouterr().err
