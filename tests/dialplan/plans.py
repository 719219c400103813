"""Plans for the tests, written where they are used."""

import textwrap
from pathlib import Path

from ivr.dialplan import Plan, load_plan

DEMO = Path(__file__).resolve().parents[2] / "dialplans" / "demo.yaml"


def write(folder: Path, text: str, name: str = "plan.yaml") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def plan(folder: Path, steps: str, start: str = "a", *, top: str = "") -> Plan:
    """A plan whose steps are ``steps``, indented as they are there; ``top`` is a line above them."""
    head = f"dialplan: 1\nstart: {start}\n{top}{top and chr(10)}steps:\n"
    return load_plan(write(folder, head + textwrap.indent(textwrap.dedent(steps), "  ")))
