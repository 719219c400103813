"""What many tests need: the models, the recordings, running services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.modelstore import ModelError, ModelStore, fetch
from tests.e2e.services import Services

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
MUSIC = Path("/usr/share/asterisk/moh")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the marker ``system`` run when they are asked for with -m."""
    if "system" not in str(config.getoption("markexpr")):
        for item in items:
            if item.get_closest_marker("system"):
                item.add_marker(pytest.mark.skip(reason="run by `make test-system`"))


@pytest.fixture(scope="session")
def models() -> ModelStore:
    """The model cache with every model in it. A test that needs it fails, and is not skipped, without."""
    store = ModelStore()
    try:
        for name in store.manifest.models:
            fetch(store, name)
    except ModelError as error:
        pytest.fail(f"the models are needed: {error}", pytrace=False)
    return store


@pytest.fixture(scope="session")
def sounds() -> Path:
    """Folder of recorded human speech: 8 kHz WAV files (Debian's asterisk-core-sounds-en-wav)."""
    return _there(SOUNDS, "vm-goodbye.wav", "asterisk-core-sounds-en-wav")


@pytest.fixture(scope="session")
def music() -> Path:
    """Folder of music: 8 kHz WAV files (Debian's asterisk-moh-opsound-wav)."""
    return _there(MUSIC, "macroform-cold_day.wav", "asterisk-moh-opsound-wav")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Running services, shared by every test of the session."""
    shared = Services(tmp_path_factory.mktemp("services"))
    yield shared
    shared.close()


def _there(folder: Path, example: str, package: str) -> Path:
    if not (folder / example).exists():
        pytest.fail(f"{folder}/{example} is missing: run tools/test-packages.sh ({package})", pytrace=False)
    return folder
