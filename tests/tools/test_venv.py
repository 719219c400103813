"""Which Python ``tools/venv.sh`` takes, and what it says when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM = ("sh", "env", "head", "mktemp", "rm", "cat", "id")

FAILING_SHIM = "#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n"
PYTHON_313 = '#!/bin/sh\n[ "$1" = --version ] && { echo Python 3.13.0; exit 0; }\nexit 1\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the system's small tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in SYSTEM:
        found = next(Path(part) / name for part in os.defpath.split(":") if (Path(part) / name).exists())
        (folder / name).symlink_to(found)
    return folder


def program(path: Path, name: str, text: str) -> None:
    (path / name).write_text(text)
    (path / name).chmod(0o755)


def real_python(path: Path, name: str) -> None:
    program(path, name, f'#!/bin/sh\nexec "{sys.base_prefix}/bin/python3" "$@"\n')


def venv(path: Path, target: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "tools" / "venv.sh", target],
        env={"PATH": str(path), "HOME": str(target.parent), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


suitable = pytest.mark.skipif(sys.version_info >= (3, 13), reason="the tests run on a Python it must refuse")


@suitable
def test_a_shim_with_nothing_behind_it_is_passed_over(path: Path, tmp_path: Path) -> None:
    program(path, "python3.12", FAILING_SHIM)
    real_python(path, "python3.11")
    done = venv(path, tmp_path / "env")
    assert done.returncode == 0, done
    assert (tmp_path / "env" / "bin" / "python").exists()
    marker = tmp_path / "env" / "marker"
    marker.touch()
    again = venv(path, tmp_path / "env")
    assert (again.returncode, again.stdout) == (0, "")
    assert marker.exists()
    (tmp_path / "env" / "bin" / "python").unlink()
    program(tmp_path / "env" / "bin", "python", FAILING_SHIM)
    broken = venv(path, tmp_path / "env")
    assert broken.returncode == 0 and "making it again" in broken.stdout
    assert not marker.exists()


def test_with_only_313_it_says_what_to_do(path: Path, tmp_path: Path) -> None:
    program(path, "python3.12", FAILING_SHIM)
    program(path, "python3.13", PYTHON_313)
    program(path, "python3", PYTHON_313)
    done = venv(path, tmp_path / "env")
    assert done.returncode == 1
    assert "Python 3.11 or 3.12 is needed" in done.stderr
    assert "found: python3.13 is Python 3.13.0" in done.stderr
    assert "found: python3.12 on the PATH, but it does not run" in done.stderr
    assert "apt install" in done.stderr
    assert not (tmp_path / "env").exists()


def test_with_no_python_at_all(path: Path, tmp_path: Path) -> None:
    done = venv(path, tmp_path / "env")
    assert done.returncode == 1
    assert "Install one" in done.stderr and "found" not in done.stderr


def test_the_one_named_is_taken_or_refused(path: Path, tmp_path: Path) -> None:
    program(path, "mine", PYTHON_313)
    done = venv(path, tmp_path / "env", PYTHON="mine")
    assert done.returncode == 1
    assert "PYTHON=mine is not a working Python 3.11 or 3.12 (Python 3.13.0)" in done.stderr


def packages(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "tools" / "test-packages.sh"],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_packages_without_rights(path: Path) -> None:
    (path / "id").unlink()
    program(path, "id", "#!/bin/sh\necho 1000\n")
    program(path, "apt-get", "#!/bin/sh\necho must not run >&2\nexit 9\n")
    program(path, "sudo", "#!/bin/sh\nexit 1\n")
    done = packages(path)
    assert done.returncode == 1
    assert "no such right" in done.stderr and "must not run" not in done.stderr
    assert "sudo apt-get install --no-install-recommends sip-tester baresip-core sox espeak-ng" in done.stderr


def test_packages_without_apt(path: Path) -> None:
    done = packages(path)
    assert done.returncode == 1
    assert "no apt-get: sip-tester" in done.stderr
