"""The program of the top README runs as it is printed, hears the shipped recording and ends by itself; what
Python in any README imports exists.
"""

import ast
import importlib
import re
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests.readme.readme import ROOT, blocks, make_folder, run_line
from tests.test_layout import tracked


@pytest.mark.integration
def test_the_program_of_the_readme(tmp_path: Path, models: ModelStore) -> None:
    folder = make_folder(tmp_path)
    (program,) = blocks("python")
    (folder / "program.py").write_text(program, encoding="utf-8")
    ran = run_line(folder, ".venv/bin/python program.py")
    assert ran.returncode == 0, ran.stderr
    played, turn = ran.stdout.splitlines()
    assert "interrupted=True" in played and "heard_text='Hello! How can" in played
    assert "text='When are you open?'" in turn and "reason='speech'" in turn


def test_the_program_is_short() -> None:
    (program,) = blocks("python")
    assert sum(bool(line) for line in program.splitlines()) <= 20


def test_what_the_readmes_import_exists() -> None:
    imported = {
        (path.relative_to(ROOT), node.module, each.name)
        for path in tracked()
        if path.suffix == ".md"
        for code in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ivr"
        for each in node.names
    }
    missing = [each for each in imported if not hasattr(importlib.import_module(each[1]), each[2])]
    assert len(imported) > 10 and not missing
