"""``ivr test --sip``: dialogues over SIP and RTP on loopback, between two of our own user agents.

One is the service, in a process of its own (``sip_service``). The other is the caller: the speech engine
speaks the caller's lines, the recogniser transcribes what the caller hears. The service reports when things
happen. That a prompt also arrived is checked in the transcript: it must contain ``HEARD_SHARE`` of the
prompt's words in their order, for each prompt that a turn ``hears`` and that was played to its end.
"""

import asyncio
import contextlib
import dataclasses
import multiprocessing
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from multiprocessing.connection import Connection
from typing import Any

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.events import CallEvent
from ivr.dialplan.dialogue.reader import Dialogue, DialogueFile
from ivr.dialplan.dialogue.runner import DialogueRunner, Failure, Outcome
from ivr.dialplan.plan.plan import Plan
from ivr.grammar.matching import normalize
from ivr.lab.dialogues.sip_call import SipDialogueCall
from ivr.lab.dialogues.sip_service import LINGER_S, serve_dialogues
from ivr.service.calls.call import ServedCall
from ivr.service.calls.dialing import CalledParty
from ivr.service.config.settings import Settings
from ivr.service.engines import Engines
from ivr.service.server import Server, prepare_process
from ivr.session import SessionEnded, VoiceSession
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg
from ivr.tasks import TaskSupervisor, child_task

HEARD_SHARE = 0.5
"""Share of a prompt's words that the transcript must contain, 0 to 1."""
START_S = 120.0
"""Seconds that the service may take to start, with engines and prompts."""
DIALOGUE_S = 180.0
"""Seconds for one dialogue."""
HANGUP_S = LINGER_S + 3.0
"""Seconds after the plan's end within which the call must end."""


class CallerCall(ServedCall):
    """The caller's end of a call: it runs a dialogue instead of a plan."""

    def __init__(
        self,
        leg: CallLeg,
        plan: Plan,
        engines: Engines,
        settings: Settings,
        run_dialogue: Callable[["CallerCall"], Any],
    ) -> None:
        super().__init__(leg, plan, engines, settings)
        self._run_dialogue = run_dialogue
        self.heard: list[str] = []
        """Transcripts of what the caller heard."""

    @property
    def session(self) -> VoiceSession:
        return self._session

    async def wait_for_hangup(self) -> bool:
        """Wait for the other side to hang up; False when it does not within ``HANGUP_S``."""
        await asyncio.wait({self._ended}, timeout=HANGUP_S)
        return self._ended.done()

    async def _converse(self, ring_s: float) -> None:
        await self._confirmed.wait()
        await self._session.start()
        async with child_task(self._listen(), "listening of the caller"):
            try:
                await self._run_dialogue(self)
            finally:
                self.leg.hangup("caller")

    async def _listen(self) -> None:
        with contextlib.suppress(SessionEnded):
            while True:
                turn = await self._session.listen()
                self.heard.append(turn.text)


class _CallerServer(Server):
    """The user agent of the caller: it places the calls."""

    run_dialogue: Callable[[CallerCall], Any]
    """Runs the dialogue of the next call."""

    def _make_call(self, leg: CallLeg, plan: Plan, start: str | None) -> ServedCall:
        return CallerCall(leg, plan, self._engines, self._settings, self.run_dialogue)


def run_over_sip(
    settings: Settings,
    file: DialogueFile,
    dialogues: Sequence[Dialogue],
    *,
    coverage: Coverage,
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    """Run dialogues as ``run_in_memory`` does, in real time. Raises SpeechError, SipError and ModelMissing
    when one of the two sides does not start.
    """
    prepare_process()
    port, other = _free_port(), _free_port()
    first = random.randrange(30_000, 55_000, 100)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    names = [dialogue.name for dialogue in dialogues]
    process = context.Process(
        target=serve_dialogues,
        args=(_on_loopback(settings, port, first), file.path, names, theirs),
        daemon=True,
    )
    process.start()
    theirs.close()
    try:
        caller = DialogueCaller(
            _on_loopback(settings, other, first + 200), file, dialogues, port, coverage, done
        )
        return asyncio.run(caller.run(ours))
    finally:
        ours.close()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


class DialogueCaller:
    """Places a call for each dialogue of a file, and collects the outcomes."""

    def __init__(
        self,
        settings: Settings,
        file: DialogueFile,
        dialogues: Sequence[Dialogue],
        port: int,
        coverage: Coverage,
        done: Callable[[Outcome], None],
    ) -> None:
        self._settings, self._file, self._dialogues = settings, file, dialogues
        self._port, self._coverage, self._done = port, coverage, done
        self._dialogue_call: SipDialogueCall | None = None
        self._early_messages: dict[int, list[tuple[Any, ...]]] = {}
        """Messages about a call that has no ``SipDialogueCall`` yet: the service reports first."""
        self._number = -1
        """The number of the current call, from 0."""
        self._ready: asyncio.Future[None]
        self._tasks = TaskSupervisor()
        self._outcomes: list[Outcome] = []

    async def run(self, connection: Connection) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        reader = threading.Thread(target=self._read, args=(connection, loop), daemon=True)
        reader.start()
        # The caller also hears what is said while they speak.
        session = dataclasses.replace(self._settings.session, keep_speech_over_protected=True)
        settings = dataclasses.replace(self._settings, session=session)
        # The caller's lines are not prompts of a plan: of the plan only the name is used.
        server = _CallerServer(settings, [self._file.plan], _NoObserver(), outbound=self._place_calls)
        try:
            await server.run()
        finally:
            await self._tasks.aclose()
        return self._outcomes

    def _read(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = connection.recv()
                loop.call_soon_threadsafe(self._receive, message)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._receive, (-1, "failed", "the service has ended"))

    def _receive(self, message: tuple[Any, ...]) -> None:
        number, kind, *values = message
        if kind == "ready" and not self._ready.done():
            self._ready.set_result(None)
        elif kind == "failed" and not self._ready.done():
            self._ready.set_exception(SipError(str(values[0])))
        elif self._dialogue_call is not None and number == self._number:
            self._dialogue_call.receive(kind, *values)
        elif number >= self._number:
            self._early_messages.setdefault(number, []).append((kind, *values))

    async def _place_calls(self, server: Server) -> None:
        assert isinstance(server, _CallerServer)
        async with asyncio.timeout(START_S):
            await self._ready
        for dialogue in self._dialogues:
            began = time.perf_counter()
            outcome = await self._call(server, dialogue)
            outcome.took_s = time.perf_counter() - began
            self._outcomes.append(outcome)
            self._done(outcome)

    async def _call(self, server: _CallerServer, dialogue: Dialogue) -> Outcome:
        outcome = Outcome(dialogue)
        self._number += 1
        visit = self._coverage.recorder()

        running: asyncio.Task[None] | None = None

        async def start_dialogue(call: CallerCall) -> None:
            nonlocal running
            running = self._tasks.start(run_dialogue(call), "dialogue", awaited=True)
            await asyncio.shield(running)  # the dialogue may have turns after the caller has hung up

        async def run_dialogue(call: CallerCall) -> None:
            nonlocal outcome
            current = self._dialogue_call = SipDialogueCall(call.leg, call.session, visit)
            for message in self._early_messages.pop(self._number, []):
                current.receive(*message)
            runner = DialogueRunner(dialogue, current, self._file.sounds)
            try:
                outcome = await runner.run(DIALOGUE_S)
            finally:
                await current.aclose()
            if outcome.failure is None:
                outcome.failure = await _check_heard(runner.heard, outcome.events, call)
            if (
                outcome.failure is None
                and current.end_reason is not None
                and not await call.wait_for_hangup()
            ):
                last = dialogue.turns[-1]
                text = f"the plan has ended, but the call did not end within {HANGUP_S:g} s"
                outcome.failure = Failure(last.line, last.column, text)

        server.run_dialogue = start_dialogue
        called = dialogue.facts.called or self._file.plan.name
        caller = f"sip:{dialogue.facts.caller}@127.0.0.1" if dialogue.facts.caller else None
        try:
            end = await server.dial(f"sip:{called}@127.0.0.1:{self._port}", caller=caller)
            if running is not None:
                await running
        except SessionEnded:
            outcome.failure = outcome.failure or Failure(
                dialogue.line, 1, "the call ended before the dialogue was over"
            )
            return outcome
        except ValueError as error:  # numbers that no call can have
            outcome.failure = Failure(dialogue.line, 1, f"the call cannot be placed: {error}")
            return outcome
        finally:
            self._dialogue_call = None
        if not end.answered and outcome.failure is None:
            message = f"the call was not answered: {end.status} {end.phrase}".rstrip()
            outcome.failure = Failure(dialogue.line, 1, message)
        return outcome


class _NoObserver:
    """A ``ServerObserver`` that does nothing."""

    def ready(self, info: object) -> None: ...

    def call_started(self, call: ServedCall) -> None: ...

    def call_ended(self, call: ServedCall) -> None: ...

    def party_called(self, party: CalledParty) -> None: ...

    def party_ended(self, party: CalledParty) -> None: ...


async def _check_heard(
    expected: Sequence[tuple[int, int, CallEvent]], entries: Sequence[CallEvent], call: CallerCall
) -> Failure | None:
    """Return a failure for the first prompt that was played to its end and did not arrive at the caller.

    ``expected``: line, column and prompt of each turn that hears one.
    """
    whole = {entry.number for entry in entries if entry.kind == "said"}
    wanted = [each for each in expected if each[2].number in whole and normalize(each[2].text)]
    until = asyncio.get_running_loop().time() + 5
    while True:  # the last words are still being transcribed
        heard = normalize(" ".join(call.heard))
        missing = next(
            (each for each in wanted if heard_share(normalize(each[2].text), heard) < HEARD_SHARE), None
        )
        if missing is None:
            return None
        if asyncio.get_running_loop().time() > until:
            line, column, prompt = missing
            message = f"{prompt.text!r} was played, but did not arrive at the caller, who heard"
            return Failure(line, column, f"{message} {' '.join(call.heard)[-300:]!r}")
        await asyncio.sleep(0.2)


def heard_share(said: Sequence[str], heard: Sequence[str]) -> float:
    """Return the share, 0 to 1, of the words ``said`` that ``heard`` contains in the same order, close
    together.
    """
    best = 0.0
    span = len(said) * 2 + 4
    for first in range(0, max(1, len(heard)), max(1, len(said) // 2)):
        blocks = SequenceMatcher(
            None, said, heard[first : first + span], autojunk=False
        ).get_matching_blocks()
        best = max(best, sum(block.size for block in blocks) / max(1, len(said)))
    return best


def _on_loopback(settings: Settings, port: int, first: int) -> Settings:
    sip = dataclasses.replace(
        settings.sip,
        bind=f"127.0.0.1:{port}",
        rtp_ports=f"{first}-{first + 99}",
        public_address=None,
        tls_bind=None,
        registrations=(),
        ring_s=0.0,
    )
    recording = dataclasses.replace(settings.recording, debug=False)
    return dataclasses.replace(settings, sip=sip, recording=recording)


def _free_port() -> int:
    while True:
        port = random.randrange(10_000, 19_000)
        with (
            contextlib.suppress(OSError),
            socket.socket(type=socket.SOCK_DGRAM) as udp,
            socket.socket() as tcp,
        ):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port
