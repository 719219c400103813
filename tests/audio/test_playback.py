import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio.playback import LOW_WATER_S, PlaybackBuffer


def samples(first: int, count: int) -> bytes:
    return b"".join((first + i).to_bytes(2, "little") for i in range(count))


def test_reads_across_chunks_and_pads_the_last_frame() -> None:
    b = PlaybackBuffer()
    b.write(samples(0, 100))
    b.write(samples(100, 150))
    b.finish()
    assert b.read(160) == samples(0, 160)
    assert b.read(160) == samples(160, 90) + bytes(140)
    assert b.played == 250 and b.buffered == 0
    assert not b.ended
    assert b.read(160) is None and b.ended
    assert b.read(160) is None


def test_silence_while_more_is_to_come_is_not_counted_as_heard() -> None:
    b = PlaybackBuffer()
    assert b.starving
    assert b.read(160) == bytes(320)
    assert b.played == 0
    b.write(samples(1, 160))
    assert not b.starving
    assert b.read(160) == samples(1, 160)
    assert b.played == 160 and b.starving
    b.finish()
    assert not b.starving


def test_stop_takes_effect_at_the_next_read() -> None:
    b = PlaybackBuffer()
    ends: list[int] = []
    b.on_end = lambda: ends.append(b.played)
    b.write(samples(0, 400))
    b.read(160)
    b.stop()
    b.stop()
    assert b.stopped and not b.ended
    b.write(samples(0, 10))
    assert b.written == 400
    assert b.read(160) is None and b.read(160) is None
    assert ends == [160]


def test_the_end_is_reported_once() -> None:
    b = PlaybackBuffer()
    ends: list[int] = []
    b.on_end = lambda: ends.append(b.played)
    b.finish()
    assert b.read(160) is None and b.read(160) is None
    b.stop()
    assert b.read(160) is None
    assert ends == [0] and b.finished


def test_more_is_requested_once_until_something_is_written() -> None:
    rate = 100
    b = PlaybackBuffer(rate)
    asked: list[int] = []
    b.on_low = lambda: asked.append(b.buffered)
    low = int(LOW_WATER_S * rate)
    b.write(bytes(2 * (low + 20)))
    b.read(10)
    b.read(10)
    assert asked == []
    b.read(10)
    b.read(10)
    assert asked == [low - 10]
    b.write(bytes(2))
    b.read(10)
    assert len(asked) == 2
    b.finish()
    b.write(bytes(2))
    b.read(10)
    assert len(asked) == 2


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of bytes"):
        PlaybackBuffer().write(b"abc")


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), max_size=12), st.integers(1, 300))
def test_everything_written_is_read_in_order(sizes: list[int], frame: int) -> None:
    b = PlaybackBuffer()
    total = 0
    for size in sizes:
        b.write(samples(total, size))
        total += size
    b.finish()
    heard = b""
    while (piece := b.read(frame)) is not None:
        assert len(piece) == 2 * frame
        heard += piece
    assert heard[: 2 * total] == samples(0, total)
    assert not any(heard[2 * total :])
    assert b.played == b.written == total


def test_a_writer_and_a_reader_on_two_threads() -> None:
    b = PlaybackBuffer()
    chunks = [samples(i * 160, 160) for i in range(300)]

    def write() -> None:
        for chunk in chunks:
            b.write(chunk)
        b.finish()

    writer = threading.Thread(target=write)
    writer.start()
    heard = b""
    while (piece := b.read(160)) is not None:
        # Chunks and frames have one size here, so a padded frame is nothing but padding.
        if b.played > len(heard) // 2:
            heard += piece
    writer.join()
    assert heard == b"".join(chunks)


def test_loudness_changes_within_a_read_and_without_a_step() -> None:
    b = PlaybackBuffer()
    b.write(np.full(1600, 8000, np.int16).tobytes())
    b.read(160)
    b.set_gain(0.25)
    parts = [np.frombuffer(b.read(160) or b"", np.int16) for _ in range(3)]
    b.set_gain(1.0)
    parts += [np.frombuffer(b.read(160) or b"", np.int16) for _ in range(2)]
    assert [int(p[-1]) for p in parts] == [2000, 2000, 2000, 8000, 8000]
    heard = np.concatenate([[8000], *parts]).astype(int)
    assert np.abs(np.diff(heard)).max() <= 6000 / 160 + 1
    assert b.played == 960
