"""Frames between processes: the same bytes for a loop and for a thread, and none lost by a wait that ends."""

import asyncio
import io

import pytest

from ivr.process.framing import FrameReader, encode_frame, read_frame, read_frame_blocking

FRAMES = [({"op": "ready"}, b""), ({"op": "piece", "name": "é"}, bytes(range(256)) * 300), ({}, b"x")]


def stream_of(data: bytes, *, end: bool = True) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    if end:
        reader.feed_eof()
    return reader


async def test_a_loop_and_a_thread_read_what_was_encoded() -> None:
    data = b"".join(encode_frame(head, payload) for head, payload in FRAMES)
    reader, file = stream_of(data), io.BytesIO(data)
    for head, payload in FRAMES:
        for frame in (await read_frame(reader), read_frame_blocking(file)):
            assert (frame.head, frame.payload) == (head, payload)
    with pytest.raises(asyncio.IncompleteReadError):
        await read_frame(reader)
    with pytest.raises(EOFError):
        read_frame_blocking(file)


async def test_half_a_frame_at_the_end_is_an_end() -> None:
    data = encode_frame({"op": "piece"}, b"sound")[:-1]
    with pytest.raises(asyncio.IncompleteReadError):
        await read_frame(stream_of(data))
    with pytest.raises(EOFError):
        read_frame_blocking(io.BytesIO(data))


async def test_a_wait_that_times_out_or_is_cancelled_loses_no_frame() -> None:
    data = encode_frame({"op": "piece"}, b"sound")
    reader = stream_of(data[:7], end=False)
    frames = FrameReader(reader)
    assert await frames.next(0.01) is None
    waiting = asyncio.create_task(frames.next())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    event = asyncio.Event()
    event.set()
    assert await frames.wait_idle(event), "nothing arrived"
    reader.feed_data(data[7:])
    assert not await frames.wait_idle(asyncio.Event()), "a frame did"
    frame = await frames.next()
    assert frame is not None and (frame.head, frame.payload) == ({"op": "piece"}, b"sound")
    await frames.aclose()
