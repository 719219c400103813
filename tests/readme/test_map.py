"""``ivr/README.md`` names what exists: every room, every file, and every name in the tables of threads."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.test_layout import PACKAGE, ROOMS, ROOT

TEXT = (PACKAGE / "README.md").read_text(encoding="utf-8")
THREADS = TEXT[TEXT.index("## Threads") :]
NOT_OURS = {"loop.call_soon_threadsafe", "queue_size", "--workers N"}
"""Names of asyncio, of a setting and of a flag."""


@cache
def members() -> dict[str, set[str]]:
    """Every class of the package to its methods and attributes, those set with ``self.x`` included."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(_members_of(node))
    return found


def _members_of(node: ast.ClassDef) -> set[str]:
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(inner.name)
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            names.add(inner.attr)
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            names.add(inner.target.id)
    return names


def test_every_room_is_in_the_list() -> None:
    rooms = TEXT[TEXT.index("## Rooms") : TEXT.index("## Words")]
    assert set(re.findall(r"^\| `(\w+)/` \|", rooms, re.MULTILINE)) == set(ROOMS)


def test_every_file_and_folder_is_there() -> None:
    paths = [name for name in re.findall(r"`([\w/.-]+)`", TEXT) if "/" in name or name.endswith(".py")]
    missing = [name for name in paths if not (PACKAGE / name).exists() and not (ROOT / name).exists()]
    assert len(paths) > 20 and not missing


def test_every_name_in_the_tables_of_threads_exists() -> None:
    names = set(re.findall(r"`([^`]+)`", THREADS)) - NOT_OURS
    names = {name for name in names if "/" not in name and Path(name).suffix[1:] not in ("py", "cpp", "md")}
    missing = set()
    for name in names:
        owner, _, member = name.partition(".")
        if owner not in members() or (member and member not in members()[owner]):
            missing.add(name)
    assert len(names) > 20 and not missing


def test_the_setting_of_the_queue_exists() -> None:
    assert any("queue_size" in found for found in members().values())
