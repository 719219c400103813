"""A PBX and the service that is registered with it, shared by the tests of this folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.running import Service
from tests.e2e.services import Services
from tests.pbx.phone import Phone
from tests.pbx.running import CHROOT_TIMEOUT_S, TRUNK_PASSWORD, NoPbx, Pbx, chroot
from tests.ports import free_port

RTP_TIMEOUT_S = 10


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test the time to make the chroot, which is downloaded."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(CHROOT_TIMEOUT_S + 120))


@pytest.fixture(scope="session")
def pbx_root() -> Path:
    try:
        return chroot()
    except NoPbx as error:
        pytest.skip(f"no Asterisk here: {error}. As root on Debian, with debootstrap: make test-system")


@pytest.fixture(scope="module")
def trunk_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service_(services: Services, trunk_port: int, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Not started yet: it is to find the PBX there."""
    secret = tmp_path_factory.mktemp("secret") / "trunk"
    secret.write_text(TRUNK_PASSWORD + "\n", encoding="ascii")
    account = {
        "registrar": f"127.0.0.1:{trunk_port}",
        "user": "400",
        "password_file": str(secret),
        # Renewed 5 s before it runs out.
        "expires_s": 10,
        "retry_s": 1,
    }
    env = {"IVR_SIP__REGISTRATIONS": json.dumps([account]), "IVR_SIP__MAX_CALLS": "3"}
    env["IVR_SIP__RTP_TIMEOUT_S"] = str(RTP_TIMEOUT_S)
    return services.start("main", env)


@pytest.fixture(scope="module")
def pbx(pbx_root: Path, service_: Service, trunk_port: int) -> Iterator[Pbx]:
    with Pbx(pbx_root, service_.port, trunk_port) as running:
        yield running


@pytest.fixture(scope="module")
def service(pbx: Pbx, service_: Service) -> Iterator[Service]:
    with service_:
        service_.wait_event("registered", 10)
        pbx.ask("pjsip qualify ivr-trunk")
        pbx.wait(lambda: "Avail" in pbx.ask("pjsip show contacts"), 5, "the trunk to be reached")
        yield service_


@pytest.fixture
def one(pbx: Pbx) -> Iterator[Phone]:
    with registered(pbx, "101") as phone:
        yield phone


@pytest.fixture
def two(pbx: Pbx) -> Iterator[Phone]:
    with registered(pbx, "102") as phone:
        yield phone


@contextmanager
def registered(pbx: Pbx, extension: str) -> Iterator[Phone]:
    """A phone, which is gone from the PBX when the test is over."""
    with Phone(pbx, extension) as phone:
        assert phone.register().status == 200
        yield phone
        phone.register(0)
