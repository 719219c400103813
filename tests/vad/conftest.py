from collections.abc import Iterator

import pytest

from ivr.modelstore import model_path
from ivr.vad.inline import InlineVad
from ivr.vad.shared import SharedVad
from ivr.vad.silero import SileroModel


@pytest.fixture(scope="session")
def model() -> SileroModel:
    """The real network. ``ModelMissing`` says what to do when it has not been fetched."""
    return SileroModel(model_path("silero"))


@pytest.fixture
def inline(model: SileroModel) -> InlineVad:
    return InlineVad(model)


@pytest.fixture
def shared(model: SileroModel) -> Iterator[SharedVad]:
    vad = SharedVad(model)
    yield vad
    vad.close()
