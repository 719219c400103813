"""The measuring tools find known onsets, cuts, gaps and losses in packets made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caller import measure, rtp, sounds


def tone(seconds: float, amplitude: float = 8000) -> bytes:
    t = np.arange(int(seconds * 8000)) / 8000
    return (amplitude * np.sin(2 * np.pi * 440 * t)).astype("<i2").tobytes()


def stream(loud: list[bool], start: float = 100.0, seq: int = 65530) -> list[rtp.Packet]:
    sound, quiet = rtp.encode(tone(0.02), rtp.PCMU), rtp.encode(bytes(320), rtp.PCMU)
    return [
        rtp.unpack(rtp.pack(seq + n, 160 * n, 0, n == 0, 7, sound if is_loud else quiet), start + n / 50)
        for n, is_loud in enumerate(loud)
    ]


def test_a_packet_survives_the_wire() -> None:
    packet = rtp.unpack(rtp.pack(70000, 2**32 + 5, 101, True, 9, b"abcd"), 1.0)
    assert (packet.seq, packet.ts, packet.payload_type, packet.marker, packet.ssrc) == (
        70000 % 65536,
        5,
        101,
        True,
        9,
    )
    assert packet.payload == b"abcd" and packet.pcm16 == b""


def test_padding_extension_and_contributors_are_taken_off() -> None:
    plain = rtp.pack(1, 2, 0, False, 3, b"")
    data = bytes([0xB1]) + plain[1:] + b"CCCC" + b"\x00\x00\x00\x01EEEE" + b"payload" + b"\x00\x00\x03"
    assert rtp.unpack(data, 0.0).payload == b"payload"


def test_what_is_not_rtp_is_refused() -> None:
    with pytest.raises(ValueError):
        rtp.unpack(b"\x00" * 20, 0.0)


def test_a_key_is_sent_with_three_ends_and_a_growing_duration() -> None:
    packets = rtp.event_packets("#", 100)
    assert [p[1] for p in packets] == [True] + [False] * 7
    assert [p[0][0] for p in packets] == [11] * 8
    assert [bool(p[0][1] & 0x80) for p in packets] == [False] * 5 + [True] * 3
    assert [int.from_bytes(p[0][2:], "big") for p in packets] == [160, 320, 480, 640, 800, 800, 800, 800]


@given(st.integers(3, 60), st.integers(16, 40))
def test_the_cut_is_the_last_loud_packet_before_quiet(cut: int, after: int) -> None:
    packets = stream([True] * cut + [False] * after + [True] * 30)
    found = measure.last_loud_before_quiet(packets, after=100.0 + (cut - 2) / 50)
    assert found == pytest.approx(100 + (cut - 1) / 50)


def test_a_short_pause_is_not_a_cut() -> None:
    packets = stream([True] * 50 + [False] * 10 + [True] * 50)
    assert measure.last_loud_before_quiet(packets, after=100.5) is None


def test_a_pause_that_was_over_before_is_not_a_cut() -> None:
    packets = stream([True] * 10 + [False] * 30 + [True] * 40 + [False] * 30)
    assert measure.last_loud_before_quiet(packets, after=101.0) == pytest.approx(100 + 79 / 50)


@given(st.integers(0, 4000))
def test_the_onset_of_a_tone_is_found_to_the_sample(lead: int) -> None:
    assert 0 <= measure.onset_sample(bytes(2 * lead) + tone(0.3)) - lead <= 3


@given(st.integers(0, 4000))
def test_the_offset_of_a_tone_is_found_within_five_milliseconds(tail: int) -> None:
    assert -40 <= measure.offset_sample(tone(0.3) + bytes(2 * tail)) - 2400 <= 40


def test_silence_has_no_onset() -> None:
    with pytest.raises(ValueError):
        measure.onset_sample(bytes(1000))


def test_loss_reordering_and_gaps_are_counted_over_the_wrap() -> None:
    packets = stream([True] * 20)
    del packets[10]
    packets[3], packets[4] = packets[4], packets[3]
    flow = measure.flow(packets)
    assert (flow.packets, flow.lost, flow.reordered) == (19, 1, 1)
    assert flow.gap_max == pytest.approx(0.04)


def test_what_was_heard_is_placed_by_timestamp() -> None:
    packets = stream([True] * 5)
    del packets[2]
    sound = np.frombuffer(measure.heard(packets), "<i2")
    assert len(sound) == 800
    assert not sound[320:480].any() and sound[:320].any() and sound[480:].any()


def test_percentiles_are_nearest_rank() -> None:
    values = list(range(1, 101))
    assert [measure.percentile(values, q) for q in (50, 95, 99, 100)] == [50, 95, 99, 100]


def test_levels() -> None:
    assert measure.dbfs(b"\xff\x7f" * 160) == pytest.approx(0, abs=0.01)
    assert measure.dbfs(bytes(320)) == -120
    assert measure.dbfs(sounds.noise(-50, 1)) == pytest.approx(-50, abs=0.5)
    assert measure.dbfs(sounds.scale(tone(1), -20)) == pytest.approx(-20, abs=0.2)


def test_a_continuous_prompt_is_loud_in_every_packet() -> None:
    prompt = sounds.continuous(("conf-adminmenu",), 10)
    assert len(prompt) == 160_000
    levels = [measure.dbfs(prompt[n : n + 320]) for n in range(0, len(prompt), 320)]
    assert min(levels) > measure.LOUD_DBFS
