"""Runs batches of cases against one agent, and starts it again when it has ended."""

import collections
import contextlib
import itertools
import json
import random
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.mutate import dialogs, process
from tests.hostile.mutate.dialogs import Case, Received, Wire
from tests.hostile.mutate.streams import Stream

HOST, AGENT_PORT, PORT = "127.0.0.1", 5080, 5090
DIALOGS, STRAYS, ROUNDS = 8, 20, 6
"""Cases of a batch: dialogs at once (fewer where the agent holds fewer), single messages between two of their
steps, steps."""
BARRIER_S = 30.0
ACKNOWLEDGED = 0.9
"""Part of the agent's 200 that get their ACK at once."""


@dataclass
class Result:
    """What a campaign has done."""

    messages: collections.Counter[str] = field(default_factory=collections.Counter)
    answers: collections.Counter[str] = field(default_factory=collections.Counter)
    events: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: dict[str, str] = field(default_factory=dict)
    """Where the messages of each fault are, by its signature."""
    seconds: float = 0.0
    cpu_s: float = 0.0
    starts: int = 0
    rss_kb: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.messages.values())


class Campaign:
    """One seed over one transport (``udp``, ``tcp`` or ``mixed``)."""

    def __init__(
        self, seed: int, transport: str, folder: Path, max_calls: int, *, without_gate: bool = False
    ) -> None:
        """``folder`` takes what is found. ``without_gate``: pjsip is given everything, to find its faults."""
        self._seed, self._transport, self._folder = seed, transport, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._target, self._port = AGENT_PORT, PORT
        self._max_calls = max_calls
        self._options = {
            "bind": f"{HOST}:{self._target}",
            "rtp_ports": f"{self._target + 1000}-{self._target + 1000 + 2 * max_calls + 30}",
            "max_calls": max_calls,
            "rtp_timeout_s": 20,
            "dial_timeout_s": 5,
            "session_expires_s": 90,
            "without_gate": without_gate,
            "registrations": [
                {"registrar": f"{HOST}:{self._port}", "user": str(user), "password": "secret", "retry_s": 1}
                for user in range(400, 403 if max_calls > 8 else 401)
            ],
        }
        self.result = Result()
        self._history: collections.deque[tuple[str, bytes]] = collections.deque(maxlen=3000)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._udp.bind((HOST, self._port))
        self._udp.setblocking(False)
        self._wire = Wire("UDP", HOST, self._port, self._target)
        self._streams: list[Stream] = []
        self._cases: dict[str, Case] = {}
        self._barriers = itertools.count(1)
        self._passed = 0
        self._agent: process.Agent | None = None

    def run(self, count: int, first: int = 0, until: float = float("inf")) -> Result:
        """Send at least ``count`` messages, beginning with the batch ``first``."""
        began = time.monotonic()
        for number in itertools.count(first):
            if self.result.total >= count or time.monotonic() > until:
                break
            self._batch(number)
        if self._agent is not None:
            self._collect()
            status = self._agent.stop()
            if status != 0:
                self._finding("at the end")
        self._udp.close()
        self.result.seconds = time.monotonic() - began
        return self.result

    # -- a batch

    def _batch(self, number: int) -> None:
        if self._agent is None:
            self._start()
        agent, rng = self._agent, random.Random(f"{self._seed}/{number}")
        assert agent is not None
        if self._transport != "udp":
            self._streams = [Stream(HOST, self._target) for _ in range(4)]
        open_cases = []
        for index in range(min(DIALOGS, self._max_calls)):
            # Dialogs end long after their batch; their addresses must not be another's.
            case = self._case(f"{number}.{index}", rng)
            open_cases.append((case, self._stream_of(rng, case)))
        self._cases = {case.call_id: case for case, _ in open_cases}
        for case, stream in open_cases:
            self._send(case.opening(), stream, "INVITE")
        if not self._round(agent, number):
            return
        for step in range(ROUNDS):
            if number % 5 == 0 and step == 2:
                agent.command(f"dial sip:{rng.randrange(100, 200)}@{HOST}:{self._port}")
            if step == 3:
                agent.command("answer")
            for case, stream in open_cases:
                for _ in range(rng.choice((1, 1, 1, 2, 3))):
                    self._send(case.following(), stream, "in dialog")
            for index in range(STRAYS):
                case = self._case(f"{number}.{step}.{index}", rng)
                stream = self._stream_of(rng, case)
                self._send(case.stray(), stream, "single")
            if not self._round(agent, number):
                return
        for case, stream in open_cases:
            self._send(case.proper("ACK"), stream, "end")
            self._send(case.proper("BYE"), stream, "end")
        if not self._round(agent, number):
            return
        for each in self._streams:
            each.close()
        self._streams = []
        about = agent.command("state")
        if number % 50 == 49 or about.get("calls", 0) > self._max_calls // 2:
            # Left over from mutated dialogs.
            agent.command("hangup")
            self._round(agent, number)
        if number % 500 == 499:
            self.result.rss_kb.append(about.get("rss_kb", 0))

    def _case(self, name: str, rng: random.Random) -> Case:
        return Case(abs(hash_of(f"{self._seed}/{name}")), random.Random(rng.getrandbits(64)), self._wire)

    def _stream_of(self, rng: random.Random, case: Case) -> Stream | None:
        """The connection that a case uses; None for UDP."""
        if not self._streams or (self._transport == "mixed" and rng.random() < 0.5):
            return None
        stream = rng.choice(self._streams)
        case.wire = Wire("TCP", HOST, stream.port, self._target)
        return stream

    def _send(self, data: bytes, stream: Stream | None, kind: str) -> None:
        self.result.messages[f"{kind}, {'UDP' if stream is None else 'TCP'}"] += 1
        self._history.append(("udp" if stream is None else f"tcp:{stream.port}", data))
        if stream is None:
            with contextlib.suppress(OSError):
                self._udp.sendto(data, (HOST, self._target))
        else:
            stream.send(data, random.Random(len(data)))

    # -- what comes back

    def _round(self, agent: process.Agent, number: int) -> bool:
        """Wait until all that was sent has been read, and answer what came. Whether the agent lives."""
        barrier = next(self._barriers)
        probe = (
            f"OPTIONS sip:x@{HOST} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST}:{self._port};branch=z9hG4bKb{barrier}\r\n"
            f"From: <sip:b@{HOST}>;tag=b\r\nTo: <sip:x@{HOST}>\r\n"
            f"Call-ID: barrier-{barrier}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        deadline = time.monotonic() + BARRIER_S
        repeat = 0.0
        while self._passed < barrier:
            now = time.monotonic()
            if not agent.alive or now > deadline:
                self._finding(f"batch {number}" + ("" if not agent.alive else ", no answer"))
                return False
            if now >= repeat:
                self._udp.sendto(probe, (HOST, self._target))
                repeat = now + 1.0
            self._receive()
        return True

    def _receive(self) -> None:
        got = False
        for _ in range(200):
            try:
                data = self._udp.recv(65_536)
            except (BlockingIOError, ConnectionError):
                break
            got = True
            self._received(data, None)
        for stream in self._streams:
            for data in stream.receive():
                got = True
                self._received(data, stream)
        if not got:
            time.sleep(0.0005)

    def _received(self, data: bytes, stream: Stream | None) -> None:
        message = dialogs.parse(data)
        if message.status:
            if message.call_id.startswith("barrier-"):
                self._passed = max(self._passed, int(message.call_id[8:]))
                return
            self.result.answers[str(message.status)] += 1
            self._learn(message, stream)
        else:
            self._answer(message, stream)

    def _learn(self, message: Received, stream: Stream | None) -> None:
        """Take the agent's tag; acknowledge what it accepts, mostly."""
        case = self._cases.get(message.call_id)
        tag = message.to.partition("tag=")[2]
        if case is None or not tag or not message.cseq.endswith("INVITE") or message.status >= 300:
            return
        case.remote_tag = tag
        case.rseq = message.rseq or case.rseq
        if message.status >= 200 and case.rng.random() < ACKNOWLEDGED:
            self._send(case.acknowledgement(message.cseq.split()[0]), stream, "in dialog")

    def _answer(self, message: Received, stream: Stream | None) -> None:
        if message.method == "ACK":
            return
        rng = random.Random(f"{self._seed}/{message.method}/{self.result.total}")
        for data in dialogs.responses(rng, message, self._wire):
            self._send(data, stream, "response")

    # -- the agent

    def _start(self) -> None:
        self.result.starts += 1
        self._agent = process.Agent(self._options, self._folder / "agent.log")
        self._history.clear()
        self._passed = next(self._barriers)

    def _collect(self) -> None:
        agent = self._agent
        assert agent is not None
        self.result.events.update(agent.command("state").get("events", {}))
        self.result.cpu_s += agent.cpu_s()

    def _finding(self, where: str) -> None:
        """Keep the messages that came before the end of the agent, which starts again with the next batch."""
        agent, self._agent = self._agent, None
        assert agent is not None
        self.result.cpu_s += agent.cpu_s()
        agent.kill()
        for each in self._streams:
            each.close()
        self._streams = []
        report = agent.report()
        name = process.signature(report) or where
        if name not in self.result.findings:
            place = self._folder / f"finding-{self._seed}-{self._transport}-{len(self.result.findings)}"
            place.with_suffix(".txt").write_text(f"seed {self._seed}, {where}\n{report}")
            lines = [json.dumps([by, data.decode("latin-1")]) for by, data in self._history]
            place.with_suffix(".jsonl").write_text("\n".join(lines))
            self.result.findings[name] = f"{where}: {place}.txt"
        self.result.events[f"finding: {name}"] += 1


def hash_of(text: str) -> int:
    """A number for a name, the same in every process."""
    return random.Random(text).getrandbits(48)
