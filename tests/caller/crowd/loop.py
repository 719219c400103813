"""The crowd's process: one thread that sends and receives for all calls, and does what it is asked.

Everything is done in turns of a millisecond at absolute times: a slot of RTP packets, then whatever else is
due. How late each turn was is kept: that is what the measurements of this crowd may be off by.
"""

import gc
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tests.caller.crowd.record import PACKET, CrowdCall, Shot
from tests.caller.crowd.rtp import SLOTS, Bank, Receiver, Sender, drops, open_sockets, pin
from tests.caller.crowd.sip import Address, Line

TURN_S = 0.02 / SLOTS
_RECEIVE_EVERY = 4
"""Turns between two looks at the RTP sockets: arrival times are the kernel's, so they may wait."""
_MESSAGES = 6
"""SIP messages dealt with in one turn at most."""


class Loop:
    """Runs until the other end of ``link`` is closed. Orders come one at a time: (name, arguments)."""

    def __init__(self, link: Connection, sounds: Mapping[str, bytes], host: str) -> None:
        self._link = link
        self._sockets, self._swallowing = open_sockets(host)
        self._ports = [sock.getsockname()[1] for sock in self._sockets]
        self._bank = Bank(sounds)
        self._sender = Sender(self._bank, self._sockets)
        self._receiver = Receiver(self._sockets)
        self._line = Line(host, self._up, self._over)
        self._seats: dict[int, int] = {}
        """Call number to seat, while it is up."""
        self._ticks = array("d")
        self._due: deque[tuple[float, Callable[[], None]]] = deque()
        """What is to be done at a time (monotonic), in order."""
        self._leaving: deque[tuple[float, int]] = deque()
        """Calls to be hung up at a time."""
        self._stay: float | None = None
        self._sound: tuple[str, ...] = ()
        self._finished: Callable[[], Any] | None = None
        """Gives the answer to the order in hand once it is carried out, and None before."""

    def run(self) -> None:
        """The turns."""
        begin = time.monotonic()
        wall = time.time() - begin
        turn = 0
        while True:
            turn += 1
            due = begin + turn * TURN_S
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
                now = time.monotonic()
            self._ticks.append(wall + due)
            self._ticks.append(now - due)
            self._sender.send(turn % SLOTS)
            if turn % _RECEIVE_EVERY == 0:
                self._receiver.receive()
            self._line.receive(_MESSAGES)
            self._do_what_is_due(now)
            if turn % SLOTS == 0:
                self._line.repeat()
                if not self._listen():
                    return

    # -- orders

    def _listen(self) -> bool:
        """Answer the order in hand, take the next; False when nobody is there any more."""
        if self._finished is not None:
            answer = self._finished()
            if answer is not None:
                self._finished = None
                self._link.send(answer)
        elif self._link.poll():
            try:
                name, arguments = self._link.recv()
            except EOFError:
                return False
            self._finished = getattr(self, f"order_{name}")(*arguments)
        return True

    def order_dial(
        self, target: Address, user: str, calls: int, rate: float, sound: tuple[str, ...], stay: float | None
    ) -> Callable[[], Any]:
        """So many calls, ``rate`` a second; each is hung up ``stay`` seconds after its 200."""
        first, begin = len(self._line.calls), time.monotonic() + 2 * TURN_S
        self._stay, self._sound = stay, sound
        for n in range(calls):
            self._due.append((begin + n / rate, lambda: self._dial(target, user)))

        def finished() -> list[CrowdCall] | None:
            busy = self._due or self._line.waiting or self._leaving
            return None if busy else self._line.calls[first:]

        return finished

    def order_say(self, sound: tuple[str, ...]) -> Callable[[], Any]:
        """All calls say this from now on."""
        self._sound = sound
        for number, seat in self._seats.items():
            self._sender.say(seat, self._track(number))
        return lambda: True

    def order_interrupt(self, number: int, sound: str) -> Callable[[], Any]:
        """One call says something once."""
        if number in self._seats:
            self._sender.interrupt(self._seats[number], Shot(number, sound), self._bank.tracks[sound])
        return lambda: True

    def order_hearing(self, numbers: Sequence[int]) -> Callable[[], Any]:
        """Ask for how long each of these calls has heard sound without a pause, seconds."""
        answer = [self._receiver.loud_for(self._line.calls[number].port) for number in numbers]
        return lambda: answer

    def order_hang_up(self, numbers: Sequence[int] | None, rate: float) -> Callable[[], Any]:
        """These calls, or all that are up."""
        begin = time.monotonic()
        wanted = list(self._seats) if numbers is None else list(numbers)
        for n, number in enumerate(wanted):
            call = self._line.calls[number]
            self._due.append((begin + n / rate, lambda call=call: self._line.hang_up(call)))  # type: ignore[misc]

        def finished() -> list[CrowdCall] | None:
            busy = self._due or self._line.waiting
            return None if busy else [self._line.calls[number] for number in wanted]

        return finished

    def order_report(self, folder: Path) -> Callable[[], Any]:
        """Everything so far; the packets and the turns as files, for there are millions of them."""
        self._receiver.receive()
        packets = np.concatenate([np.empty(0, PACKET), *self._receiver.records])
        self._receiver.records = [packets]
        np.save(folder / "packets.npy", packets)
        np.save(folder / "ticks.npy", np.frombuffer(self._ticks, np.float64).reshape(-1, 2))
        spent = time.process_time()
        answer = {
            "calls": self._line.calls,
            "shots": self._sender.shots,
            "dropped": drops(self._ports),
            "refused": self._sender.refused,
            "sent": self._sender.sent,
            "cpu_s": spent,
            "unexpected": self._line.unexpected,
        }
        return lambda: answer

    # -- what they need

    def _do_what_is_due(self, now: float) -> None:
        for _ in range(2):
            if not self._due or self._due[0][0] > now:
                break
            self._due.popleft()[1]()
        while self._leaving and self._leaving[0][0] <= now:
            self._line.hang_up(self._line.calls[self._leaving.popleft()[1]])

    def _dial(self, target: Address, user: str) -> None:
        seat = self._sender.seat()
        self._line.dial(target, user, seat, self._ports[self._sender.socket_of(seat)])

    def _up(self, call: CrowdCall, seat: int, remote: Address) -> None:
        self._seats[call.number] = seat
        self._sender.say(seat, self._track(call.number))
        self._sender.start(seat, remote)
        if self._stay is not None:
            self._leaving.append((time.monotonic() + self._stay, call.number))

    def _over(self, seat: int) -> None:
        self._sender.leave(seat)
        self._seats = {number: taken for number, taken in self._seats.items() if taken != seat}

    def _track(self, number: int) -> Any:
        return self._bank.tracks[self._sound[number % len(self._sound)]]


def main(link: Connection, sounds: Mapping[str, bytes], host: str, core: int | None) -> None:
    """What the process does."""
    pin(core)
    sys.setswitchinterval(0.0005)
    loop = Loop(link, sounds, host)
    link.send("ready")
    gc.collect()
    gc.freeze()
    gc.disable()  # a pass over a million objects would be heard by all
    loop.run()
