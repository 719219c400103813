"""A plan of any size, and what it costs to check it: ``python -m tests.dialplan.check.big [STEPS]``."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = """dialplan: 1
start: s0
variables: {tries: 0, who: "''"}
operator: "100"
steps:
"""


def big_plan(steps: int) -> str:
    """Menus, counters, subroutines, transfers and goodbyes; no rule finds anything in it."""
    parts = [HEAD]
    for n in range(steps):
        after, menu = (n + 1) % steps, (n // 5 * 5 + 5) % steps
        parts.append(f"  s{n}:\n")
        match n % 5:
            case 0:
                parts.append(
                    f"    - say: You are in part {n} of the plan.\n"
                    "    - gather:\n"
                    "        prompt: Say sales, billing or opening hours.\n"
                    "        choices:\n"
                    f'          sales: {{say: [sales, place an order], press: "1", goto: s{after}}}\n'
                    f'          billing: {{say: [billing, invoice], press: "2", goto: s{(n + 2) % steps}}}\n'
                    f'          hours: {{say: [opening hours], press: "3", goto: s{menu}}}\n'
                    f"        noinput: {{tries: 2, goto: s{(n + 3) % steps}}}\n"
                    f"        nomatch: {{tries: 2, goto: s{(n + 4) % steps}}}\n"
                )
            case 1:
                parts.append(
                    "    - set: {tries: tries + 1}\n"
                    f"    - branch: {{if: tries > {n}, then: s{(n + 3) % steps}}}\n"
                    f"    - goto: s{menu}\n"
                )
            case 2:
                parts.append(
                    f"    - call: {{step: greet, with: {{name: \"'caller {n}'\"}}}}\n"
                    f'    - tag: {{who: who}}\n    - say: "Try {{{{ tries + {n} }}}}."\n'
                    f"    - goto: s{after}\n"
                )
            case 3:
                parts.append(
                    f'    - transfer: {{to: "{n}", busy: {{say: Busy., goto: s{after}}}, failed: s{after}}}\n'
                )
            case _:
                parts.append("    - say: Goodbye.\n    - hangup:\n")
    parts.append('  greet:\n    params: [name]\n    do:\n      - say: "Hello {{ name }}."\n')
    return "".join(parts)


def main() -> int:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.yaml"
        path.write_text(big_plan(steps), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "ivr.cli", "check", str(path)], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"ivr check of {steps} steps: {used.ru_utime + used.ru_stime:.2f} s of processor time, all in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
