"""The README's lines that answer and place calls: its plan is served, and Debian's baresip dials it, also by
the line that the service prints.
"""

import subprocess
import time
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests import engine_host
from tests.caller import sounds
from tests.e2e.running import Service
from tests.e2e.softphone import Softphone
from tests.readme.readme import commands, make_folder
from tests.readme.test_commands import BARESIP, SERVE


@pytest.mark.integration
def test_the_plan_is_served_and_baresip_dials_it(tmp_path: Path, models: ModelStore) -> None:
    """Both lines as they are, but for a port of the tests and a softphone without a sound card."""
    assert {SERVE, BARESIP} <= commands()
    folder = make_folder(tmp_path)
    plan, *options = SERVE.split()[2:]
    phone = Softphone(tmp_path, sounds.silence(20))
    (tmp_path / "accounts").write_text("", encoding="ascii")  # a fresh baresip has none
    with Service([folder / plan], *options, env=engine_host.settings()) as service:
        printed = [line.strip() for line in service.other_lines]
        begin = next(place for place, line in enumerate(printed) if line.startswith("baresip "))
        for line in (
            BARESIP.replace("demo@127.0.0.1:5060", f"front-desk@127.0.0.1:{service.port}"),
            "\n".join(printed[begin : begin + 2]),
        ):
            since = time.time()
            subprocess.run(
                line.replace("baresip ", f"{phone.program} -f {tmp_path} -t 4 ", 1),
                shell=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=30,
                check=False,
            )
            assert service.wait_event("call_started", 5, since)
            assert service.wait_event("call_ended", 10, since)
            assert service.find("say_started", since)
