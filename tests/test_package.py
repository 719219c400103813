"""The package from outside: the distribution's name, the public names, the hierarchy of exceptions."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib

import ivr
from tests.test_layout import PACKAGE, ROOT, modules, tracked_lines

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = PROJECT["name"]
OTHERS = re.compile(
    r"pip3? install [^\n]*?(?<![\w/.-])ivr(?![\w/.-])"  # pip install ivr, pip install 'ivr[plot]'
    r"|(?<![\w-])ivr\[\w+(,\w+)*\]"  # ivr[plot]
    r"|(?:version|requires|distribution|metadata|files)\(.ivr.\)"  # importlib.metadata.version("ivr")
)
"""``ivr`` as the name of a distribution: on the package index it belongs to somebody else."""


def test_no_message_names_the_distribution_of_somebody_else() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, number, line in tracked_lines()
        if path.name != "test_package.py" and OTHERS.search(line)
    ]
    assert not found, f"the distribution is {NAME}:\n" + "\n".join(found)


def test_the_other_name_is_recognised() -> None:
    wrong = (
        "pip install ivr",
        "pip install -U 'ivr[plot]'",
        "needs ivr[plot,local]",
        'metadata.version("ivr")',
    )
    right = (f"pip install '{NAME}[plot]'", "/opt/ivr/bin/pip install -q '/src[local]'", "ivr serve")
    assert all(OTHERS.search(text) for text in wrong)
    assert not any(OTHERS.search(text) for text in right)


def test_extras_name_the_distribution() -> None:
    own = [
        requirement
        for extra in PROJECT["optional-dependencies"].values()
        for requirement in extra
        if re.match(r"[\w-]+\[", requirement)
    ]
    assert own and all(requirement.startswith(f"{NAME}[") for requirement in own)


def test_every_public_name_can_be_imported() -> None:
    assert ivr.__all__ == sorted(ivr.__all__)
    for name in ivr.__all__:
        assert getattr(ivr, name).__name__ == name
        assert name in dir(ivr)
    assert not hasattr(ivr, "VoiceSesion")


def test_importing_the_package_loads_nothing_of_it() -> None:
    """Each command begins with it; a name's module is loaded when the name is used."""
    lines = "import ivr, sys; print(*sorted(m for m in sys.modules if m.startswith('ivr.') or m == 'numpy'))"
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def bases_of_exceptions() -> dict[str, tuple[str, str]]:
    """Every public exception under ``IvrError``: its name to its base and its module."""
    found: dict[str, tuple[list[str], str]] = {}
    for path in modules(PACKAGE):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name] = ([ast.unparse(base) for base in node.bases], module)
    known = {"IvrError": ("", found["IvrError"][1])}
    while True:
        more = {
            name: (base, module)
            for name, (bases, module) in found.items()
            for base in bases
            if base in known and name not in known
        }
        if not more:
            return known
        known |= more


def test_the_hierarchy_of_exceptions_is_drawn_as_it_is() -> None:
    drawn: dict[str, tuple[str, str]] = {}
    above: list[str] = []
    for line in (ivr.__doc__ or "").splitlines():
        entry = re.fullmatch(r"(?:    )((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+) +(.+)", line)
        if entry:
            depth = 0 if entry[2] == "IvrError" else len(entry[1]) // 4 + 1
            above[depth:] = [entry[2]]
            module = re.match(r"ivr\.[\w.]+", entry[3])
            drawn[entry[2]] = (above[depth - 1] if depth else "", module[0] if module else "")
    real = bases_of_exceptions()
    assert {name: base for name, (base, _) in drawn.items()} == {
        name: base for name, (base, _) in real.items()
    }
    for name, (base, room) in drawn.items():
        assert not room or real[name][1].startswith(room), f"{name} is in {real[name][1]}"
        assert room or base != "IvrError", f"{name}: name its room"


def test_exceptions_of_the_package_are_caught_by_its_base() -> None:
    for name, (_, module) in bases_of_exceptions().items():
        if not module.startswith(("ivr.cli", "ivr.lab")):
            assert issubclass(getattr(importlib.import_module(module), name), ivr.IvrError)
