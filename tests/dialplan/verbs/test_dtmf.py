"""dtmf: keys for the caller's side."""

from pathlib import Path

import pytest

from ivr.dialplan import PlanError
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan


async def test_keys_and_pauses_are_sent(tmp_path: Path) -> None:
    steps = "a:\n  - set: {room: 12}\n  - dtmf: '{{ room }}ww3#'\n  - dtmf: {digits: 0-1 2}\n  - hangup:\n"
    async with Phone(plan(tmp_path, steps)) as phone:
        assert await phone.ends() == "hangup"
        assert phone.call.digits == ["12ww3#", "012"]


async def test_what_no_phone_can_press_is_a_failure(tmp_path: Path) -> None:
    steps = (
        "a:\n  - set: {x: \"'twelve'\"}\n  - dtmf: {digits: '{{ x }}', on_error: b}\nb:\n  - say: Sorry.\n"
    )
    async with Phone(plan(tmp_path, steps)) as phone:
        assert await phone.ends() == "end_of_step"
        assert phone.call.digits == [] and phone.tts.spoken == ["Sorry."]
        assert phone.logged("verb_failed")[0]["failure"] == "bad_value"


@pytest.mark.parametrize("digits", ["12p3", "'+49'", "''"])
def test_what_no_phone_can_press_is_refused(digits: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="dtmf"):
        plan(tmp_path, f"a:\n  - dtmf: {digits}\n")
