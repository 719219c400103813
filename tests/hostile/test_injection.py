"""A bounded slice of the campaign ``injection``."""

import pytest

from tests.hostile.injection import campaign


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [1, 2])
async def test_no_hostile_text_reaches_a_sink(seed: int) -> None:
    await campaign(4, seed)
