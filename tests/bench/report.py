"""Figures, their targets and the table."""

import importlib.metadata
import json
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.caller.measure import percentile


@dataclass
class Figure:
    """One row of the table. ``values`` in ``unit``; a target is (statistic, at most)."""

    name: str
    unit: str
    values: list[float]
    targets: list[tuple[str, float]]
    missed: int = 0
    """Trials that gave no value; none may be missed."""
    notes: dict[str, Any] = field(default_factory=dict)
    floors: list[tuple[str, float]] = field(default_factory=list)
    """Targets the other way: (statistic, at least)."""

    def statistic(self, name: str) -> float:
        """``p50`` and its like, ``min``, ``max``, ``count`` or ``sum``."""
        special: dict[str, Callable[[Sequence[float]], float]] = {
            "min": lambda v: min(v, default=math.nan),
            "max": lambda v: max(v, default=math.nan),
            "count": lambda v: float(len(v)),
            "sum": lambda v: float(sum(v)),
        }
        if name in special:
            return special[name](self.values)
        return percentile(self.values, float(name.removeprefix("p")))

    @property
    def passed(self) -> bool:
        """Every target reached (one without a value is not) and nothing missed."""
        reached = all(self.statistic(s) <= limit for s, limit in self.targets)
        return not self.missed and reached and all(self.statistic(s) >= limit for s, limit in self.floors)

    def cells(self) -> list[str]:
        shown = [f"{self.statistic(s):.3g}" if self.values else "-" for s in ("p50", "p95", "p99", "max")]
        targets = [f"{s} ≤ {limit:g}" for s, limit in self.targets]
        targets += [f"{s} ≥ {limit:g}" for s, limit in self.floors]
        wanted = ", ".join(targets) or "(for information)"
        verdict = ("pass" if self.passed else "FAIL") if targets else ""
        trials = f"{len(self.values)}" + (f" (+{self.missed} missed)" if self.missed else "")
        return [f"{self.name} [{self.unit}]", trials, *shown, wanted, verdict]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), model)
    packages = ("onnxruntime", "faster-whisper", "ctranslate2", "piper-tts", "numpy")
    versions = {
        "PJSUA2": _pjsua2(),
        **{package: _version(package) or "not installed" for package in packages},
    }
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": model,
        "cores": usable,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg(),
        "versions": versions,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _pjsua2() -> str:
    """Which of the builds that bring the module is installed."""
    installed = {name: _version(name) for name in ("pjsua2-carrier", "pjsua2-python")}
    return (
        " and ".join(f"{name} {version}" for name, version in installed.items() if version) or "not installed"
    )


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    head = ["figure", "trials", "p50", "p95", "p99", "max", "target", ""]
    rows = [head, *(f.cells() for f in figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(head), line(["-" * w for w in widths]), *(line(row) for row in rows[1:])])


def describe(where: dict[str, Any]) -> str:
    """The machine in a line or two."""
    versions = ", ".join(f"{n} {v}" for n, v in where["versions"].items())
    return (
        f"{where['cpu']}, {where['cores']} cores, {where['system']}, Python {where['python']}, "
        f"load {where['load'][0]:.1f} at the start\n{versions}"
    )


def save(folder: Path, figures: Sequence[Figure], where: dict[str, Any]) -> Path:
    """Write everything as JSON; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{time.strftime('%Y%m%d-%H%M%S')}.json"
    rows = [{**asdict(f), "passed": f.passed} for f in figures]
    for row, figure in zip(rows, figures, strict=True):
        row["statistics"] = {s: figure.statistic(s) for s in ("p50", "p95", "p99", "max", "count")}
    path.write_text(json.dumps({"machine": where, "figures": rows}, indent=1), encoding="utf-8")
    return path
