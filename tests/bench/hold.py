"""Many calls held by one side while prompts play, and what they cost; callers who interrupt; fast set-up."""

import functools
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tests.bench import processor
from tests.bench.sides import ServiceSide, Side
from tests.bench.stage import PHRASES, finish
from tests.caller import measure, rtp, sounds
from tests.caller.crowd import Crowd, CrowdCall, Record, record
from tests.caller.crowd.rtp import drops

RAMP = 25.0
"""Calls a second while the calls to be held are dialled."""
SETTLE_S = 3.0
IDLE_S = 5.0
KINDS = ("conversation", "silence", "talk")
"""What the callers say during a window: in turns; nothing (digital silence); without end."""
SHARE = 0.4
"""How much of a conversation is the caller's turn."""
LINE_DBFS = -62.0
"""Noise between the turns, and under them."""
TRACK_S, TRACKS = 60.0, 6
PROMPT_LIMIT_S = 2.0
"""A call whose prompt is not heard by then has no media."""
INTERRUPTERS = 6
WAIT_S = (1.0, 3.0)
"""How much of a prompt they hear before they interrupt."""
AFTERMATH_S = 3.5
"""Seconds after an interruption when what is said is over, and the prompt was cut, or was not."""
SHIFTS = 3
"""Speech does not begin with a packet: each phrase comes with so many different beginnings."""


@dataclass
class Sounds:
    """What the crowd can say."""

    all: dict[str, bytes]
    """PCM16 at 8 kHz by name."""
    kinds: dict[str, tuple[str, ...]]
    """Kind of window to the sounds that its calls say."""
    phrases: list[str]
    share: dict[str, float]
    """Kind of window to how much of it is louder than ``measure.LOUD_DBFS`` after mu-law."""
    turns_per_s: float
    """Turns that a call in conversation begins, a second."""


def make_sounds(seed: int = 1) -> Sounds:
    """The same for both sides."""
    words = [sounds.scale(sounds.recording(name), -22.0) for name in PHRASES]
    noise = sounds.noise(LINE_DBFS, 20.0)
    made: dict[str, bytes] = {"noise": noise, "silence": sounds.silence(1.0)}
    kinds: dict[str, tuple[str, ...]] = {"silence": ("silence",)}
    turns = 0
    for kind, share in (("conversation", SHARE), ("talk", 0.97)):
        for n in range(TRACKS):
            made[f"{kind} {n}"], spoken = record.conversation(words, TRACK_S, share, noise, seed + n)
            turns += len(spoken) if kind == "conversation" else 0
        kinds[kind] = tuple(f"{kind} {n}" for n in range(TRACKS))
    dice = random.Random(seed)
    phrases = []
    for name in PHRASES:
        for _ in range(SHIFTS):
            shift = dice.randrange(rtp.FRAME)
            phrases.append(f"{name} {shift}")
            made[phrases[-1]] = bytes(2 * shift) + sounds.recording(name) + bytes(2 * (rtp.FRAME - shift))
    loud = {kind: float(np.mean([_loud(made[name]) for name in names])) for kind, names in kinds.items()}
    return Sounds(made, kinds, phrases, loud, turns / TRACKS / TRACK_S)


def _loud(pcm16: bytes) -> float:
    coded = np.frombuffer(rtp.encode(pcm16, rtp.PCMU), np.uint8)
    power = (
        record.ULAW_POWER[coded[: len(coded) // rtp.FRAME * rtp.FRAME]].reshape(-1, rtp.FRAME).mean(axis=1)
    )
    return float((power > record.LOUD).mean())


@dataclass
class Window:
    """A stretch of time with all calls up."""

    kind: str
    start: float
    end: float
    spent: processor.Spent
    """Processor time of the side's process."""
    callers_s: float
    """Processor time of the crowd."""
    others: float
    """Share of the side's core that was neither its own process's nor idle."""
    onsets: int = 0
    """Times the service said that a caller of the crowd began to speak."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def busy(self) -> float:
        """Share of a core that the side's process used."""
        return self.spent.whole / self.seconds


@dataclass
class Trial:
    """One interruption; ``ms`` is None when the prompt went on."""

    what: str
    ms: float | None


@dataclass
class Held:
    """One side holding calls."""

    side: str
    asked: int
    calls: list[CrowdCall]
    idle: float
    """Share of a core before the first call."""
    idle_mb: float
    held_mb: float
    windows: dict[str, Window] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    not_playing: int = 0
    """Interruptions at a moment when no prompt was playing; they count for nothing."""
    side_drops: int = 0
    """Datagrams the kernel dropped at the side's RTP ports, because it did not read them in time."""
    transcripts_ms: list[float] = field(default_factory=list)
    """How long each transcript took that the service needed to go on after an interruption."""
    heard: Record | None = None
    media: Mapping[str, object] = field(default_factory=dict)
    """What the service logged of its media when it ended."""

    def percent(self, kind: str) -> float:
        """Processor time of one call, in percent of a core, without what the idle process takes."""
        return (self.windows[kind].busy - self.idle) / max(1, len(self.calls)) * 100

    @property
    def mb_a_call(self) -> float:
        return (self.held_mb - self.idle_mb) / max(1, len(self.calls))

    @property
    def kept(self) -> int:
        """Calls that were up from the ramp to the end."""
        return sum(not call.failure for call in self.calls)

    @property
    def span(self) -> tuple[float, float]:
        """Return the first window's start and the last's end."""
        return min(w.start for w in self.windows.values()), max(w.end for w in self.windows.values())


def hold(side: Side, made: Sounds, calls: int, seconds: float, core: int) -> Held:
    """Dial, look at each kind of window (``seconds`` of conversation, half of that of the others), let some
    callers interrupt (the service only), hang up.
    """
    with Crowd(made.all, core=core) as crowd:
        time.sleep(1.0)
        before, began = processor.spent(side.pid), time.monotonic()
        time.sleep(IDLE_S)
        idle = processor.spent(side.pid).since(before).whole / (time.monotonic() - began)
        idle_mb = processor.memory_mb(side.pid)
        dialled = crowd.dial(side.address, calls, RAMP, made.kinds["conversation"], user=side.user)
        held = Held(side.name, calls, dialled, idle, idle_mb, 0.0)
        for kind in KINDS:
            crowd.say(made.kinds[kind])
            time.sleep(SETTLE_S)
            length = seconds if kind == "conversation" else seconds / 2
            held.windows[kind] = window(kind, side, crowd, functools.partial(time.sleep, length))
            if kind == "conversation":
                held.held_mb = processor.memory_mb(side.pid)
        shots: list[CrowdCall] = []
        if isinstance(side, ServiceSide):
            crowd.say(made.kinds["conversation"])
            shots = crowd.dial(side.address, INTERRUPTERS, RAMP, "noise", user="continuous")
            held.windows["interruptions"] = window(
                "interruptions", side, crowd, lambda: interrupt(crowd, made, shots, 1.5 * seconds)
            )
        held.side_drops = drops(side.rtp_ports)
        # What is held now has been held all the time.
        ended = {call.number: call for call in crowd.hang_up()}
        held.heard = crowd.report()
        held.calls = [ended[call.number] for call in dialled if call.number in ended]
        for call in (ended[call.number] for call in shots if call.number in ended):
            _judge(held, call, made)
    if isinstance(side, ServiceSide):
        time.sleep(1.0)
        held.media = finish(side.service)
        held.transcripts_ms = [e["took_ms"] for e in side.service.find("transcript")]
        for w in held.windows.values():
            w.onsets = sum(w.start <= e["_at"] <= w.end for e in side.service.find("speech_began"))
    return held


def window(kind: str, side: Side, crowd: Crowd, during: Callable[[], None]) -> Window:
    """What is spent while ``during`` runs."""
    start, core, began = time.time(), processor.busy_s(side.core), time.monotonic()
    ours, theirs = processor.spent(crowd.pid), processor.spent(side.pid)
    during()
    spent = processor.spent(side.pid).since(theirs)
    callers = processor.spent(crowd.pid).since(ours).whole
    others = (processor.busy_s(side.core) - core - spent.whole) / (time.monotonic() - began)
    return Window(kind, start, time.time(), spent, callers, max(0.0, others))


def interrupt(crowd: Crowd, made: Sounds, callers: list[CrowdCall], seconds: float) -> None:
    """Each of these callers interrupts its prompt, 1 to 3 seconds after it began, again and again."""
    dice = random.Random()
    until = time.monotonic() + seconds
    waits = [dice.uniform(*WAIT_S) for _ in callers]
    not_before = [0.0] * len(callers)
    while time.monotonic() < until - AFTERMATH_S:
        time.sleep(0.05)
        for n, heard in enumerate(crowd.hearing(callers)):
            now = time.monotonic()
            if heard >= waits[n] and now >= not_before[n]:
                crowd.interrupt(callers[n], dice.choice(made.phrases))
                waits[n], not_before[n] = dice.uniform(*WAIT_S), now + AFTERMATH_S
    time.sleep(max(0.0, until - time.monotonic()))


def _judge(held: Held, call: CrowdCall, made: Sounds) -> None:
    """What became of each of a caller's interruptions."""
    assert held.heard is not None
    for shot in held.heard.shots:
        if shot.call != call.number:
            continue
        place = measure.onset_sample(made.all[shot.sound]) // rtp.FRAME
        if place >= len(shot.sent):
            continue
        onset = shot.sent[place]
        packets = held.heard.of(call, onset - 1.0, onset + 3.0)
        before = packets[(packets["at"] > onset - 0.4) & (packets["at"] <= onset)]
        if record.loud(before).mean() < 0.9 if len(before) else True:
            held.not_playing += 1
            continue
        cut = record.cut(packets, onset)
        held.trials.append(Trial(shot.sound, None if cut is None else (cut - onset) * 1000))


@dataclass
class SetUp:
    """Calls dialled fast, each held for a moment."""

    calls: list[CrowdCall]
    heard: Record
    window: Window
    to_prompt_ms: list[float]
    """Milliseconds from the 200 to the prompt's first loud packet, of the whole calls."""
    failures: Counter[str]
    side_drops: int

    @property
    def rate(self) -> float:
        """Calls a second that were dialled."""
        invited = [call.invited for call in self.calls]
        return (len(invited) - 1) / (max(invited) - min(invited))


def set_up(side: Side, made: Sounds, rate: float, seconds: float, stay: float, core: int) -> SetUp:
    """``rate`` calls a second for ``seconds``, each hung up ``stay`` seconds after its 200."""
    calls: list[CrowdCall] = []
    kind = made.kinds["conversation"]

    def dial() -> None:
        calls.extend(crowd.dial(side.address, round(rate * seconds), rate, kind, user=side.user, stay=stay))

    with Crowd(made.all, core=core) as crowd:
        time.sleep(1.0)
        during = window("set-up", side, crowd, dial)
        dropped = drops(side.rtp_ports)
        heard = crowd.report()
    failures: Counter[str] = Counter()
    to_prompt = []
    for call, packets in heard.each(calls):
        first = record.first_loud(packets, call.answered)
        if call.failure or not call.bye_answered:
            failures[call.failure or "no answer to BYE"] += 1
        elif first is None or first - call.answered > PROMPT_LIMIT_S:
            failures["the prompt was not heard"] += 1
        else:
            to_prompt.append((first - call.answered) * 1000)
    return SetUp(calls, heard, during, to_prompt, failures, dropped)
