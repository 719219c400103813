"""The soak: ``python -m tests.hostile.soak --calls 100 --minutes 60 --seed 1``."""

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from tests.bench.report import machine
from tests.caller import rtp, sounds
from tests.e2e.running import Event, Service
from tests.hostile.soak.callers import Agents, Caller, Sender
from tests.hostile.soak.sampling import PROBE, Samples

PLAN = """
dialplan: 1
name: soak
start: prompt
steps:
  prompt:
    - play: continuous.wav
    - gather:
        timeout: 1s
        choices:
          spoken: {{say: [one, two, three, four], goto: short}}
          pressed: {{press: ["1", "2", "3", "4", "5"], goto: short}}
          moved: {{press: "8", goto: moved}}
          connected: {{press: "9", goto: connected}}
        noinput: {{tries: 0, goto: prompt}}
        nomatch: {{tries: 0, goto: prompt}}
  short:
    - play: short.wav
    - goto: prompt
  moved:
    - transfer: {{to: "sip:agent@127.0.0.1:{port}", timeout: 8s, failed: prompt}}
  connected:
    - transfer:
        to: "sip:agent@127.0.0.1:{port}"
        type: bridged
        timeout: 8s
        after: prompt
        failed: prompt
"""
WORDS = ("digits/1", "digits/2", "hello", "hours", "goodbye", "one-moment-please", "queue-thankyou")
SETTLED_MIN = 10
GROWTH_MB = 5.0
ENGINE = Path(__file__).parents[2] / "example_engine"


def prepare(folder: Path, agent_port: int) -> dict[str, str]:
    """Write plan, sounds, a recogniser that costs nothing, and the probe; the environment for them."""
    (folder / "soak.yaml").write_text(PLAN.format(port=agent_port), encoding="utf-8")
    sounds.write_wav(folder / "continuous.wav", sounds.continuous(("demo-instruct", "vm-options"), 30.0))
    sounds.write_wav(folder / "short.wav", sounds.continuous(("demo-congrats",), 2.0))
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(PROBE, encoding="utf-8")
    shutil.copytree(ENGINE / "example_engine", folder / "site" / "example_engine")
    project = tomllib.loads((ENGINE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "site" / f"example_engine-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    entries = "\n".join(f"{k} = {v}" for k, v in project["entry-points"]["ivr.stt"].items())
    (info / "entry_points.txt").write_text(f"[ivr.stt]\n{entries}\n")
    (folder / "probe").mkdir()
    return {
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]),
        "SOAK_PROBE": str(folder / "probe"),
        "IVR_STT__ORDER": "burst-counter",
        "IVR_TURN__NAME": "none",
        "IVR_LOG__LEVEL": "info",
        "PYTHONFAULTHANDLER": "1",
    }


def frames(name: str) -> list[bytes]:
    """A recording as packets of mu-law."""
    data = rtp.encode(sounds.scale(sounds.recording(name), -20), rtp.PCMU)
    return [data[at : at + rtp.FRAME] for at in range(0, len(data) - rtp.FRAME, rtp.FRAME)]


def _name(event: Event) -> str:
    """What an event is counted as: its name, with the reason of a call's end."""
    return f"{event['event']} {event.get('reason', '') if event['event'] == 'call_ended' else ''}".strip()


def report(samples: Samples, left: dict[str, float]) -> int:
    """Print the rows and what they mean; 1 when something grew."""
    columns = list(samples.rows[0])
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in samples.rows:
        print("| " + " | ".join(f"{row[name]:g}" for name in columns) + " |")
    held = [row for row in samples.rows if row["calls"]]
    settled = [row for row in held if row["minute"] >= SETTLED_MIN] or held
    # The mean of a few minutes at either end: the number of calls at the moment of a sample varies.
    size = max(1, min(5, len(settled) // 4))
    first, last = settled[:size], settled[-size:]

    def mean(rows: list[dict[str, float]], name: str) -> float:
        return sum(row[name] for row in rows) / len(rows)

    grown = {
        name: mean(last, name) - mean(first, name) for name in columns if name not in ("minute", "calls")
    }
    for name, change in grown.items():
        print(f"{name}: {change:+.2f} from minute {first[0]['minute']:g} to {last[-1]['minute']:g}")
    print(f"left at the end: {left}")
    wrong = [grown["rss_mb"] > GROWTH_MB, grown["threads"] >= 1, left["bridge_ports"] != 0]
    return int(any(wrong))


def run(calls: int, minutes: float, seed: int, csv: Path, rtp_ports: str) -> int:
    """Hold so many calls for so long."""
    folder = Path(tempfile.mkdtemp(prefix="ivr-soak-"))
    sender = Sender()
    sender.start()
    agents = Agents(sender, seed)
    env = prepare(folder, agents.ua.port) | {"IVR_SIP__MAX_CALLS": str(2 * calls)}
    service = Service([folder / "soak.yaml"], "--rtp-ports", rtp_ports, env=env, ready_timeout=120)
    with service:
        phrases = [frames(word) for word in WORDS]
        until = time.monotonic() + 60 * minutes
        dice = random.Random(seed)
        callers = [
            Caller(service.address, sender, phrases, dice.randrange(1 << 30), until) for _ in range(calls)
        ]
        samples = Samples(service.process.pid, folder / "probe", csv)
        for caller in callers:
            caller.start()
            time.sleep(0.1)
        every = min(60.0, 60 * minutes / 6)
        names: collections.Counter[str] = collections.Counter()
        while time.monotonic() < until:
            time.sleep(max(0.1, min(every, until - time.monotonic())))
            if not service.running:
                print(f"the service ended with {service.process.returncode}\n{service.tail(60)}")
                return 1
            print(samples.take(calls), f"sender late {sender.late:.2f} s", flush=True)
            sender.late = 0.0
            seen = len(service.events)
            names.update(_name(event) for event in service.events[:seen])
            del service.events[:seen]
        for caller in callers:
            caller.join(60)
        time.sleep(35)  # dialogs and transactions are kept 32 s (RFC 3261, 17)
        samples.take(0)
        (folder / "probe" / "trim").touch()
        time.sleep(15)
        print("after malloc_trim:", samples.take(0))
        left = {"udp_sockets": samples.rows[-1]["udp_sockets"]}
        service.signal()
        service.wait(60)
    stats = service.find("media_stats")
    left["bridge_ports"] = stats[0]["bridge_ports"] if stats else -1
    done: collections.Counter[str] = collections.Counter()
    for caller in callers:
        done += caller.done
    print(f"machine: {machine()}\nseed {seed}; agents answered {agents.answered}; done: {dict(done)}")
    names.update(_name(event) for event in service.events)
    print(f"logged: {dict(names)}\nother lines: {service.other_lines[-20:]}")
    shutil.rmtree(folder, ignore_errors=True)
    return report(samples, left)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", type=Path, default=Path("soak.csv"))
    parser.add_argument("--rtp-ports", default="40000-40999")
    options = parser.parse_args()
    return run(options.calls, options.minutes, options.seed, options.csv, options.rtp_ports)


if __name__ == "__main__":
    sys.exit(main())
