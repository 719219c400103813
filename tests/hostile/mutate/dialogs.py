"""What a hostile peer says: requests outside and inside dialogs, and answers to our own requests.

A case is a number of a seed: its generator decides everything, so the same messages come again.
"""

import random
from dataclasses import dataclass, field

from tests.hostile.mutate import mutations, sdp

OUTSIDE = (
    *["INVITE"] * 4,
    "OPTIONS",
    "REGISTER",
    "SUBSCRIBE",
    "MESSAGE",
    "NOTIFY",
    "BYE",
    "CANCEL",
    "ACK",
    "INFO",
    "UPDATE",
    "PRACK",
    "REFER",
    "PUBLISH",
    "FROB",
    "invite",
)
INSIDE = (
    *["INVITE"] * 6,
    *["UPDATE"] * 4,
    *["ACK"] * 4,
    "PRACK",
    "PRACK",
    "INFO",
    "INFO",
    "REFER",
    "OPTIONS",
    "NOTIFY",
    "MESSAGE",
    "BYE",
    "CANCEL",
    "CANCEL",
    "SUBSCRIBE",
    "FROB",
)
_KEYS = (
    ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
    ("application/dtmf", "5"),
    ("application/dtmf-relay", "Signal="),
    ("application/media_control+xml", "<media_control/>"),
    ("application/dtmf-relay", "Signal=" + "5" * 300),
)
STATUSES = (
    100,
    180,
    183,
    199,
    200,
    200,
    200,
    200,
    202,
    300,
    302,
    400,
    401,
    401,
    403,
    404,
    407,
    407,
    408,
    420,
    421,
    422,
    423,
    480,
    481,
    486,
    487,
    488,
    489,
    491,
    500,
    503,
    603,
    699,
    0,
    99,
    700,
    1000,
)


@dataclass
class Wire:
    """Where messages go from and to."""

    transport: str
    host: str
    port: int
    """Ours."""
    target: int
    """The agent's port; it is at 127.0.0.1."""


@dataclass
class Case:
    """One hostile dialog, or one message."""

    number: int
    rng: random.Random
    wire: Wire
    mutation_rate: float = 0.5
    remote_tag: str = ""
    """The agent's tag, as its answer to the INVITE said."""
    cseq: int = 0
    invite_cseq: int = 0
    branch: str = ""
    """The Via branch of the last INVITE."""
    rseq: str = ""
    last: bytes = b""
    sent: int = field(default=0)

    def __post_init__(self) -> None:
        self.call_id = f"m{self.number}-{self.rng.getrandbits(32):x}"
        self.tag = f"{self.rng.getrandbits(24):x}"
        self.user = str(self.rng.randrange(100, 200))

    # -- requests

    def opening(self) -> bytes:
        """The INVITE that begins a dialog; mostly as it should be, since what follows needs it."""
        data = self.request("INVITE", sdp.some(self.rng))
        return self._mutated(data, 0.25)

    def stray(self) -> bytes:
        """One request outside any dialog, or an answer to nothing, changed."""
        if self.rng.random() < 0.06:
            return self._mutated(self._stray_response(), 0.7)
        method = self.rng.choice(OUTSIDE)
        self.remote_tag = self.rng.choice(("", "", "", "x"))
        body = sdp.some(self.rng) if method in ("INVITE", "UPDATE", "ACK") else b""
        return self._mutated(self.request(method, body), 0.97)

    def following(self) -> bytes:
        """The next request inside the dialog: in any order, now and then with wrong tags or sent twice."""
        rng = self.rng
        if self.last and rng.random() < 0.08:
            return self.last
        method = rng.choice(INSIDE)
        kind, body = "application/sdp", b""
        more = ""
        if method in ("INVITE", "UPDATE") or (method in ("ACK", "PRACK") and rng.random() < 0.3):
            body = sdp.some(rng) if rng.random() < 0.8 else b""
        elif method == "INFO":
            kind, text = rng.choice(_KEYS)
            body = text.encode()
        elif method == "REFER":
            more = f"Refer-To: {rng.choice(mutations.VALUES['Refer-To'])}\r\n"
        elif method in ("NOTIFY", "SUBSCRIBE"):
            kind, body = (
                "message/sipfrag",
                b"SIP/2.0 " + rng.choice((b"200 OK", b"100 Trying", b"999 x", b"", b"486 Busy\r\nX")),
            )
            more = f"Event: {rng.choice(mutations.VALUES['Event'])}\r\nSubscription-State: "
            more += rng.choice(mutations.VALUES["Subscription-State"]) + "\r\n"
        if method == "PRACK":
            more = f"RAck: {self.rseq or 1} {self.invite_cseq} INVITE\r\n"
        kept = self.remote_tag, self.tag
        if rng.random() < 0.04:
            self.remote_tag = rng.choice(("", "wrong"))
        elif rng.random() < 0.02:
            self.tag = "wrong"
        data = self.request(method, body, kind, more)
        self.remote_tag, self.tag = kept
        return self._mutated(data, self.mutation_rate)

    def proper(self, method: str) -> bytes:
        """A request as it should be, to end the call."""
        self.cseq += 10
        return self.request(method, b"")

    def acknowledgement(self, number: str) -> bytes:
        """The ACK to a 200."""
        kept = self.invite_cseq, self.last
        self.invite_cseq = int(number)
        data = self.request("ACK", b"")
        self.invite_cseq, self.last = kept
        return data

    def request(self, method: str, body: bytes, kind: str = "application/sdp", more: str = "") -> bytes:
        rng = self.rng
        branch = f"z9hG4bK{self.number}.{self.sent}"
        self.sent += 1
        if method in ("ACK", "CANCEL") and self.invite_cseq:
            number = self.invite_cseq
            if method == "CANCEL" or rng.random() < 0.3:
                branch = self.branch
        else:
            self.cseq += rng.choice((1, 1, 1, 1, 1, 2, 0)) if self.cseq else 1
            number = self.cseq
        if method == "INVITE":
            self.invite_cseq, self.branch = number, branch
            if rng.random() < 0.25:
                more += rng.choice(
                    (
                        "Supported: 100rel, timer, replaces\r\n",
                        "Require: 100rel\r\n",
                        "Supported: timer\r\nSession-Expires: 90\r\n",
                    )
                )
        wire = self.wire
        tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        transport = ";transport=tcp" if wire.transport == "TCP" else ""
        typed = f"Content-Type: {kind}\r\n" if body else ""
        head = (
            f"{method} sip:{self.user}@127.0.0.1:{wire.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/{wire.transport} {wire.host}:{wire.port};branch={branch};rport\r\n"
            f'From: "a" <sip:a@{wire.host}>;tag={self.tag}\r\nTo: <sip:{self.user}@127.0.0.1>{tag}\r\n'
            f"Call-ID: {self.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:a@{wire.host}:{wire.port}{transport}>\r\nMax-Forwards: 70\r\n{more}{typed}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.last = head.encode("latin-1") + body
        return self.last

    def _stray_response(self) -> bytes:
        """An answer to a request that nobody sent, or to one of another."""
        rng = self.rng
        return (
            f"SIP/2.0 {rng.choice(STATUSES)} x\r\n"
            f"Via: SIP/2.0/{self.wire.transport} 127.0.0.1:{self.wire.target}"
            f";branch=z9hG4bKPj{self.number}\r\n"
            f"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>;tag=2\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: 1 {rng.choice(OUTSIDE)}\r\nContent-Length: 0\r\n\r\n"
        ).encode()

    def _mutated(self, data: bytes, rate: float) -> bytes:
        return mutations.mutate(self.rng, data) if self.rng.random() < rate else data


def responses(rng: random.Random, request: "Received", wire: Wire) -> list[bytes]:
    """Answers to a request of the agent's: provisional and final ones, some of them changed, some twice."""
    out = []
    tag = rng.choice(("t1", "t1", "t1", "t2", ""))
    statuses = [rng.choice(STATUSES)] if rng.random() < 0.5 else [200]
    if request.method == "INVITE":
        statuses = rng.choices((180, 183, 200, 487, 401, 302), k=rng.choice((1, 1, 2, 4))) + statuses
    for status in statuses:
        body = sdp.some(rng) if status in (183, 200) and request.method in ("INVITE", "UPDATE") else b""
        more = rng.choice(
            (
                "",
                "",
                "",
                "Require: 100rel\r\nRSeq: 1\r\n",
                "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n",
                "Record-Route: <sip:127.0.0.1;lr>\r\n",
                "Min-SE: 100\r\n",
                "Retry-After: 1\r\n",
            )
        )
        if status in (401, 407):
            name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
            more = f"{name}: {rng.choice(mutations.VALUES['WWW-Authenticate'])}\r\n"
        if request.method == "REGISTER":
            more = f"Expires: {rng.choice((1, 1, 1, 1, 2, 4294967295))}\r\n"
        to = request.to if "tag=" in request.to or not tag else f"{request.to};tag={tag}"
        data = (
            f"SIP/2.0 {status} x\r\n{request.vias}From: {request.sender}\r\nTo: {to}\r\n"
            f"Call-ID: {request.call_id}\r\nCSeq: {request.cseq}\r\n"
            f"Contact: {request.contact or f'<sip:b@{wire.host}:{wire.port}>'}\r\n{more}"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n"
        ).encode("latin-1", "replace") + body
        if rng.random() < 0.5:
            data = mutations.mutate(rng, data)
        out += [data] * rng.choice((1, 1, 1, 1, 2))
    return out


@dataclass
class Received:
    """The parts of a message from the agent that an answer needs."""

    start: str
    vias: str
    sender: str
    to: str
    call_id: str
    cseq: str
    rseq: str
    contact: str = ""
    """What an answer's Contact says, where it is the registrar's: the request's own."""

    @property
    def method(self) -> str:
        return "" if self.start.startswith("SIP/") else self.start.split(" ", 1)[0]

    @property
    def status(self) -> int:
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else 0


def parse(data: bytes) -> Received:
    """Read what pjsip wrote: it writes each header in one line."""
    head = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    found: dict[str, str] = {}
    vias = ""
    for line in head[1:]:
        name, _, value = line.partition(": ")
        if name == "Via":
            vias += line + "\r\n"
        found[name] = value
    method = head[0].split(" ", 1)[0]
    return Received(
        head[0],
        vias,
        found.get("From", ""),
        found.get("To", ""),
        found.get("Call-ID", ""),
        found.get("CSeq", ""),
        found.get("RSeq", ""),
        found.get("Contact", "") if method == "REGISTER" else "",
    )
