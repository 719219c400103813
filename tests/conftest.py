"""Fixtures that more than one room's tests use."""

from collections.abc import Iterator

import pytest

from tests.e2e.services import Services


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Running services, shared by every test of the session."""
    shared = Services(tmp_path_factory.mktemp("services"))
    yield shared
    shared.close()
