"""The little SDP a G.711 caller needs (RFC 4566, RFC 3264): write an offer, read an answer."""

from dataclasses import dataclass, field

NAMES = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000", 101: "telephone-event/8000"}


@dataclass(frozen=True)
class Description:
    """What the other side said: where to send, and what."""

    host: str
    port: int
    payloads: tuple[int, ...]
    rtpmap: dict[int, str] = field(default_factory=dict)
    direction: str = "sendrecv"

    @property
    def codec(self) -> int:
        """The first audio payload type."""
        return next((p for p in self.payloads if "telephone-event" not in self.rtpmap.get(p, "")), -1)

    @property
    def event_payload(self) -> int | None:
        """Payload type of telephone-event, if it was agreed on."""
        return next((p for p, n in self.rtpmap.items() if n.lower().startswith("telephone-event")), None)


def write(
    host: str,
    port: int,
    payloads: tuple[int, ...] = (0, 8, 101),
    direction: str = "sendrecv",
    version: int = 1,
) -> bytes:
    """An SDP body with one audio stream."""
    lines = [
        "v=0",
        f"o=caller 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, payloads))}",
    ]
    lines += [f"a=rtpmap:{p} {NAMES[p]}" for p in payloads if p in NAMES]
    if 101 in payloads:
        lines.append("a=fmtp:101 0-15")
    lines += ["a=ptime:20", f"a={direction}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def read(body: bytes) -> Description:
    """The first audio stream of a description. Raises ValueError when there is none."""
    host, port, direction = "", 0, "sendrecv"
    payloads: tuple[int, ...] = ()
    rtpmap: dict[int, str] = {}
    in_audio = before_media = True
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        kind, _, value = line.partition("=")
        if kind == "m":
            before_media = False
            in_audio = value.startswith("audio ") and not payloads
            if in_audio:
                parts = value.split()
                port, payloads = int(parts[1]), tuple(int(p) for p in parts[3:])
        elif kind == "c" and (before_media or in_audio):
            host = value.split()[2]
        elif kind == "a" and value in ("sendrecv", "sendonly", "recvonly", "inactive"):
            direction = value if before_media or in_audio else direction
        elif kind == "a" and in_audio and value.startswith("rtpmap:"):
            number, _, name = value[7:].partition(" ")
            rtpmap[int(number)] = name
    if not payloads:
        raise ValueError("no audio stream in the SDP")
    return Description(host, port, payloads, rtpmap, direction)
