"""A campaign, and what it found: ``python -m tests.hostile.mutate --count N --seed S --transport udp``."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.hostile.mutate import namespace, process
from tests.hostile.mutate.campaign import Campaign, Result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="messages to send, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transport", choices=("udp", "tcp", "mixed"), default="mixed")
    parser.add_argument(
        "--batch", type=int, default=0, help="the batch to begin with: repeats what was found in it"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/ivr-mutations"), help="for what is found")
    parser.add_argument(
        "--without-gate", action="store_true", help="give pjsip everything, to find its own faults"
    )
    options = parser.parse_args()
    namespace.enter()
    campaign = Campaign(
        options.seed,
        options.transport,
        options.folder,
        process.max_calls(),
        without_gate=options.without_gate,
    )
    result = campaign.run(options.count, options.batch, time.monotonic() + options.seconds)
    report(result)
    return 1 if result.findings else 0


def report(result: Result) -> None:
    """Print it as JSON."""
    print(
        json.dumps(
            {
                "sanitized": process.sanitized(),
                "messages": result.total,
                "by kind": dict(sorted(result.messages.items())),
                "answers": dict(sorted(result.answers.items())),
                "seconds": round(result.seconds, 1),
                "a second": round(result.total / max(result.seconds, 0.001)),
                "agent's processor seconds": round(result.cpu_s, 1),
                "starts": result.starts,
                "rss_kb": result.rss_kb,
                "events": dict(sorted(result.events.items())),
                "findings": result.findings,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
