"""What the PBX says of its own address: its real one inside PBX_LOCAL_NET, PBX_PUBLIC_ADDRESS to the rest."""

from pathlib import Path

import pytest

from tests.caller import message as sip
from tests.caller import sdp
from tests.pbx.phone import Phone
from tests.pbx.running import Pbx
from tests.ports import free_port

pytestmark = pytest.mark.system

LOCAL_NET, INSIDE, OUTSIDE = "127.0.0.0/30", "127.0.0.2", "127.0.0.5"
PUBLIC = "127.0.0.9"
"""Nobody is there, and what is sent there stays on loopback."""


def test_inside_and_outside_are_reported_apart(pbx_root: Path) -> None:
    settings = {"PBX_PUBLIC_ADDRESS": PUBLIC, "PBX_LOCAL_NET": LOCAL_NET}
    with Pbx(pbx_root, free_port(), free_port(), settings=settings) as pbx:
        for host, reported in ((INSIDE, "127.0.0.1"), (OUTSIDE, PUBLIC)):
            with Phone(pbx, "101", host=host) as phone:
                call = phone.ring("699")
                answer = call.answered()
                assert answer.status == 200 and sdp.read(answer.body).host == reported
                assert sip.uri_of(answer.get("Contact")) == f"sip:{reported}:{pbx.port}"
                call.close()


def test_a_pbx_outside_its_local_net_reports_everybody_its_own_address(pbx_root: Path) -> None:
    """Asterisk's rule: why docker/README.md wants PBX_LOCAL_NET to hold the PBX itself."""
    settings = {"PBX_PUBLIC_ADDRESS": PUBLIC, "PBX_LOCAL_NET": f"{INSIDE}/32"}
    with (
        Pbx(pbx_root, free_port(), free_port(), settings=settings) as pbx,
        Phone(pbx, "101", host=OUTSIDE) as phone,
    ):
        call = phone.ring("699")
        assert sdp.read(call.answered().body).host == "127.0.0.1"
        call.close()
