"""SRTP on the wire: what leaves is not speech to an eavesdropper, and is the prompt to the holder of the key.
SDES over UDP, which both builds of PJSUA2 can do.
"""

import audioop
import math
import time
from collections import Counter

import pytest

from tests.caller import UserAgent, srtp
from tests.caller.media import Media
from tests.caller.rtp import pack
from tests.e2e.services import Services


def bits_a_byte(data: bytes) -> float:
    """Shannon entropy; 8 is noise."""
    counts = Counter(data)
    return -sum(n / len(data) * math.log2(n / len(data)) for n in counts.values())


@pytest.mark.parametrize("profile", ["RTP/SAVP", "RTP/AVP"])
def test_only_who_has_the_key_hears_the_prompt(profile: str, services: Services) -> None:
    service = services.get()
    with UserAgent() as caller:
        media = Media(caller.host)
        offer = srtp.offer(caller.host, media.port, profile)
        call = caller.dial(service.address, body=offer, media=media)
        answer = call.answered()
        assert answer.status == 200 and profile.encode() in answer.body
        (inline,) = srtp.keys_in(answer.body)
        assert inline not in srtp.keys_in(offer)
        time.sleep(2.5)
        packets = media.packets[:110]
        call.close()
    wire = b"".join(p.payload[: -srtp.TAG] for p in packets)
    keys = srtp.Keys.derived(inline)
    sound = b"".join(
        keys.unprotect(pack(p.seq, p.ts, p.payload_type, p.marker, p.ssrc, p.payload)) for p in packets
    )
    assert len(wire) == len(sound) == 160 * len(packets) > 15_000
    assert bits_a_byte(wire) > 7.98 > 7.6 > bits_a_byte(sound)
    prompt = audioop.ulaw2lin(sound, 2)
    noise = audioop.ulaw2lin(wire, 2)
    # μ-law noise is far louder than speech, and has none of its pauses' or vowels' smoothness.
    assert 300 < audioop.rms(prompt, 2) < 8000 < audioop.rms(noise, 2)
    assert smoothness(prompt) > 0.6 > 0.1 > abs(smoothness(noise))
    broken = bytearray(pack(packets[0].seq, packets[0].ts, 0, False, packets[0].ssrc, packets[0].payload))
    broken[20] ^= 1
    with pytest.raises(ValueError, match="tag"):
        keys.unprotect(bytes(broken))
    ended = service.wait_event("call_ended", call=call.call_id)
    assert (ended["transport"], ended["encryption"]) == ("udp", "sdes")
    # The caller's own packets are not encrypted: not one of them is taken for sound.
    assert ended["packets_received"] == 0


def test_keys_are_heard_over_srtp_and_from_nobody_else(services: Services) -> None:
    """RFC 4733 in SRTP. The same packets in the clear press no key."""
    service = services.get()
    with UserAgent() as caller:
        media = Media(caller.host)
        offer = srtp.offer(caller.host, media.port)
        encrypt = media.protect = srtp.Keys.derived(*srtp.keys_in(offer)).protector()
        call = caller.dial(service.address, body=offer, media=media)
        assert call.answered().status == 200
        service.wait_event("media_encrypted", call=call.call_id, keys="sdes")
        time.sleep(1.0)
        media.protect = bytes
        media.press("2").done.wait(5)
        media.protect = encrypt
        media.press("1").done.wait(5)
        service.wait_event("choice_matched", call=call.call_id, choice="one", by="keys")
        media.press("9")
        assert call.ended.wait(8) and call.ended_by == "them"
    assert not service.find("choice_matched", call=call.call_id, choice="two")
    ended = service.wait_event("call_ended", call=call.call_id)
    assert (ended["reason"], ended["encryption"]) == ("hangup", "sdes")
    assert ended["packets_received"] > 40


def smoothness(pcm16: bytes) -> float:
    """Correlation of each sample with the one before: near 1 for voiced speech, 0 for noise."""
    samples = memoryview(pcm16).cast("h")
    before, after = samples[:-1], samples[1:]
    power = sum(s * s for s in samples)
    return sum(a * b for a, b in zip(before, after, strict=True)) / power
