"""What the echo of our own prompt costs: prompts lost to it, callers missed over it, microseconds.

``python -m tests.bench.echo`` prints the tables of ``ivr/vad/README.md``, in about five minutes. Nothing goes
over a wire: lines are made by rule (``tests/vad/echoes.py``) and listened to as the service does. The
recordings are others than those that thresholds were chosen with (``PROMPTS`` in ``tests/vad/sounds.py``).
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import LineBank
from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav
from ivr.modelstore import model_path
from ivr.vad.batched import BatchedVad
from ivr.vad.events import VadEvent
from ivr.vad.options import DetectorOptions
from ivr.vad.silero import SileroModel
from tests.vad.echoes import Echo, at_level, calls, heard
from tests.vad.sounds import (
    HALF_SECOND,
    PROMPTS,
    SPEECH,
    Pcm16,
    ended,
    loud_from,
    music,
    recording,
    silence,
    started,
)

Leg = tuple[Pcm16, Pcm16]
LOSSES = 10, 12, 18, 24, 30
DELAYS = 20, 60, 120, 250
PROMPT_DBFS = -20.0
LEAD_S = 0.5
SENTENCES = """yes please|no thank you|I would like to speak to an operator|my number is four seven one nine
what did you say|seventeen|tomorrow morning at half past ten|hello is anybody there|transfer me to sales
I did not understand that|can you repeat the question|it is about my last bill|one two three four
please cancel the order|wait a moment|that is not right""".replace("\n", "|").split("|")
VOICES = "en-us+m3", "en-us+f2", "en-gb+m7", "en-gb-scotland"


@lru_cache(maxsize=1)
def unseen() -> list[Pcm16]:
    """Recordings of 1.2 s and more that no threshold was chosen with: every other one by name."""
    paths = sorted(p for p in SPEECH.glob("*.wav") if p.stem not in PROMPTS)
    sounds = [recording(p) for p in paths]
    return [x for x in sounds if x.size >= 9600][::2]


@lru_cache(maxsize=100)
def spoken(text: str, voice: str) -> Pcm16:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", "-v", voice, "-w", file.name, text], check=True)
        x, rate = decode_wav(Path(file.name).read_bytes())
    return resample(x, rate, 8000)


def callers() -> list[Pcm16]:
    """Synthetic voices, and people: recordings with another pitch than the prompts'."""
    made = [spoken(text, VOICES[i % len(VOICES)]) for i, text in enumerate(SENTENCES)]
    people = [resample(x[:10000], 8000, (10400, 9600, 6800)[i % 3]) for i, x in enumerate(unseen()[::3])]
    return [x[:12000] for x in made + people]


def whole(x: Pcm16) -> Pcm16:
    return x[: x.size // LINE_FRAME * LINE_FRAME]


def prompt_legs(
    echo: Callable[[int], Echo | None], count: int, loss: float = 0.0, noise: float = -65.0
) -> list[Leg]:
    """Each the first prompt of a call, with nobody speaking."""
    legs = []
    for i, x in enumerate(unseen()[:count]):
        sent = whole(np.concatenate([silence(LEAD_S), at_level(x, PROMPT_DBFS), silence(1.0)]))
        legs.append((sent, heard(sent, echo(i), noise_dbfs=noise, loss=loss, seed=i)))
    return legs


def music_legs(echo: Callable[[int], Echo | None]) -> list[Leg]:
    legs = []
    for i in range(30):
        at = 8000 * (40 + 9 * (i // 5)) % (music(i).size - 64000)
        sent = whole(np.concatenate([silence(LEAD_S), at_level(music(i)[at : at + 64000], PROMPT_DBFS)]))
        legs.append((sent, heard(sent, echo(i), seed=i)))
    return legs


def talk_legs(
    echo: Callable[[int], Echo | None], dbfs: float, voices: Sequence[Pcm16]
) -> tuple[list[Leg], list[int]]:
    """Somebody speaks over a prompt; and where, in samples of the line."""
    dice = np.random.default_rng(7)
    legs, onsets = [], []
    prompts = unseen()
    for i, voice in enumerate(voices):
        playing = np.concatenate([prompts[(3 * i + k) % len(prompts)] for k in range(4)])[:48000]
        sent = whole(np.concatenate([silence(LEAD_S), at_level(playing, PROMPT_DBFS), silence(1.0)]))
        at = int(dice.uniform(1.0, 3.5) * 8000)
        said = at_level(voice, dbfs)[: sent.size - at]
        over = np.zeros(sent.size, np.int16)
        over[at : at + said.size] = said
        legs.append((sent, heard(sent, echo(i), over, seed=i)))
        onsets.append(at + loud_from(said))
    return legs, onsets


class Bench:
    def __init__(self) -> None:
        self.model = SileroModel(model_path("silero"))

    def listen(self, legs: list[Leg], echo: bool) -> list[list[VadEvent]]:
        vad = BatchedVad(self.model, DetectorOptions(echo=echo), LineBank(len(legs)))
        return calls(vad, legs)

    def prompts(self, name: str, legs: list[Leg]) -> None:
        cells = [name]
        minutes = sum(sent.size for sent, _ in legs) / 8000 / 60
        for echo in (False, True):
            turns = [len(started(events)) for events in self.listen(legs, echo)]
            cells.append(f"{sum(n > 0 for n in turns)} of {len(legs)}, {sum(turns) / minutes:.1f}")
        row(cells)

    def latencies(self, legs: list[Leg], onsets: list[int], echo: bool) -> str:
        """Return ms from the onset to SpeechStarted at p50 / p95; onsets without one within 1.5 s; and
        those at which a turn was open that nobody had begun.
        """
        found, false = [], 0
        for events, onset in zip(self.listen(legs, echo), onsets, strict=True):
            after = [e.at / 2 - onset for e in started(events) if -400 < e.at / 2 - onset < 12000]
            before = sum(e.at / 2 < onset - 400 for e in started(events))
            if not after and before > sum(e.at / 2 < onset for e in ended(events)):
                false += 1
            else:
                found.append(after[0] / 8 if after else np.inf)
        p50, p95 = np.percentile(found, [50, 95], method="nearest")
        return f"{p50:.0f} / {p95:.0f}, {int(np.isinf(found).sum())} of {len(found)} missed" + (
            f", {false} already in a false turn" if false else ""
        )

    def cost(self, name: str, leg: Leg, rows: int = 10) -> None:
        cells = [name]
        took = []
        for echo in (False, True):
            best = min(self._time(leg, rows, echo) for _ in range(3))
            took.append(best)
            cells.append(f"{best:.0f}")
        added = took[1] - took[0]
        row([*cells, f"{added:.0f}", f"{added / 320:.3f}", f"{took[1] / 320:.3f}"])

    def _time(self, leg: Leg, rows: int, echo: bool) -> float:
        """Processor microseconds that a call's window takes, with ``rows`` calls at once, each elsewhere in
        the same sound.
        """
        vad = BatchedVad(self.model, DetectorOptions(echo=echo), LineBank(rows))
        lines = [vad.bank.open() for _ in range(rows)]
        for line in lines:
            vad.open(line, HALF_SECOND, lambda event: None)
        sent, back = leg
        took, skip = 0.0, 2 * 8000
        for at in range(0, sent.size - LINE_FRAME + 1, LINE_FRAME):
            for line in lines:
                from_ = (at + line.row * sent.size // rows // LINE_FRAME * LINE_FRAME) % sent.size
                line.write_sent(sent[from_ : from_ + LINE_FRAME].tobytes())
                line.write_received(back[from_ : from_ + LINE_FRAME].tobytes())
            began = time.thread_time()
            while vad.round():
                pass
            if at >= skip:
                took += time.thread_time() - began
        return took / rows / ((sent.size - skip) / 256) * 1e6


def row(cells: Sequence[object]) -> None:
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def head(cells: Sequence[str]) -> None:
    print()
    row(cells)
    row(["---"] * len(cells))


def lost(bench: Bench, count: int) -> None:
    head(["echo", "lost without, false starts a minute", "lost with, false starts a minute"])
    for db in LOSSES:
        for ms in DELAYS:
            legs = prompt_legs(lambda i, db=db, ms=ms: Echo(db, ms + 0.1 * (i % 10), seed=1000 + i), count)
            bench.prompts(f"−{db} dB, {ms} ms", legs)
    other: dict[str, list[Leg]] = {
        "noise −50 dBFS": prompt_legs(lambda i: Echo(12, 120, seed=i), count, noise=-50),
        "1 % of frames lost": prompt_legs(lambda i: Echo(12, 120, seed=i), count, loss=0.01),
        "music": music_legs(lambda i: Echo(12, 120, seed=i)),
        "second reflection 35 ms later, −6 dB": prompt_legs(
            lambda i: Echo(12, 120, seed=i, second=(35, 6)), count
        ),
        "room, 250 ms": prompt_legs(lambda i: Echo(12, 120, seed=i, reverb_ms=250), count),
        "no echo": prompt_legs(lambda i: None, count),
    }
    for name, legs in other.items():
        bench.prompts(f"−12 dB, 120 ms: {name}" if name != "no echo" else name, legs)


def missed(bench: Bench) -> None:
    head(["echo", "caller, dBFS", "without echo or module, ms p50 / p95", "over the echo"])
    voices = callers()
    for db, ms in ((10, 60), (12, 20), (12, 60), (12, 250), (18, 120), (24, 60), (30, 120)):
        for dbfs in (-20.0, PROMPT_DBFS - db):
            legs, onsets = talk_legs(lambda i, db=db, ms=ms: Echo(db, ms, seed=2000 + i), dbfs, voices)
            alone, _ = talk_legs(lambda i: None, dbfs, voices)
            row(
                [
                    f"−{db} dB, {ms} ms",
                    f"{dbfs:.0f}",
                    bench.latencies(alone, onsets, False),
                    bench.latencies(legs, onsets, True),
                ]
            )
    legs, onsets = talk_legs(lambda i: Echo(12, 120, seed=i, reverb_ms=250), -20.0, voices)
    row(["−12 dB, 120 ms: room", "-20", "", bench.latencies(legs, onsets, True)])


def unharmed(bench: Bench) -> None:
    head(["no echo; 55 recordings over a prompt", "module off, ms p50 / p95", "on"])
    same = [x[:12000] for x in unseen()[-55:]]
    other = [resample(x, 8000, (10400, 9600, 6800)[i % 3])[:12000] for i, x in enumerate(same)]
    for name, voices in (("the prompt's own voice", same), ("another pitch", other)):
        for dbfs in (-20.0, -32.0):
            legs, onsets = talk_legs(lambda i: None, dbfs, voices)
            row(
                [
                    f"{name}, {dbfs:.0f} dBFS",
                    *(bench.latencies(legs, onsets, on) for on in (False, True)),
                ]
            )


def cost(bench: Bench) -> None:
    head(["10 calls; microseconds a window", "off", "on", "added", "added, % of a core", "all, % of a core"])
    x = whole(at_level(np.concatenate(unseen()[10:20]), PROMPT_DBFS)[: 8000 * 24])
    talk = whole(at_level(np.concatenate(callers())[: x.size], -22))
    hybrid, room = Echo(15, 90, seed=3), Echo(15, 90, seed=3, reverb_ms=250)
    bench.cost(
        "nobody speaks, line noise −65 dBFS", (silence(x.size / 8000), heard(silence(x.size / 8000), None))
    )
    bench.cost("prompt plays, no echo", (x, heard(x, None)))
    bench.cost("prompt plays, echo", (x, heard(x, hybrid)))
    bench.cost("prompt plays, echo of a room", (x, heard(x, room)))
    bench.cost(
        "caller speaks, no prompt", (silence(x.size / 8000), heard(silence(x.size / 8000), None, talk))
    )
    bench.cost("both speak all the time, no echo", (x, heard(x, None, talk)))
    bench.cost("both speak all the time, echo", (x, heard(x, hybrid, talk)))
    bench.cost("both speak all the time, echo of a room", (x, heard(x, room, talk)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="lost, missed, unharmed, cost; none: all")
    parser.add_argument("--prompts", type=int, default=60, help="of a row of the first table (default: 60)")
    args = parser.parse_args()
    bench = Bench()
    wanted = args.rows or ["lost", "missed", "unharmed", "cost"]
    if "lost" in wanted:
        lost(bench, args.prompts)
    for name, table in (("missed", missed), ("unharmed", unharmed), ("cost", cost)):
        if name in wanted:
            table(bench)


if __name__ == "__main__":
    main()
