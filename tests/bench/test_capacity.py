"""That the capacity rows still run, with a handful of calls: both sides, every row with a value."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pbx.running import NoPbx, chroot


@pytest.mark.timing  # it counts what was understood within seconds
@pytest.mark.system  # a minute, and Asterisk
@pytest.mark.timeout(300)
def test_every_row_has_a_value(tmp_path: Path) -> None:
    try:
        importlib.metadata.version("pjsua2-carrier")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the stock wheel of PJSUA2 is installed; `make carrier` installs the one this is about")
    try:
        chroot()
    except NoPbx as error:
        pytest.skip(f"no Asterisk here: {error}")
    few = ["--calls", "5", "--seconds", "6", "--rounds", "1"]
    few += ["--rate", "10", "--rate-seconds", "2", "--stay", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.capacity", *few, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 1, "5 calls are not 250\n" + ran.stderr
    (written,) = tmp_path.glob("*.json")
    figures = {row["name"]: row for row in json.loads(written.read_text())["figures"]}
    refused = {name: row["notes"]["refused"] for name, row in figures.items() if "refused" in row["notes"]}
    assert not refused, ran.stderr
    for name, row in figures.items():
        assert row["values"], name
        assert not row["missed"], name
    ratio = figures["the service's beside Asterisk's, conversation"]["values"][0]
    assert 0.1 < ratio < 50
    assert figures["calls that failed, 10 calls a second for 2 s"]["values"] == [0.0]
    assert figures["calls held on one core, all three reached"]["passed"] is False
