"""``ivr init``: a folder to begin with works as it is written."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ivr.service.config.settings import Settings, load_settings
from tests.cli.test_cli import ROOT, ivr

FILES = ["front-desk.test.yaml", "front-desk.yaml", "ivr.service", "ivr.toml"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("begun")
    done = ivr("init", "line", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "line").iterdir()) == FILES
    entered, *commands = done.stdout.partition("next: ")[2].splitlines()
    assert entered == "cd line" and commands[-1].endswith("ivr serve")
    shown = subprocess.run(
        " && ".join((entered, *commands[:-1])), shell=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 0, "what it says to type next works, wherever ivr is installed"
    assert "nothing found" in shown.stderr and "2 dialogues" in shown.stdout
    return tmp_path / "line"


@pytest.fixture
def folder(begun: Path) -> Path:
    return begun


def test_its_plan_is_right_and_its_dialogues_pass(folder: Path) -> None:
    assert "nothing found" in ivr("check", "front-desk.yaml", "front-desk.test.yaml", cwd=folder).stderr
    done = ivr("test", "front-desk.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout


def test_its_settings_are_the_defaults_and_the_plan(folder: Path) -> None:
    settings = load_settings(folder / "ivr.toml", environ={})
    assert settings == Settings(plans=(folder / "front-desk.yaml",))


def test_its_unit_file_is_right(folder: Path) -> None:
    unit = folder / "ivr.service"
    text = unit.read_text(encoding="utf-8")
    program = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert program is not None and Path(program[1]).is_absolute()
    assert f"--config {folder}/ivr.toml" in text and "FOLDER/" not in text
    verify = shutil.which("systemd-analyze")
    if verify is not None:
        done = subprocess.run([verify, "verify", unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and str(unit) not in done.stderr, done.stderr


def test_it_is_the_line_of_the_readme(folder: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for name in ("front-desk.yaml", "front-desk.test.yaml"):
        assert (folder / name).read_text(encoding="utf-8") in blocks


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folder, tmp_path / "line"))
    (folder / "ivr.toml").write_text("# mine\n")
    (folder / "front-desk.yaml").unlink()
    done = ivr("init", folder, cwd=folder)
    assert done.returncode == 2
    assert "front-desk.test.yaml: it exists, and nothing was written; name another folder" in done.stderr
    assert (folder / "ivr.toml").read_text() == "# mine\n" and not (folder / "front-desk.yaml").exists()
