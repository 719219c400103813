"""Which tests a run has, and what it says at its end of those it left out."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

PROCESS_FIXTURES = frozenset({"services", "whisper", "piper"})
"""Fixtures that start a service or a speech engine."""

INTEGRATION = (
    *("tests/e2e", "tests/sipp", "tests/cli", "tests/lab", "tests/readme", "tests/tools", "tests/hostile"),
    "tests/bench/test_heard.py",
    "tests/service/test_doctor.py::test_local_engines_are_really_started",
    "tests/service/test_languages.py::test_the_voice_of_a_language_is_heard",
    "tests/test_layout.py::test_every_module_can_be_imported_alone",
    *(f"tests/speech/test_{name}.py" for name in ("smart_turn", "whisper", "piper")),
    *(f"tests/vad/test_{name}.py" for name in ("recordings", "echo", "batched", "stream")),
)
"""Files, folders and tests that start a service, a speech engine or a command of the project, import all of
it, or run a network over minutes of recordings.
"""


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark integration tests: by where they are, and by the fixtures they ask for."""
    for item in items:
        if item.nodeid.startswith(INTEGRATION) or PROCESS_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("integration")


def skip_what_was_not_asked_for(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Tests of the markers ``system`` and ``campaign`` run when they are asked for with -m, those of
    ``campaign`` also when their file is named.
    """
    asked = str(config.getoption("markexpr"))
    files = {(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args}
    for item in items:
        if item.get_closest_marker("system") and "system" not in asked:
            item.add_marker(pytest.mark.skip(reason="run by `make test-system`"))
        if item.get_closest_marker("campaign") and "campaign" not in asked and item.path not in files:
            item.add_marker(pytest.mark.skip(reason="run by `make test-campaigns`"))


def report_skipped(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Every reason with its number of tests and their files, unless pytest lists them already (-rs, -ra).

    Under ``tools/test.sh``, which runs pytest twice, into a file that it shows at the end.
    """
    if set(str(config.getoption("reportchars"))) & set("saA"):
        return
    files: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            files.setdefault(reason, []).append(report.nodeid.partition("::")[0])
    lines = []
    for reason, where in sorted(files.items()):
        lines += [f"{len(where)}: {reason}", f"    {' '.join(sorted(set(where)))}"]
    if target := os.environ.get("TESTS_SKIPPED"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    elif lines:
        terminalreporter.section("skipped")
        for line in lines:
            terminalreporter.line(line)


SHARED_FOLDERS = ("tests/kamailio", "tests/pbx", "tests/docker")
"""Folders whose tests share a server of another kind: all of a folder run in one process."""

LONGEST = (
    "tests/e2e/test_workers.py",
    "tests/e2e/test_through.py",
    "tests/e2e/test_tls.py",
    "tests/speech/test_smart_turn.py",
    "tests/lab/test_talk.py",
    "tests/readme",
    "tests/sipp",
    "tests/e2e",
    "tests/sip/test_dial.py",
    "tests/vad/test_echo.py",
    "tests/lab",
    "tests/cli",
    "tests/speech",
    "tests/vad",
    "tests/process",
)
"""Files and folders that are begun first, so that no process is left alone with a long one at the end."""


def longest_first(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))

    items.sort(key=rank)


def scope_of(nodeid: str) -> str:
    """What runs in one process of pytest-xdist: a file, or a folder whose tests share a server."""
    return next((each for each in SHARED_FOLDERS if nodeid.startswith(each)), nodeid.partition("::")[0])
