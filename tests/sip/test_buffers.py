import pjsua2 as pj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip import buffers


def test_this_build_is_served_without_a_loop_per_byte() -> None:
    assert buffers.way in ("copy", "pointer")


@given(st.binary(max_size=700), st.binary(max_size=700))
def test_what_is_written_is_read(first: bytes, second: bytes) -> None:
    vector = pj.ByteVector()
    for data in (first, second, second[:3]):
        buffers.write_vector(vector, data)
        assert bytes(vector) == data
        assert buffers.read_vector(vector) == data


@pytest.mark.parametrize("size", [0, 1, 320])
def test_the_slow_way_is_right_too(size: int) -> None:
    vector = pj.ByteVector()
    buffers._write_slowly(vector, bytes(range(256))[:size])
    assert buffers._read_slowly(vector) == bytes(range(256))[:size]
