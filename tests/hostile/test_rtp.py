"""A slice of the campaign ``tests.hostile.rtp``."""

import pytest

from tests.hostile import rtp
from tests.hostile.messages import Target
from tests.ports import free_port


@pytest.mark.campaign
def test_no_packet_of_rtp_or_rtcp_ends_a_call_or_the_process() -> None:
    target = Target(free_port(), rtp_timeout_s=600)
    rtp.attack(target, 4000, seed=7)
    target.close()
