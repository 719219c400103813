"""``python -m tests.hostile.torture``: all messages, in all states, over UDP and TCP."""

import sys
import time

from tests.hostile.messages import Target
from tests.hostile.torture.campaign import Listener, run
from tests.hostile.torture.messages import read
from tests.ports import free_port


def _gaps(name: str, gaps: list[float]) -> None:
    print(
        f"{name}: gaps of {len(gaps)} packets, p99 {gaps[int(len(gaps) * 0.99)]:.1f}, max {gaps[-1]:.1f} ms"
    )


def main() -> int:
    target = Target(free_port(), max_calls=2)
    messages = read()
    print(f"{target.build}: {len(messages)} messages")
    quiet = Listener(target)
    time.sleep(10)
    quiet.close()
    quiet.call.hang_up()
    _gaps("without torture", quiet.gaps_ms())
    wrong, gaps = run(target, messages)
    _gaps("with torture", gaps)
    target.close()
    print("\n".join(wrong) or "every answer is right")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
