"""Broken, mutated and random plans: a PlanError with a place each time, never anything else."""

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.dialplan import Plan, PlanError, load_plan
from ivr.dialplan.check.checker import check_file
from tests.dialplan import fuzz
from tests.dialplan.fuzz import PIECES
from tests.dialplan.plans import DEMO


def check(path: Path, data: bytes) -> bool:
    """Load and check it; true when it was accepted. Anything but a Plan or a PlanError fails the test."""
    path.write_bytes(data)
    check_file(path)
    try:
        plan = load_plan(path)
    except PlanError as error:
        for problem in error.problems:
            assert problem.line >= 1 and problem.column >= 1
            assert problem.message and "\n" not in problem.message and len(problem.message) < 600
            assert "Traceback" not in problem.message and "pydantic" not in problem.message
        return False
    assert isinstance(plan, Plan) and plan.prompts()
    return True


def test_mutations_of_the_demo(tmp_path: Path) -> None:
    """400 plans, each the demo's menu with up to four places deleted, doubled, swapped or overwritten."""
    lines = DEMO.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  story:"))
    end = next(n for n, line in enumerate(lines) if line.startswith("  bye:"))
    text = "\n".join(
        [*lines[:start], "  story:", "    - say: A story.", "", "  tone:", "    - hangup:", *lines[end:], ""]
    )
    assert check(tmp_path / "plan.yaml", text.encode())
    accepted = 0
    for seed in range(400):
        dice = random.Random(seed)
        mutant = text
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(mutant))
            to = min(len(mutant), at + dice.choice([1, 1, 2, 5, 20, 80]))
            piece = mutant[at:to]
            mutant = (
                mutant[:at]
                + dice.choice(["", piece * 2, piece[::-1], dice.choice(PIECES), dice.choice(PIECES) + piece])
                + mutant[to:]
            )
        accepted += check(tmp_path / "plan.yaml", mutant.encode("utf-8", "surrogatepass"))
    assert 0 < accepted < 200, "the mutations must be able to break a plan, and not only break it"


def test_truncations(tmp_path: Path) -> None:
    data = DEMO.read_bytes()[:1500]
    for length in range(0, len(data), 29):
        check(tmp_path / "plan.yaml", data[:length])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join))
def test_random_text(tmp_path: Path, text: str) -> None:
    check(tmp_path / "plan.yaml", text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_random_bytes(tmp_path: Path, data: bytes) -> None:
    check(tmp_path / "plan.yaml", data)


_values = st.recursive(
    st.sampled_from(["a", "1", "", "5s", "~", "yes", '"#"', "none"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(
                [
                    "say",
                    "play",
                    "gather",
                    "goto",
                    "hangup",
                    "text",
                    "choices",
                    "press",
                    "noinput",
                    "timeout",
                    "tries",
                    "x",
                ]
            ),
            inner,
            max_size=3,
        ).map(lambda entries: "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}")
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_values, min_size=1, max_size=4))
def test_values_of_any_shape_anywhere(tmp_path: Path, values: list[str]) -> None:
    """Well-formed YAML of the wrong shape: what the schema and the checks between fields see."""
    steps = "\n".join(f"    - {value}" for value in values)
    check(tmp_path / "plan.yaml", f"dialplan: 1\nstart: a\nsteps:\n  a:\n{steps}\n".encode())
    gathers = "\n".join(
        f"    - gather: {{choices: {{b: {value}, a: {value}}}, noinput: {value}}}" for value in values
    )
    check(tmp_path / "plan.yaml", f"dialplan: 1\nstart: a\nsteps:\n  a:\n{gathers}\n".encode())


def test_wild_input_through_load_and_check(tmp_path: Path) -> None:
    """A part of what ``python -m tests.dialplan.fuzz`` does."""
    tally = fuzz.run(600, 1, tmp_path)
    assert tally.inputs == 600
    assert tally.refused > 200 and tally.found > 60 and tally.clean > 5, tally
    assert tally.growth_mb <= fuzz.MAX_GROWTH_MB, tally
