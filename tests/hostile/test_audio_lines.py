"""All audio lines of an offer are looked at; sound flows in one that can be used (RFC 3264, 5763, 8643).

Each call is heard by the phone, and the phone is heard by the service.
"""

import base64
from collections.abc import Iterator

import pytest

from ivr.sip.pjsip.tls import build_security
from tests.caller import srtp
from tests.caller.rtp import PCMA
from tests.hostile.messages import Request, Target, sdp
from tests.hostile.rtp_phone import EVENTS, PhoneCall, RtpPhone, audio_lines, audio_port, end_calls
from tests.ports import free_port

KEY = base64.b64encode(bytes(range(30))).decode()
CRYPTO = f"a=crypto:1 {srtp.SUITE} inline:{KEY}\r\n"
MISSING_SUITE = f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\r\n"
FINGERPRINT = "a=setup:actpass\r\na=fingerprint:SHA-256 " + ":".join(["AB"] * 32) + "\r\n"
UNUSABLE = {
    "an audio line with port 0": "m=audio 0 RTP/AVP 0\r\n",
    "an audio line of SAVP with port 0": "m=audio 0 RTP/SAVP 0\r\n",
    "G.729 only": "m=audio 49170 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n",
    "G.729 only, twice": "m=audio 49170 RTP/AVP 18\r\nm=audio 49172 RTP/AVP 18\r\n",
    "video that is off": "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
    "video": "m=video 49180 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
    "a fax": "m=image 49190 udptl t38\r\na=T38FaxVersion:0\r\n",
    "a fax that is off": "m=image 0 udptl t38\r\n",
    "text": "m=text 49192 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n",
    "an application": "m=application 49194 UDP/BFCP *\r\n",
    "SAVP without a key": "m=audio 49196 RTP/SAVP 0\r\n",
    "SAVP of a suite that is missing": "m=audio 49196 RTP/SAVP 0\r\n" + MISSING_SUITE,
    "G.729 only in SAVP": "m=audio 49196 RTP/SAVP 18\r\na=rtpmap:18 G729/8000\r\n" + CRYPTO,
    "a profile that nobody knows": "m=audio 49196 FOO/BAR 0\r\n",
    "sound over TCP": "m=audio 9 TCP/RTP/AVP 0\r\na=setup:active\r\n",
}
USABLE = {
    "SAVP": ("RTP/SAVP", CRYPTO),
    "SAVPF": ("RTP/SAVPF", CRYPTO),
    "SAVP with a suite that is missing first": (
        "RTP/SAVP",
        MISSING_SUITE.replace(":1 ", ":2 ") + CRYPTO,
    ),
    "AVPF": ("RTP/AVPF", ""),
    "AVP": ("RTP/AVP", ""),
    "AVP with a key": ("RTP/AVP", CRYPTO),
}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=60)
    yield running
    running.close()


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    end_calls()


def both_hear(call: PhoneCall, moment_ms: int = 200) -> None:
    """The phone hears the service's tone, and the service the phone's; the counters follow."""
    call.target.command(f"tone {call.id}")
    call.phone.received()
    assert call.heard_ms(moment_ms) >= moment_ms - 100, "the service did not hear the phone"
    assert call.phone.received() >= 4, "the phone did not hear the service"


AFTER = ("an audio line with port 0", "G.729 only", "SAVP without a key")
PAIRS = (
    ("AVP", "SAVP"),
    ("SAVP", "AVP"),
    ("SAVP", "SAVP"),
    ("AVP", "AVP"),
    ("AVPF", "SAVPF"),
    ("SAVPF", "AVPF"),
    ("AVP with a key", "AVP"),
    ("SAVP with a suite that is missing first", "AVP"),
)


@pytest.mark.parametrize(
    ("name", "place"), [*((name, "before") for name in UNUSABLE), *((name, "after") for name in AFTER)]
)
def test_the_line_that_can_be_used_is_taken_whatever_else_is_offered(
    target: Target, name: str, place: str
) -> None:
    phone, other = RtpPhone(), UNUSABLE[name]
    offer = other + phone.line() if place == "before" else phone.line() + other
    call = PhoneCall.start(target, phone, offer)
    ports = [port for port, _ in audio_lines(call.dialog.answer)]
    assert call.dialog.answer.count("\r\nm=") == offer.count("m=")
    assert [port > 0 for port in ports].count(True) == 1
    both_hear(call)
    call.end()


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_sound_flows_in_one_of_two_lines_that_can_be_used(target: Target, first: str, second: str) -> None:
    phones = [RtpPhone(), RtpPhone()]
    offer = "".join(
        phone.line(USABLE[name][0], more=USABLE[name][1])
        for phone, name in zip(phones, (first, second), strict=True)
    )
    call = PhoneCall.start(target, phones[0], offer)
    answered = audio_lines(call.dialog.answer)
    (place,) = [place for place, (port, _) in enumerate(answered) if port]
    call.phone = phones[place]
    call.phone.to = ("127.0.0.1", answered[place][0])
    if answered[place][1]:
        call.phone.secure(KEY, answered[place][1])
    both_hear(call)
    call.end()
    phones[1 - place].close()


OFF = "m=audio 0 RTP/AVP 0\r\n"


def test_a_reinvite_may_move_the_sound_to_another_line_and_back(target: Target) -> None:
    first, second = RtpPhone(), RtpPhone(ssrc=0x99)
    call = PhoneCall.start(target, first, first.line() + OFF)
    both_hear(call)
    for phone, offer in ((second, OFF + second.line()), (first, first.line() + OFF)):
        answer = call.reinvite(offer)
        assert [port > 0 for port, _ in audio_lines(answer)] == [phone is first, phone is second]
        call.phone = phone
        phone.to = ("127.0.0.1", audio_port(answer))
        both_hear(call)
    second.close()
    call.end()


def test_a_reinvite_with_a_line_that_cannot_be_used_in_front_keeps_the_sound(target: Target) -> None:
    phone = RtpPhone()
    call = PhoneCall.start(target, phone, OFF + phone.line())
    both_hear(call)
    call.reinvite("m=audio 49170 RTP/SAVP 0\r\n" + phone.line())
    both_hear(call)
    call.end()


def test_counters_time_out_codec_and_hold_are_those_of_the_second_line(target: Target) -> None:
    phone = RtpPhone()
    call = PhoneCall.start(target, phone, OFF + phone.line(payloads=f"{PCMA} {EVENTS}"))
    phone.speak(1200, kind=PCMA)
    report = call.report()
    assert report["codec"] == "PCMA" and int(str(report["arrived"])) > 5 and not report["held"]
    call.reinvite(OFF + phone.line(payloads=f"{PCMA} {EVENTS}", more="a=sendonly\r\n"))
    assert call.report()["held"]
    call.end()


def test_a_call_on_the_second_line_lasts_as_long_as_its_sound(short: Target) -> None:
    phone = RtpPhone()
    call = PhoneCall.start(short, phone, OFF + phone.line())
    phone.speak(1800)
    assert call.heard_ms(200) >= 100
    call.is_hung_up("rtp_timeout")


@pytest.fixture(scope="module")
def short() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=1)
    yield running
    running.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Target]:
    running = Target(free_port(), srtp="off")
    yield running
    running.close()


@pytest.fixture(scope="module")
def secure() -> Iterator[Target]:
    running = Target(free_port(), srtp="required", srtp_sdes_without_tls=True)
    yield running
    running.close()


@pytest.mark.parametrize("savp_first", [True, False])
def test_without_srtp_the_plain_line_is_taken(plain: Target, savp_first: bool) -> None:
    phone = RtpPhone()
    parts = ["m=audio 49170 RTP/SAVP 0\r\n" + CRYPTO, phone.line()]
    call = PhoneCall.start(plain, phone, "".join(parts if savp_first else parts[::-1]))
    both_hear(call)
    call.end()


def test_without_srtp_a_call_that_needs_it_is_refused(plain: Target) -> None:
    offer = sdp("m=audio 49170 RTP/SAVP 0\r\n" + CRYPTO)
    assert plain.status(Request(body=offer)) == 488


@pytest.mark.parametrize("savp_first", [True, False])
def test_where_srtp_is_required_the_secured_line_is_taken(secure: Target, savp_first: bool) -> None:
    phone = RtpPhone()
    parts = [phone.line("RTP/SAVP", more=CRYPTO), "m=audio 49170 RTP/AVP 0\r\n"]
    call = PhoneCall.start(secure, phone, "".join(parts if savp_first else parts[::-1]))
    ((_, theirs),) = [line for line in audio_lines(call.dialog.answer) if line[0]]
    phone.secure(KEY, theirs)
    both_hear(call)
    call.end()


def test_where_srtp_is_required_a_plain_call_is_refused(secure: Target) -> None:
    assert secure.status(Request(body=sdp())) == 488


def test_dtls_beside_plain_is_taken_by_a_build_that_has_it_and_plain_by_another(target: Target) -> None:
    phone = RtpPhone()
    dtls = "m=audio 49196 UDP/TLS/RTP/SAVP 0\r\n" + FINGERPRINT
    dialog = target.call(Request(body=sdp(dtls + phone.line())))
    has_dtls = "dtls" in build_security().keyings
    assert [port > 0 for port, _ in audio_lines(dialog.answer)] == [has_dtls, not has_dtls]
    assert ("a=fingerprint" in dialog.answer) == has_dtls
    dialog.hang_up()
    phone.close()
