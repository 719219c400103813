"""The program of the top README runs as it is printed, hears the shipped recording and ends by itself."""

from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests.readme.readme import blocks, make_folder, run_line


@pytest.mark.integration
def test_the_program_of_the_readme(tmp_path: Path, models: ModelStore) -> None:
    folder = make_folder(tmp_path)
    (program,) = blocks("python")
    (folder / "program.py").write_text(program, encoding="utf-8")
    ran = run_line(folder, ".venv/bin/python program.py")
    assert ran.returncode == 0, ran.stderr
    played, turn = ran.stdout.splitlines()
    assert "interrupted=True" in played and "heard_text='Hello! How can I" in played
    assert "text='When are you open?'" in turn and "reason='speech'" in turn


def test_the_program_is_short() -> None:
    (program,) = blocks("python")
    assert sum(bool(line) for line in program.splitlines()) <= 20
