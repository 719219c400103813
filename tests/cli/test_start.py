"""What a command loads, and how long it takes to start."""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.processor import slowness

ROOT = Path(__file__).parents[2]
PLAN = str(ROOT / "dialplans" / "demo.yaml")
MAX_CPU_S = 1.0
"""Seconds of CPU that a command without engines may take on the reference machine (tests/processor.py). To
reach are 0.6; imports take up to half more on a shared machine, so this finds what is much slower."""

HEAVY = (
    "onnxruntime",
    "faster_whisper",
    "ctranslate2",
    "piper",
    "openai",
    "httpx",
    "aiohttp",
    "matplotlib",
    "pjsua2",
    "holidays",
    "multiprocessing",
)
"""Modules that only calls and speech need."""
NO_PLAN = (*HEAVY, "numpy", "pydantic", "jinja2", "ruamel", "structlog", "asyncio")
"""Modules that a command does without when it reads neither plans nor settings."""

COMMANDS: tuple[tuple[tuple[str, ...], Sequence[str]], ...] = (
    (("--version",), NO_PLAN),
    (("--help",), NO_PLAN),
    (("models", "list"), NO_PLAN),
    (("check", PLAN), HEAVY),
    (("test", PLAN), HEAVY),
    (("graph", PLAN, "-o", "plan.dot"), HEAVY),
    (("schema",), HEAVY),
    (("settings",), HEAVY),
    (("init", "line"), HEAVY),
    (("serve", "--help"), HEAVY),
)


def run(
    arguments: Sequence[str], folder: Path, *options: str, compiled: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IVR_")}
    if "IVR_CACHE_DIR" in os.environ:
        environ["IVR_CACHE_DIR"] = os.environ["IVR_CACHE_DIR"]
    environ["PYTHONPATH"] = str(ROOT)
    if compiled is not None:  # as an installed package: not compiled at each start
        environ["PYTHONPYCACHEPREFIX"] = str(compiled)
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, *options, "-m", "ivr.cli", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize(("arguments", "forbidden"), COMMANDS, ids=lambda value: value[0])
def test_a_command_loads_only_what_it_needs(
    arguments: Sequence[str], forbidden: Sequence[str], tmp_path: Path
) -> None:
    done = run(arguments, tmp_path, "-X", "importtime")
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "ivr" in loaded
    assert not loaded & set(forbidden)


@pytest.mark.timing
@pytest.mark.parametrize("arguments", [arguments for arguments, _ in COMMANDS], ids=lambda value: value[0])
def test_a_command_without_engines_starts_at_once(
    arguments: Sequence[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The least of three: CPU time grows when the other core is busy too."""
    compiled = tmp_path_factory.getbasetemp() / "compiled"
    run(("settings", "-o", "settings.md"), tmp_path, compiled=compiled)
    run(("test", PLAN), tmp_path, compiled=compiled)
    times = []
    for place in range(3):
        folder = tmp_path / str(place)
        folder.mkdir()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(arguments, folder, compiled=compiled)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times) <= MAX_CPU_S * slowness(), times
