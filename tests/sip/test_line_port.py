"""Ports in C, of the carrier build."""

import json
import subprocess
import sys
from typing import Any

import pytest

from ivr.sip.pjsip import media
from tests.e2e.secure import is_carrier


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    if not is_carrier():
        pytest.skip("the stock wheel of PJSUA2 has no ports in C; `make carrier` installs the build that has")
    assert media.NATIVE
    program = [sys.executable, "-m", "tests.sip.line_ports"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_new_sound_wakes_who_waits_for_it(seen: dict[str, Any]) -> None:
    assert seen["woke"]


def test_a_prompt_crosses_the_bridge_to_the_bit(seen: dict[str, Any]) -> None:
    assert seen["whole"] == {"over": True, "ends": [3000], "ended": True, "crossed": True, "noted": True}


def test_a_stop_is_seen_at_the_next_frame(seen: dict[str, Any]) -> None:
    assert seen["stopped"]["over"] and 0 <= seen["stopped"]["late"] <= 160
    assert seen["stopped"]["written"]  # what is written after a stop is not taken


def test_loudness_changes_without_a_click(seen: dict[str, Any]) -> None:
    assert (seen["gain"]["low"], seen["gain"]["back"]) == (2000, 8000)
    assert seen["gain"]["step"] <= 6000 / 160 + 1


def test_it_asks_for_more_once_and_counts_only_sound(seen: dict[str, Any]) -> None:
    assert seen["starved"] == {"first": [1, 800], "lows": 2, "played": 1120}


def test_ports_may_go_in_mid_sound(seen: dict[str, Any]) -> None:
    assert seen["churned"] == {"alive": True}
    assert seen["left"] is True
