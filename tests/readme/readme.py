"""What the top README asks a reader to type: its commands, and the files and the program in it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests import engine_host

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:\.venv/bin/|make |baresip )")


def blocks(language: str) -> list[str]:
    """The contents of the fenced blocks of that language; "" for those of none."""
    return [content for name, content in _FENCE.findall(TEXT) if name == language]


def commands() -> set[str]:
    """Every command, in a block or in the text, without the comment after it."""
    prose = _FENCE.sub("", TEXT)
    lines = [line for block in blocks("") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose)
    return {line.partition("  #")[0].strip() for line in lines if _COMMAND.match(line)}


def make_folder(folder: Path) -> Path:
    """Write the README's plan and its test there, beside ``.venv`` and ``dialplans`` as in the repository."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "dialplans").symlink_to(ROOT / "dialplans")
    plan, test = blocks("yaml")
    (folder / "front-desk.yaml").write_text(plan, encoding="utf-8")
    (folder / "front-desk.test.yaml").write_text(test, encoding="utf-8")
    return folder


def run(folder: Path, command: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command of the README in ``folder``, with ``typed`` on its standard input."""
    assert command in commands(), f"the README does not say: {command}"
    return run_line(folder, command, typed)


def run_line(folder: Path, command: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a shell command; local speech engines are those of the test run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IVR_")}
    if "IVR_CACHE_DIR" in os.environ:
        environment["IVR_CACHE_DIR"] = os.environ["IVR_CACHE_DIR"]
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**environment, **engine_host.settings()},
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
