"""Rules of the layout: imports of rooms, lengths of files and folders, what every folder says."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ivr"
MAX_LINES = 400
MAX_FILES = 22

ROOMS: dict[str, set[str]] = {
    "audio": set(),
    "modelstore": set(),
    "process": set(),
    "grammar": set(),
    "vad": {"audio", "modelstore"},
    "speech": {"audio", "modelstore", "process", "grammar"},
    "session": {"audio", "vad", "speech", "grammar"},
    "sip": {"audio"},
    "dialplan": {"session", "grammar", "audio"},
    "service": {"audio", "modelstore", "process", "grammar", "vad", "speech", "session", "sip", "dialplan"},
}
ROOMS["lab"] = set(ROOMS)
ROOMS["cli"] = set(ROOMS)
"""Room to the rooms it may import, as in the design; a dialplan's sound files are decoded by ``audio``."""
EVERYWHERE = {"errors", "tasks", "text"}
"""Modules of ``ivr`` itself that import nothing of the package; every room may import them."""


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    """Line and full name of everything a module imports, wherever in it."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path)):
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


def tracked_lines() -> Iterator[tuple[Path, int, str]]:
    """Every line of the repository's text files, with its file and its number."""
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_design_allows(room: str) -> None:
    wrong = []
    for path in modules(PACKAGE / room):
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "ivr" or len(parts) < 2:
                continue
            other = parts[1]
            if other != room and other not in ROOMS[room] | EVERYWHERE:
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


def test_only_sip_pjsip_imports_pjsua2() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in [*modules(PACKAGE), *modules(ROOT / "tests")]
        for line, name in imports(path)
        if name.split(".")[0] in ("pjsua2", "_pjsua2")
        and not {PACKAGE / "sip" / "pjsip", ROOT / "tests" / "sip"} & set(path.parents)
    ]
    assert not wrong, wrong


def import_graph(loading: bool = False) -> dict[str, set[str]]:
    """Every module of the package to the modules that it imports, for typing too and wherever in the file;
    with ``loading``, to those it imports when it is loaded.
    """
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules(PACKAGE)}
    files = {name.removesuffix(".__init__"): path for name, path in names.items()}
    walk = loaded_nodes if loading else ast.walk
    return {name: set(imported_modules(walk(parsed(path)), files)) - {name} for name, path in files.items()}


def loaded_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """What is run when a module is loaded: not the bodies of functions, not imports for typing."""
    for node in ast.iter_child_nodes(tree):
        typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if not typing and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from loaded_nodes(node)


def imported_modules(nodes: Iterable[ast.AST], files: Iterable[str]) -> Iterator[str]:
    """The modules among ``files`` that imports name; a package only for its own names."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module in files:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in files else node.module


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The sets of modules that import one another (Tarjan's strongly connected components)."""
    found: list[list[str]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def test_no_modules_import_one_another() -> None:
    found = circles(import_graph())
    assert not found, "\n".join(f"{len(circle)} modules: {', '.join(circle)}" for circle in found)


def test_circles_are_found() -> None:
    """The search itself: two circles, one of them through a third module, and a chain that is none."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(graph) == [["d", "e"], ["a", "b", "c"]]


IMPORT_EACH = """
import gc, importlib, json, os, sys

def grow(children):
    # Each module in a copy of a process that has loaded what the module above it needs, and nothing else.
    for name, below in children.items():
        sys.stdout.flush()
        child = os.fork()
        if child:
            if os.waitpid(child, 0)[1]:
                global failed
                failed = True
            continue
        failed = False
        try:
            importlib.import_module(name)
        except BaseException as error:
            failed = True
            print(f"{name}: {type(error).__name__}: {error}")
        else:
            grow(below)
        sys.stdout.flush()
        os._exit(failed)

tree = json.loads(sys.argv[1])
for name in sys.argv[2:]:  # packages of others, loaded once
    importlib.import_module(name)
gc.disable()
failed = False
grow(tree)
sys.exit(failed)
"""


OTHERS = ("asyncio", "numpy", "pydantic", "ruamel.yaml", "jinja2", "structlog")
"""Packages of others that take long to load."""


def closures(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Every module to all that is loaded with it: what it imports, and the packages around those."""
    found = {}
    for name in graph:
        waiting, found[name] = [name], set[str]()
        while waiting:
            each = waiting.pop()
            if each not in found[name]:
                found[name].add(each)
                parts = each.split(".")
                around = {".".join(parts[:n]) for n in range(1, len(parts))}
                waiting += (graph[each] | around) & graph.keys()
    return found


def import_tree(loaded: dict[str, set[str]]) -> dict[str, Any]:
    """Modules as a tree: each below that one of its own imports which loads the most.

    A package that loads a module of its own is loaded before that module, with the same others.
    """
    nodes: dict[str, dict[str, Any]] = {name: {} for name in loaded}
    tree: dict[str, Any] = {}
    for name, those in loaded.items():
        before = {each for each in those if loaded[each] < those}
        before |= {each for each in those if loaded[each] == those and name.startswith(f"{each}.")}
        above = max(before, key=lambda each: (len(loaded[each]), each), default=None)
        (tree if above is None else nodes[above])[name] = nodes[name]
    return tree


def test_every_module_can_be_imported_alone() -> None:
    """Nothing else of the package is loaded than what it imports.

    A module below another in the tree is imported after it, in a copy of its process. That is as good as
    alone: it would import the other itself, and the other was tried in the same way.
    """
    graph = {name: those for name, those in import_graph(loading=True).items() if "__main__" not in name}
    tree = import_tree(closures(graph))
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, json.dumps(tree), *OTHERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def test_a_module_that_cannot_be_imported_alone_is_found(tmp_path: Path) -> None:
    """One uses what only another has loaded; one below a good one fails."""
    (tmp_path / "good.py").write_text("import json.decoder\n")
    (tmp_path / "leans.py").write_text("import good, xml\nxml.dom.minidom\n")
    (tmp_path / "loads.py").write_text("import xml.dom.minidom\n")
    tree = import_tree(closures({"good": set(), "leans": {"good"}, "loads": set()}))
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, json.dumps(tree)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == "leans: AttributeError: module 'xml' has no attribute 'dom'\n"


def test_folders_are_small() -> None:
    folders = {path.parent for path in modules(PACKAGE)}
    sizes = {str(f.relative_to(ROOT)): len(list(f.glob("*.py"))) for f in folders}
    large = {folder: size for folder, size in sizes.items() if size > MAX_FILES}
    assert not large


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
    inner = PACKAGE in folder.parents and folder.parent != PACKAGE
    if inner and (folder / "__init__.py").exists():
        # A folder within a room may say it in its package's docstring.
        return ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) is None
    if tests in folder.parents:
        return folder.parent == tests and not (PACKAGE / folder.name).is_dir()
    return True


def test_nothing_of_a_machine_is_written_down() -> None:
    """No path of a working place and no registry's host: the user's own settings hold."""
    here = re.compile(
        r"(?<![\w.])/(?:work|root|home/\w+)/|" + "|".join(("pypi" + r"\.org", "python" + r"hosted\.org"))
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, number, line in tracked_lines()
        if path != Path(__file__) and here.search(line)
    ]
    assert not found, "\n".join(found)


DIALPLAN = ("source", "values", "runtime", "plan", "verbs", "engine")
"""Folders of the dialplan, each of which imports only those before it; the tools above them come last."""


def test_folders_of_the_dialplan_import_one_way() -> None:
    wrong = []
    for number, folder in enumerate(DIALPLAN):
        above = {*DIALPLAN[number + 1 :], "check", "dialogue", "picture", "reference"}
        for path in modules(PACKAGE / "dialplan" / folder):
            for line, name in imports(path):
                parts = name.split(".")
                if parts[:2] == ["ivr", "dialplan"] and len(parts) > 2 and parts[2] in above:
                    wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)
