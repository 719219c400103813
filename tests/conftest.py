"""What many tests need: the models, the recordings, an engine host, running services."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from ivr.modelstore import ModelError, ModelStore, fetch
from tests import engine_host, selection, timing
from tests.e2e.services import Services

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
MUSIC = Path("/usr/share/asterisk/moh")


_HOST = pytest.StashKey[engine_host.RunningHost]()


# An example that is late on a busy machine is no fault: tests that measure time have the marker ``timing``.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        config.stash[_HOST] = engine_host.RunningHost()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _HOST in config.stash:
        config.stash[_HOST].close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    selection.mark(items)
    selection.skip_what_was_not_asked_for(config, items)
    selection.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Decide for pytest-xdist which tests stay together."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPlace(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return selection.scope_of(nodeid)

    return ByPlace(config, log)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    return timing.run_repeatedly(item, nextitem) or None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        selection.report_skipped(terminalreporter, config)


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
