"""What ``ivr serve`` prints when it is ready."""

from pathlib import Path

import pytest

from ivr.dialplan.engine.loader import load_plans
from ivr.service.banner import banner
from ivr.service.config.settings import load_settings
from ivr.sip.user_agent import AgentInfo

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"


@pytest.mark.parametrize("workers", [1, 16])
@pytest.mark.parametrize(
    ("build", "holds"), [("pjsua2-python, pjproject 2.15.1", 4), ("pjsua2-carrier, pjproject 2.17", 1024)]
)
def test_the_build_its_limit_and_the_calls_in_80_columns(build: str, holds: int, workers: int) -> None:
    flags = {
        "sip.bind": ("--bind", "203.0.113.100:5060"),
        "sip.tls_bind": ("", "203.0.113.100:5161"),
        "sip.rtp_ports": ("--rtp-ports", "16384-32767"),
    }
    settings = load_settings(None, flags, {})
    info = AgentInfo("203.0.113.100:5060", build, holds, holds - 1)
    text = banner(settings, load_plans([DEMO]), info, workers)
    assert max(map(len, text.splitlines())) <= 80
    assert f"{build}: {holds} calls, one to refuse with" in text
    assert f"{holds - 1} at once" in text and ("each of 16 workers" in text) is (workers > 1)
