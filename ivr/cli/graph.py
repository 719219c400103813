"""``ivr graph``: a plan as a picture, drawn by Graphviz."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ivr.dialplan.check.checker import check_file
from ivr.dialplan.check.subject import ServiceCapabilities
from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.picture.counts import Counts, count_calls
from ivr.dialplan.picture.dot import dot
from ivr.dialplan.source.errors import Problem, quoted
from ivr.errors import IvrError

FORMATS = ("svg", "png", "pdf")
"""That Graphviz is asked for; a .dot is its own language, and needs nothing."""
DRAWING_S = 120


class GraphError(IvrError):
    """The picture cannot be made; one line that says why and what to do."""


def graph(
    plan_path: Path, out: Path, calls: Iterable[Path] = (), capabilities: ServiceCapabilities | None = None
) -> str:
    """Draw the plan to ``out`` with the findings of ``ivr check``, and with the counts of its calls in the
    logs ``calls``. ``capabilities`` describes the service that the plan is for. Returns what was written, for
    the operator. Raises GraphError and PlanError.
    """
    kind = out.suffix.removeprefix(".").lower()
    if kind not in (*FORMATS, "dot"):
        raise GraphError(f"{out}: name a file that ends in .svg, .png, .pdf or .dot")
    plan = load_plan(plan_path)
    lines = _lines(calls)
    counts = count_calls(plan, lines) if lines is not None else None
    problems = _problems(plan_path, capabilities)
    text = dot(plan, problems, counts)
    try:
        if kind == "dot":
            out.write_text(text, encoding="utf-8")
        else:
            out.write_bytes(_drawn(text, kind))
    except OSError as error:
        raise GraphError(f"{out}: {error.strerror}") from error
    written = f"{_number(len(plan.steps), 'step')}, {_number(len(problems), 'finding')}"
    return f"{out}: the plan {quoted(plan.name)}, {written}{_counted(counts)}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _counted(counts: Counts | None) -> str:
    """Return what the logs had, and what to look at where they had nothing of this plan."""
    if counts is None:
        return ""
    others = f" ({counts.other_calls} of other plans left out)" if counts.other_calls else ""
    hint = "" if counts.calls else "; is it the JSON log of a service that runs this plan?"
    return f", {_number(counts.calls, 'call')}{others}{hint}"


def _problems(plan: Path, capabilities: ServiceCapabilities | None) -> list[Problem]:
    own = os.fspath(plan)
    return [
        Problem(
            found.line,
            found.column,
            f"{found.rule}: {found.message}",
            "" if found.file == own else found.file,
        )
        for found in check_file(plan, capabilities)
    ]


def _lines(logs: Iterable[Path]) -> list[str] | None:
    found: list[str] | None = None
    for log in logs:
        try:
            more = log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise GraphError(f"{log}: {error.strerror}") from error
        found = (found or []) + more
    return found


def _drawn(text: str, kind: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise GraphError(
            "Graphviz is not installed, which draws the picture: install its package (apt install graphviz), "
            "or name a file that ends in .dot"
        )
    options = ["-Gdpi=110"] if kind == "png" else []
    try:
        done = subprocess.run(
            [program, f"-T{kind}", *options],
            input=text.encode(),
            capture_output=True,
            timeout=DRAWING_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GraphError(
            f"Graphviz was not done within {DRAWING_S} s; a .dot file needs no drawing"
        ) from None
    if done.returncode:
        raise GraphError(f"Graphviz failed: {done.stderr.decode('utf-8', 'replace').strip()[:300]}")
    return done.stdout
