"""Wild input for the loader and the check: ``python -m tests.dialplan.fuzz [--count 10000] [--seed 0]``.

Each input must give a plan or messages with places: no exception, no more than ``MAX_S`` seconds, and memory
must not grow.
"""

import argparse
import faulthandler
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ivr.dialplan.check.checker import RULES, check_file
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.source.explain import fields_of
from tests.dialplan.check.cases import CASES, write
from tests.dialplan.plans import DEMO

MAX_S = 5.0
MAX_GROWTH_MB = 30.0
"""Growth from the first fifth of the inputs to the end: caches have their size by then."""
PIECES = [
    "\n", " ", "  ", "\t", ":", ": ", "- ", "-", "[", "]", "{", "}", ",", "#", "*", "&a ", "*a", "|", ">",
    "'", '"', "\\", "?", "!",
    "%", "@", "`", "~", "null", "---", "...", "<<", "0", "1e9", "-1", "5s", "\x00", "\ufeff", "\ud7ff",
    "é", "😀", "\u2028", "\x85",
    "\r", "goto", "say", "say: ", "gather:", "press: ", "choices", "steps:", "dialplan: 1", "menu",
    "!!python/name:os.system ", "{{ ", " }}", "{{ x }}", "{{ x | default(0) }}", "{% if %}", "call",
    "return:",
    "set: {x: x + 1}", "branch: {if: x > 1, then: a}", "switch", "hours", "routes", "languages: [en, fr]",
    "on_error: a", "# check: ignore endless-loop", "# check: ignore x y",
]  # fmt: skip
VALUES = [
    "a",
    "b",
    "1",
    "",
    "5s",
    "~",
    "yes",
    '"#"',
    "none",
    "x + 1",
    '"{{ x }}"',
    "x is defined",
    "[a, b]",
    "{}",
]
NAMES = sorted(
    {*all_verbs(), *(field for verb in all_verbs().values() for field in fields_of(verb))}
    | {"say", "press", "goto", "tries", "params", "do", "x", "a", "b"}
)


@dataclass(slots=True)
class Tally:
    inputs: int = 0
    clean: int = 0
    """Nothing was found."""
    refused: int = 0
    found: int = 0
    """Loaded, and a rule found something."""
    slowest_s: float = 0.0
    growth_mb: float = 0.0


def inputs(count: int, seed: int) -> Iterator[bytes]:
    """Mutated plans for the most part; truncated ones, random text, random bytes, YAML of random shape, and
    plans that load but lead anywhere."""
    plans = [DEMO.read_text(encoding="utf-8"), *(text for case in CASES for text in (case.trips, case.near))]
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        match dice.randrange(10):
            case 0:
                text = dice.choice(plans)
                yield text[: dice.randrange(len(text))].encode()
            case 1:
                yield "".join(dice.choices(PIECES, k=dice.randrange(40))).encode("utf-8", "surrogatepass")
            case 2:
                yield dice.randbytes(dice.randrange(300))
            case 3:
                yield _shape(dice).encode()
            case 4 | 5:
                yield _maze(dice).encode()
            case _:
                yield _mutant(dice, dice.choice(plans)).encode("utf-8", "surrogatepass")


def _mutant(dice: random.Random, text: str) -> str:
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        at = dice.randrange(len(text) + 1)
        to = min(len(text), at + dice.choice([0, 1, 1, 2, 5, 20, 80]))
        piece = text[at:to]
        other = text[dice.randrange(len(text) + 1) :][: dice.choice([10, 80, 300])]
        new = dice.choice(
            ["", piece * 2, piece[::-1], dice.choice(PIECES), dice.choice(PIECES) + piece, other]
        )
        text = text[:at] + new + text[to:]
    return text


def _maze(dice: random.Random) -> str:
    """A plan without a mistake in its form, whose ways nobody thought about."""
    names = [f"s{n}" for n in range(dice.choice([1, 2, 4, 8, 30]))]

    def step() -> str:
        return dice.choice(names)

    def verb() -> str:
        value = dice.choice(["x", "y | default(0)", "x + 1", "call.to", "x if x is defined else y"])
        match dice.randrange(12):
            case 0:
                return f"goto: {step()}"
            case 1:
                return f"call: {step()}"
            case 2:
                return f"branch: {{if: '{value} == 1', then: {step()}}}"
            case 3:
                return f"branch: {{if: x is defined, then: {step()}, else: {step()}}}"
            case 4:
                return f"switch: {{on: '{value}', cases: {{a: {step()}, b: {step()}}}, default: {step()}}}"
            case 5:
                return f"set: {{{dice.choice('xyz')}: '{value}'}}"
            case 6:
                one = f"a: {{press: '{dice.choice(['1', '1#', '12'])}', goto: {step()}}}"
                other = f"b: {{say: {dice.choice(['sales', 'sells', 'voicemail'])}}}"
                return f"gather: {{choices: {{{one}, {other}}}, noinput: {{goto: {step()}}}}}"
            case 7:
                return f"transfer: {{to: '1', failed: {step()}}}"
            case 8:
                return "return:"
            case 9:
                return "hangup:"
            case 10:
                return f"log: {{message: '{{{{ {value} }}}}', on_error: {step()}}}"
            case _:
                return "say: '{{ " + value.replace("'", "") + " }}'"

    steps = "".join(
        f"  {name}:\n" + "".join(f"    - {verb()}\n" for _ in range(dice.randint(1, 5))) for name in names
    )
    return f"dialplan: 1\nstart: s0\non_error: {step()}\nsteps:\n{steps}"


def _shape(dice: random.Random) -> str:
    """Well-formed YAML, right at the top and anything below."""
    steps = []
    for name in "abc"[: dice.randint(1, 3)]:
        items = [f"    - {_value(dice, 3)}" for _ in range(dice.randint(1, 4))]
        steps.append(f"  {name}:\n" + "\n".join(items))
    top = "".join(
        f"{name}: {_value(dice, 2)}\n"
        for name in (
            "variables",
            "on_error",
            "on_hangup",
            "languages",
            "hours",
            "routes",
            "defaults",
            "include",
        )
        if dice.random() < 0.15
    )
    return f"dialplan: 1\nstart: a\n{top}steps:\n" + "\n".join(steps) + "\n"


def _value(dice: random.Random, depth: int) -> str:
    if depth == 0 or dice.random() < 0.2:
        return dice.choice(VALUES)
    if dice.random() < 0.2:
        return f"[{', '.join(_value(dice, depth - 1) for _ in range(dice.randint(0, 3)))}]"
    names = dice.sample(NAMES, k=1 if depth == 3 else dice.randint(0, 4))
    return "{" + ", ".join(f"{name}: {_value(dice, depth - 1)}" for name in names) + "}"


def run(count: int, seed: int, folder: Path) -> Tally:
    """Raises AssertionError for the first input that goes wrong; it is then in ``folder/plan.yaml``."""
    tally = Tally()
    path = write(folder, "")
    early = 0.0
    for number, data in enumerate(inputs(count, seed)):
        path.write_bytes(data)
        began = time.monotonic()
        faulthandler.dump_traceback_later(MAX_S * 4, exit=True)  # a hang says where
        try:
            findings = check_file(path)
        finally:
            faulthandler.cancel_dump_traceback_later()
        taken = time.monotonic() - began
        for finding in findings:
            assert finding.rule in RULES and finding.line >= 1 and finding.column >= 1
            shown = finding.shown()
            assert finding.message and "\n" not in finding.message and len(finding.message) < 600
            assert "Traceback" not in shown and "pydantic" not in shown, shown
        assert taken <= MAX_S, f"{taken:.1f} s"
        tally.inputs += 1
        tally.slowest_s = max(tally.slowest_s, taken)
        refused = any(RULES[finding.rule].in_schema for finding in findings)
        tally.refused += refused
        tally.clean += not findings
        tally.found += bool(findings) and not refused
        if number == count // 5:
            early = _resident_mb()
    tally.growth_mb = _resident_mb() - early
    return tally


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dialplan.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(options.count, options.seed, Path(folder))
    print(tally)
    assert tally.growth_mb <= MAX_GROWTH_MB
    return 0


if __name__ == "__main__":
    sys.exit(main())
