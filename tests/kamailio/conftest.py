"""One Kamailio and three workers for all tests of the folder; what a test ended is started again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Service
from tests.kamailio.edge import Edge, Workers, uri, wait_until, why_not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    if reason:
        for item in items:
            if "kamailio" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    running = Workers(tmp_path_factory.mktemp("workers"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def shared_edge(pool: Workers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    addresses = [uri(each) for each in pool.ready()]
    # Low enough to be reached within a test, well above what a test's own callers send.
    settings = {"FLOOD": "400", "TRUNK_CPS": "40"}
    with Edge(tmp_path_factory.mktemp("edge"), addresses, settings) as edge:
        yield edge


def still_up(service: Service) -> set[str]:
    """Calls a test has left there."""
    started = {each["call"] for each in service.find("call_started")}
    return started - {each["call"] for each in service.find("call_ended")}


@pytest.fixture
def workers(pool: Workers) -> list[Service]:
    """Three workers, running and without calls."""
    services = pool.ready()
    for each in services:
        each.wait_until(lambda each=each: not still_up(each), 5, f"the end of the calls {still_up(each)}")
    return services


@pytest.fixture
def edge(shared_edge: Edge, workers: list[Service]) -> Edge:
    """Kamailio with exactly these workers, each of which takes calls."""
    wanted, listed = {uri(each) for each in workers}, set(shared_edge.said())
    for gone in listed - wanted:
        shared_edge.workers("remove", gone)
    for new in wanted - listed:
        shared_edge.workers("add", new)
    wait_until(lambda: shared_edge.states() == ["200"] * len(wanted), 5, "all workers take calls")
    return shared_edge


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key, made by openssl."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    command = f"openssl req -x509 {curve} -nodes -days 2 -subj /CN=localhost".split()
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key
