"""The service registers with a registrar of the tests' own, and takes calls through it."""

import json
import time
from pathlib import Path

from tests.caller import UserAgent
from tests.caller.registrar import Registrar
from tests.e2e.services import Services


def test_registers_is_called_and_says_goodbye(services: Services, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\nsecond line\n", encoding="ascii")
    with UserAgent(user="pbx") as pbx:
        registrar = Registrar(pbx, "ivr", "open sesame", expires=7)
        account = {
            "registrar": f"127.0.0.1:{pbx.port}",
            "user": "ivr",
            "password_file": str(password),
            "retry_s": 1,
        }
        with services.start("main", {"IVR_SIP__REGISTRATIONS": json.dumps([account])}) as service:
            first = registrar.wait(1)
            assert registrar.challenged >= 1 and registrar.refused == 0
            assert first.contact.startswith("sip:ivr@127.0.0.1:")
            service.wait_event("registered")
            call = pbx.dial(service.address)
            assert call.answered().status == 200
            call.media.wait_loud(5)
            call.close()
            # The registrar breaks over the next refresh, and comes back having forgotten everybody.
            registrar.broken = True
            service.wait_event("registration_failed", 10)
            registrar.broken = False
            back = time.time()
            again = registrar.wait(2, 10)
            assert again.at - back < 8
            service.wait_event("registered", since=back)
            service.signal()
            assert service.wait() == 0
        assert registrar.bindings[-1].expires == 0
        assert "open sesame" not in service.tail(10_000)


def test_a_wrong_password_is_logged_and_calls_still_come_in(services: Services) -> None:
    with UserAgent(user="pbx") as pbx:
        registrar = Registrar(pbx, "ivr", "right")
        account = {"registrar": f"127.0.0.1:{pbx.port}", "user": "ivr", "password": "wrong-one"}
        with services.start("main", {"IVR_SIP__REGISTRATIONS": json.dumps([account])}) as service:
            failed = service.wait_event("registration_failed")
            assert failed["status"] in (401, 403) and registrar.bindings == []
            call = pbx.call(service.address)
            call.media.wait_loud(5)
            assert "wrong-one" not in service.tail(10_000)


def test_a_refusal_is_not_the_last_word(services: Services) -> None:
    """A PBX that is still starting up knows nobody (403, 404); later it does."""
    with UserAgent(user="pbx") as pbx:
        registrar = Registrar(pbx, "ivr", "not yet")
        account = {"registrar": f"127.0.0.1:{pbx.port}", "user": "ivr", "password": "right", "retry_s": 1}
        with services.start("main", {"IVR_SIP__REGISTRATIONS": json.dumps([account])}) as service:
            assert service.wait_event("registration_failed")["status"] == 403
            registrar.password = "right"
            service.wait_event("registered", 8)
            assert registrar.bindings[-1].user == "ivr"
            service.signal()
            assert service.wait() == 0
