"""Which tests a run has, and what it says at its end of those it left out."""

from collections.abc import Iterable

import pytest

PROCESS_FIXTURES = frozenset({"services", "whisper", "piper"})
"""Fixtures that start a service or a speech engine."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark what needs a service or a speech engine by the fixtures it asks for."""
    for item in items:
        if PROCESS_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("integration")


def skip_system_tests(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Tests of the marker ``system`` run when they are asked for with -m."""
    if "system" in str(config.getoption("markexpr")):
        return
    for item in items:
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.skip(reason="run by `make test-system`"))


def report_skipped(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Every reason with its number of tests and their files, unless pytest lists them already (-rs, -ra)."""
    if set(str(config.getoption("reportchars"))) & set("saA"):
        return
    files: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            files.setdefault(reason, []).append(report.nodeid.partition("::")[0])
    if not files:
        return
    terminalreporter.section("skipped")
    for reason, where in sorted(files.items()):
        terminalreporter.line(f"{len(where)}: {reason}")
        terminalreporter.line(f"    {' '.join(sorted(set(where)))}")
