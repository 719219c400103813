"""The carrier build of PJSUA2: its script, and what the build can do where it is the one installed."""

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BUILD = Path(__file__).parents[2] / "docker" / "pjsua2"
SCRIPTS = ("build.sh", "install.sh", "packages.sh")


def build(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """build.sh with options that end it before anything is compiled."""
    return subprocess.run(
        [BUILD / "build.sh", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_have_no_mistake_a_shell_or_shellcheck_sees(name: str) -> None:
    script = BUILD / name
    first = script.read_text(encoding="utf-8").splitlines()[0]
    shell = "sh" if first == "#!/bin/sh" else "bash"
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-x", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_tarball_is_compiled_only_with_the_sum_it_was_named_by(tmp_path: Path) -> None:
    tarball = tmp_path / "pjproject.tar.gz"
    tarball.write_bytes(b"not what was meant")
    options = ("--tarball", str(tarball), "--output", str(tmp_path / "out"))
    without = build(*options)
    assert without.returncode == 1 and "--tarball needs --sha256" in without.stderr
    wrong = build(*options, "--sha256", hashlib.sha256(b"what was meant").hexdigest())
    assert wrong.returncode == 1 and "has not the sha256" in wrong.stderr
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_built_is_said_at_once(tmp_path: Path) -> None:
    missing = build("--tarball", str(tmp_path / "none"), "--sha256", "00")
    assert missing.returncode == 1 and "there is no" in missing.stderr
    python = build(PYTHON="/bin/false", IVR_CACHE_DIR=str(tmp_path))
    assert python.returncode == 1 and "not a working Python 3.11, 3.12 or 3.13" in python.stderr
    option = build("--tarbal", "x")
    assert option.returncode == 1 and "unknown option --tarbal" in option.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_in_the_cache_is_taken_and_one_of_another_build_is_not(tmp_path: Path) -> None:
    key = build("--key").stdout.strip()
    assert re.fullmatch(r"carrier\.h[0-9a-f]{10}", key)
    abi = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    platform = f"linux_{subprocess.check_output(['uname', '-m'], text=True).strip()}"
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / f"pjsua2_carrier-2.17+carrier.h0000000000-{abi}-{abi}-{platform}.whl").touch()
    (wheels / f"pjsua2_carrier-2.17+{key}-cp310-cp310-{platform}.whl").touch()
    ours = wheels / f"pjsua2_carrier-2.17+{key}-{abi}-{abi}-{platform}.whl"
    ours.touch()
    done = build(IVR_CACHE_DIR=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ours}\n", "")


def facts_module() -> Any:
    spec = importlib.util.spec_from_file_location("carrier_facts", BUILD / "facts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Read from the installed build, from a process of its own: an endpoint is one per process."""
    done = subprocess.run(
        [sys.executable, BUILD / "facts.py"], capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_facts_name_what_a_build_lacks(facts: dict[str, Any]) -> None:
    """Taking a thing away is noticed, on either build."""
    shortcomings = facts_module().shortcomings
    less = {"max_calls": 4, "epoll": False, "codecs": ["PCMU/8000/1"], "libssl": "libssl.so.1.0.2k"}
    lacking = {**facts, **less}
    said = "; ".join(shortcomings(lacking))
    for part in ("4 calls", "epoll", "no Opus", "no G.722", "OpenSSL is libssl.so.1.0.2k"):
        assert part in said


@pytest.fixture
def carrier(facts: dict[str, Any]) -> dict[str, Any]:
    try:
        importlib.metadata.version("pjsua2-carrier")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the stock wheel of PJSUA2 is installed; `make carrier` installs the one these are about")
    return facts


def test_the_carrier_build_is_one(carrier: dict[str, Any]) -> None:
    assert facts_module().shortcomings(carrier) == []
    assert carrier["max_calls"] >= 1000
    assert carrier["max_ports"] >= 3 * carrier["max_calls"] + 1  # stream, tap and player; the bridge's own


def test_the_carrier_build_says_what_it_was_built_from(carrier: dict[str, Any]) -> None:
    distribution = importlib.metadata.distribution("pjsua2-carrier")
    about = distribution.metadata
    assert about["Version"].startswith(f"{carrier['version']}+carrier.h")
    assert tuple(map(int, carrier["version"].split(".")[:2])) >= (2, 17)
    assert about["License-Expression"] == "GPL-2.0-or-later"
    assert re.search(r"sha256 [0-9a-f]{64}", distribution.read_text("METADATA") or "")


def test_only_one_distribution_brings_the_module(carrier: dict[str, Any]) -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("pjsua2-python")


def test_buffers_are_read_and_written_at_once(carrier: dict[str, Any]) -> None:
    assert carrier["buffers"] == {"copied": True, "too_small": "TypeError", "no_bytes": "TypeError"}


def test_what_is_done_with_each_frame_keeps_the_gil(carrier: dict[str, Any]) -> None:
    """A thread that lets go of the GIL while another computes gets it back a switch interval later."""
    # The two threads share the time; with a call that lets go it is less than a hundredth.
    assert carrier["frames_beside"] > carrier["frames_alone"] / 10
