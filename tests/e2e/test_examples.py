"""Dialogues of two of the example plans over SIP and RTP, with the real engines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests import engine_host

pytestmark = pytest.mark.system  # a minute each; one of the demo is in test_dialogues.py

FOLDER = Path(__file__).resolve().parents[2] / "dialplans"


@pytest.fixture(autouse=True)
def _models(models: ModelStore) -> None:
    """The engines need theirs."""


@pytest.mark.parametrize(
    ("plan", "only"),
    [("survey.yaml", "Three numbers"), ("bank.yaml", "By keys"), ("directory.yaml", "Three letters")],
)
def test_over_sip(plan: str, only: str) -> None:
    env = {**os.environ, **engine_host.settings()}
    command = [sys.executable, "-m", "ivr.cli", "test", str(FOLDER / plan), "--sip", "-k", only]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 dialogues" in done.stdout or "1 dialogue," in done.stdout, done.stdout
