"""The rules of the house: who may import whom, how long a file may be, what every folder says."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ivr"
MAX_LINES = 400

ROOMS: dict[str, set[str]] = {
    "audio": set(),
    "modelstore": set(),
    "vad": {"audio", "modelstore"},
    "speech": {"audio", "modelstore"},
    "session": {"audio", "vad", "speech"},
    "sip": {"audio"},
    "dialplan": {"session", "audio"},
    "service": {"audio", "modelstore", "vad", "speech", "session", "sip", "dialplan"},
}
"""Room to the rooms it may import, as in the design; a dialplan's sound files are decoded by ``audio``."""


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            assert not node.level or PACKAGE not in path.parents, f"{path}: write imports in full"
            module = node.module or ""
            yield node.lineno, module
            for name in node.names:
                yield node.lineno, f"{module}.{name.name}"


def tracked() -> list[Path]:
    """The files of the repository; of the folder when git is not at hand."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_design_allows(room: str) -> None:
    wrong = []
    for path in modules(PACKAGE / room):
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "ivr" or len(parts) < 2:
                continue
            other = parts[1]
            if other != room and other not in ROOMS[room]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_rule() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(ROOMS)


def test_rooms_do_not_import_the_top_of_the_package() -> None:
    """``ivr/__init__.py`` exports the session library; importing it from below would be a circle."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in modules(PACKAGE / room)
        for line, name in imports(path)
        if name == "ivr"
    ]
    assert not wrong, wrong


def test_only_sip_imports_pjsua2() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in [*modules(PACKAGE), *modules(ROOT / "tests")]
        for line, name in imports(path)
        if name.split(".")[0] in ("pjsua2", "_pjsua2")
        and path.parent not in (PACKAGE / "sip", ROOT / "tests" / "sip")
    ]
    assert not wrong, wrong


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}
    long = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MAX_LINES}
    assert not long


def test_every_folder_says_what_it_is_for() -> None:
    folders = {ROOT / part for path in tracked() for part in path.relative_to(ROOT).parents}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if folder.name != ".ci" and not (folder / "README.md").exists() and _needs_readme(folder)
    ]
    assert not silent, f"no README.md in: {', '.join(silent)}"


def _needs_readme(folder: Path) -> bool:
    # The folders that mirror a room are explained once, in tests/README.md; what lies below a folder of
    # tests is explained by that folder.
    tests = ROOT / "tests"
    if tests in folder.parents:
        return folder.parent == tests and not (PACKAGE / folder.name).is_dir()
    return True


def test_nothing_of_a_machine_is_written_down() -> None:
    """No path of a working place and no registry's host: the user's own settings hold."""
    here = re.compile(
        r"(?<![\w.])/(?:work|root|home/\w+)/|" + "|".join(("pypi" + r"\.org", "python" + r"hosted\.org"))
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if path != Path(__file__) and here.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)
