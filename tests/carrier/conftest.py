"""The end of a run: which tests were skipped, and how they are run. `make test` needs no carrier build."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A reason, how many, and the files they stand in, unless every single one is told already (-rs, -ra)."""
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
