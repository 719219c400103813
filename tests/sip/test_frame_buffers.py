import pjsua2 as pj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.pjsip import frame_buffers
from ivr.sip.pjsip.frame_buffers import IN_PLACE, SLOW, Way


def test_this_build_is_served_without_a_loop_per_byte() -> None:
    assert frame_buffers.chosen is IN_PLACE


WAYS = [way for way in (IN_PLACE, SLOW) if frame_buffers.works(way)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@given(frames=st.lists(st.binary(max_size=700), min_size=1, max_size=4))
def test_what_is_written_is_read(way: Way, frames: list[bytes]) -> None:
    vector = pj.ByteVector()
    for data in frames:
        frame = pj.MediaFrame()
        frame.type = pj.PJMEDIA_FRAME_TYPE_NONE
        way.write(frame, vector, data)
        assert frame.type == pj.PJMEDIA_FRAME_TYPE_AUDIO
        assert bytes(frame.buf) == data
        assert way.read(frame) == data


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_frame_without_sound(way: Way) -> None:
    assert way.read(pj.MediaFrame()) == b""
