"""Session descriptions, right and wrong: lines by a grammar, then changed."""

import random

from tests.hostile.mutate import mutations

_CONNECTIONS = (
    *["c=IN IP4 127.0.0.1"] * 8,
    "c=IN IP4 0.0.0.0",
    "c=IN IP4 127.0.0.1/127",
    "c=IN IP4 224.0.0.1/1/3",
)
_BROKEN_CONNECTIONS = (
    "c=IN IP6 ::1",
    "c=IN IP4 ::1",
    "c=IN IP4 x.invalid",
    "c=",
    "c=IN IP4",
    "c=ATM",
    "c=IN IP4 1.2.3.4.5",
)
_KINDS = (*["audio"] * 8, "video", "text", "image", "application", "message", "x", "AUDIO")
_PORTS = (*["49000"] * 6, "0", "1", "65535", "65536", "-1", "49000/2", "9", "9999999999", "")
_PROFILES = (
    *["RTP/AVP"] * 8,
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "UDP/TLS/RTP/SAVPF",
    "udptl",
    "TCP/MSRP",
    "RTP/AVP/X",
    "UDP",
    "",
)
_FORMATS = (
    "0",
    "8",
    "9",
    "0 8 101",
    "0 101",
    "8 9 0 18 3 97 101",
    "101",
    "",
    "*",
    "-1",
    "128",
    "999 0",
    "0 " * 40,
    "t38",
    "96 97 98",
    " ".join(map(str, range(96, 128))),
)
_ATTRIBUTES = (
    "rtpmap:0 PCMU/8000",
    "rtpmap:8 PCMA/8000",
    "rtpmap:9 G722/8000",
    "rtpmap:101 telephone-event/8000",
    "fmtp:101 0-15",
    "rtpmap:97 opus/48000/2",
    "fmtp:97 useinbandfec=1;maxaveragebitrate=0;maxplaybackrate=0;cbr=1",
    "rtpmap:0 PCMU/0",
    "rtpmap:0 PCMU/4294967296/99",
    "rtpmap:0",
    "rtpmap:",
    "rtpmap:999 X/1",
    "rtpmap:101 telephone-event/48000",
    "rtpmap:0 /",
    "rtpmap:0 PCMU/8000/0",
    "rtpmap:96 speex/16000",
    "rtpmap:98 T140/1000",
    "rtpmap:96 H264/90000",
    "fmtp:0 " + "x=1;" * 80,
    "fmtp:0",
    "fmtp:101 0-15,66,70",
    "fmtp:",
    "ptime:20",
    "ptime:0",
    "ptime:-1",
    "ptime:1",
    "ptime:60",
    "ptime:200",
    "ptime:99999999",
    "maxptime:1",
    "maxptime:0",
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "rtcp:1",
    "rtcp:49001 IN IP4 127.0.0.1",
    "rtcp:99999",
    "rtcp:1 IN IP6 ::1",
    "rtcp:x",
    "rtcp-mux",
    "rtcp-fb:* nack pli",
    "rtcp-fb:96 nack",
    "rtcp-fb:",
    "rtcp-xr:",
    "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "QUFB" * 10,
    "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AA",
    "crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + "QUFB" * 10 + "|2^20|1:4",
    "crypto:99 X inline:",
    "crypto:",
    "crypto:1",
    "crypto:0 AES_256_CM_HMAC_SHA1_80 inline:" + "Q" * 600,
    "setup:actpass",
    "setup:active",
    "setup:passive",
    "setup:x",
    "fingerprint:SHA-256 " + ":".join(["AB"] * 32),
    "fingerprint:SHA-1 AB",
    "fingerprint:sha-999 " + "AB:" * 200,
    "fingerprint:",
    "ice-ufrag:abcd",
    "ice-pwd:" + "p" * 22,
    "ice-pwd:" + "p" * 900,
    "ice-lite",
    "ice-options:trickle",
    "candidate:1 1 UDP 2130706431 127.0.0.1 49000 typ host",
    "candidate:1 2 UDP 1 127.0.0.1 49001 typ srflx raddr 1 rport 2",
    "candidate:",
    "candidate:1 99 TCP x y z typ",
    "candidate:" + "1 " * 100,
    "mid:1",
    "mid:" + "m" * 500,
    "msid:a b",
    "ssrc:1 cname:x",
    "ssrc:99999999999",
    "ssrc:",
    "silenceSupp:off - - - -",
    "T38FaxVersion:0",
    "tls-id:" + "t" * 40,
    "quality:10",
    "label:1",
    "X-" + "x" * 800,
    "",
    ":",
    "key-mgmt:mikey AA",
    "charset:utf-8",
    "sendrecv:x",
    "rtpmap:0 PCMU/8000\0",
)
_SESSION = (
    "a=group:BUNDLE 1",
    "a=group:LS 1 2 3",
    "b=AS:64",
    "b=TIAS:999999999999",
    "b=CT:0",
    "b=",
    "a=inactive",
    "a=sendonly",
    "i=x",
    "u=http://x",
    "e=x",
    "p=1",
    "k=clear:x",
    "r=1 2 3",
    "z=1 2",
    "x=y",
    "t=1 2",
    "a=ice-lite",
    "a=rtcp-xr:",
    "a=msid-semantic:WMS",
)


def media(rng: random.Random, kind: str = "") -> list[str]:
    """A media line with its attributes."""
    lines = [
        f"m={kind or rng.choice(_KINDS)} {rng.choice(_PORTS)} {rng.choice(_PROFILES)} {rng.choice(_FORMATS)}"
    ]
    if rng.random() < 0.15:
        lines.append(rng.choice(_CONNECTIONS))
    return lines + [f"a={rng.choice(_ATTRIBUTES)}" for _ in range(rng.choice((0, 1, 2, 4, 12)))]


def plain(rng: random.Random) -> str:
    """An offer as phones send it."""
    formats = rng.choice(("0", "8", "0 101", "8 0 101", "9 0 8 101", "0 8 97 101"))
    lines = [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio 49000 RTP/AVP {formats}",
    ]
    if "101" in formats:
        lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
    if "97" in formats:
        lines += ["a=rtpmap:97 opus/48000/2"]
    lines.append("a=" + rng.choice(("sendrecv", "sendrecv", "sendonly", "recvonly", "inactive")))
    return "\r\n".join([*lines, ""])


def wild(rng: random.Random) -> str:
    """One by the grammar, most of it acceptable, some of it not."""
    lines = ["v=0", f"o=- {rng.choice(('1 2', '1 3', '99999999999 4294967296'))} IN IP4 127.0.0.1", "s=-"]
    lines.append(rng.choice(_BROKEN_CONNECTIONS if rng.random() < 0.05 else _CONNECTIONS))
    lines.append("t=0 0")
    lines += rng.sample(_SESSION, rng.choice((0, 0, 1, 3)))
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 8, 9, 17))):
        lines += media(rng, "audio" if rng.random() < 0.5 else "")
    if rng.random() < 0.2:
        del lines[rng.randrange(len(lines))]
    if rng.random() < 0.1:
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return "\r\n".join([*lines, ""])


def some(rng: random.Random) -> bytes:
    """A session description: as phones send it, by the grammar, or with its bytes changed."""
    way = rng.random()
    if way < 0.35:
        return plain(rng).encode()
    text = (wild if way < 0.85 else plain)(rng).encode("latin-1")
    if way >= 0.75:
        text = rng.choice(mutations.BYTES)(rng, text)
    return text[:20_000]
