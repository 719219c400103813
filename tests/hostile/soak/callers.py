"""Callers that do everything to a call, and the agents that they are transferred to."""

import collections
import contextlib
import random
import socket
import threading
import time
from collections.abc import Sequence

from tests.caller import Call, UserAgent, rtp, sdp
from tests.caller.message import Message

Address = tuple[str, int]
_SLOTS = 4
"""The packets of 20 ms leave in so many groups."""


class Stream:
    """The RTP of one call: sound from a shared sender; what comes is not read, the kernel drops it."""

    def __init__(self, sender: "Sender", dice: random.Random) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.port: int = self.sock.getsockname()[1]
        self.sending = True
        self.remote: Address | None = None
        self._sender = sender
        self._seq, self._ssrc = dice.randrange(1 << 15), dice.randrange(1 << 32)
        self._ts, self._event_ts = dice.randrange(1 << 31), 0
        self._sound: collections.deque[bytes] = collections.deque()
        self._keys: collections.deque[tuple[bytes, bool]] = collections.deque()

    def start(self, description: sdp.Description) -> None:
        """Send there; again after a re-INVITE."""
        if description.port:
            self.remote = (description.host, description.port)
        self._sender.add(self)

    def say(self, frames: Sequence[bytes]) -> None:
        """Speak these frames of mu-law, once."""
        self._sound.extend(frames)

    def press(self, key: str) -> None:
        """Press a key (RFC 4733)."""
        self._keys.extend(rtp.event_packets(key, 100))

    def send(self) -> None:
        """Send the packet of these 20 ms."""
        if not (self.sending and self.remote):
            return
        self._seq += 1
        self._ts += rtp.FRAME
        if self._keys:
            payload, marker = self._keys.popleft()
            self._event_ts = self._ts if marker else self._event_ts
            data = rtp.pack(self._seq, self._event_ts, 101, marker, self._ssrc, payload)
        else:
            payload = self._sound.popleft() if self._sound else b"\xff" * rtp.FRAME
            data = rtp.pack(self._seq, self._ts, 0, False, self._ssrc, payload)
        with contextlib.suppress(OSError):
            self.sock.sendto(data, self.remote)

    def close(self) -> None:
        self._sender.remove(self)
        self.sock.close()


class Sender(threading.Thread):
    """Sends a packet of every stream each 20 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._lock = threading.Lock()
        self._slots: list[list[Stream]] = [[] for _ in range(_SLOTS)]
        self.late = 0.0
        """The longest that a group was late, seconds."""

    def add(self, stream: Stream) -> None:
        with self._lock:
            if not any(stream in slot for slot in self._slots):
                min(self._slots, key=len).append(stream)

    def remove(self, stream: Stream) -> None:
        with self._lock:
            for slot in self._slots:
                if stream in slot:
                    slot.remove(stream)

    def run(self) -> None:
        due, turn = time.monotonic(), 0
        while True:
            due, turn = due + 0.02 / _SLOTS, turn + 1
            now = time.monotonic()
            self.late = max(self.late, now - due)
            if now - due > 1:
                due = now
            time.sleep(max(0.0, due - now))
            with self._lock:
                streams = list(self._slots[turn % _SLOTS])
            for stream in streams:
                stream.send()


class Agents:
    """A phone that answers every call that it is offered, and hangs up half of them."""

    def __init__(self, sender: Sender, seed: int) -> None:
        self._sender, self._dice = sender, random.Random(seed)
        self.ua = UserAgent(user="agent")
        self.ua.on_request = self._offered
        self.answered = 0

    def _offered(self, request: Message) -> bool:
        if request.method != "INVITE":
            return False
        self.ua.received.clear()
        call = Call(self.ua, Stream(self._sender, self._dice), request.get("Call-ID"))  # type: ignore[arg-type]
        call.local = f"{request.get('To')};tag=agent{self._dice.randrange(1 << 30)}"
        call.remote, call.target = request.get("From"), request.source
        call.remote_uri = request.get("Contact").partition("<")[2].partition(">")[0]
        call.invite = request
        call.description = sdp.read(request.body) if request.body else None
        self.ua.calls[call.call_id] = call
        call.answer()
        self.answered += 1
        threading.Thread(target=self._talk, args=(call, self._dice.uniform(1, 8)), daemon=True).start()
        return True

    def _talk(self, call: Call, seconds: float) -> None:
        call.ended.wait(seconds)
        with contextlib.suppress(TimeoutError, OSError):
            call.close()
        # What is repeated within 32 s is answered again; then it is forgotten.
        time.sleep(32)
        for key in [key for key in list(self.ua._sent_responses) if call.call_id in repr(key)]:
            self.ua._sent_responses.pop(key, None)


class Caller(threading.Thread):
    """One caller: a call, and when that is over the next."""

    def __init__(
        self, address: Address, sender: Sender, phrases: Sequence[Sequence[bytes]], seed: int, until: float
    ) -> None:
        super().__init__(daemon=True)
        self._address, self._sender, self._phrases = address, sender, phrases
        self._dice, self._until = random.Random(seed), until
        self.done: collections.Counter[str] = collections.Counter()
        """What was done, and what failed, by name."""

    def run(self) -> None:
        while time.monotonic() < self._until:
            try:
                self._call()
            except (TimeoutError, OSError, ValueError) as error:
                self.done[f"failed: {type(error).__name__} {error}"[:60]] += 1
                time.sleep(1)

    def _call(self) -> None:
        stream = Stream(self._sender, self._dice)
        with UserAgent() as ua:
            call = ua.dial(self._address, media=stream)  # type: ignore[arg-type]
            try:
                if self._dice.random() < 0.05:
                    time.sleep(self._dice.uniform(0, 0.1))
                    self.done["given up at once"] += 1
                    return
                status = call.answered().status
                self.done[f"answered {status}"] += 1
                end = time.monotonic() + self._dice.uniform(5, 40)
                while status == 200 and time.monotonic() < min(end, self._until):
                    if call.ended.wait(self._dice.uniform(0.5, 4)):
                        return
                    self._act(call, stream)
            finally:
                call.close()
                stream.close()

    def _act(self, call: Call, stream: Stream) -> None:
        acts = {"speak": 40, "key": 20, "info": 5, "hold": 15, "bridge": 10, "refer": 4, "new offer": 6}
        (act,) = self._dice.choices(list(acts), list(acts.values()))
        self.done[act] += 1
        if act == "speak":
            stream.say(self._dice.choice(self._phrases))
        elif act in ("key", "bridge"):
            stream.press(self._dice.choice("12345*#") if act == "key" else "9")
        elif act == "info":
            call.info_key("1")
        elif act == "refer":
            stream.press("8")
            with contextlib.suppress(TimeoutError):
                call.wait_request("REFER", 3)
                call.notify("100 Trying")
                call.notify("200 OK", "terminated;reason=noresource")
        elif act == "hold":
            call.reinvite(self._dice.choice(("sendonly", "inactive")))
            call.ended.wait(self._dice.uniform(0.2, 3))
            call.reinvite("sendrecv")
        else:
            call.reinvite("sendrecv", payloads=self._dice.choice(((8, 101), (0, 101), (0, 8, 101))))
