"""Models on disk: status, verification, paths."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.modelstore.errors import ModelMissing, WrongHash
from ivr.modelstore.manifest import Manifest, Model, ModelFile, load_manifest

STAMP = ".stamp.json"
"""A file beside a model's: size, modification time and hash of each when they were last hashed."""

State = Literal["ready", "missing", "damaged"]
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Status:
    state: State
    detail: str = ""


def cache_root() -> Path:
    """The cache folder: ``$IVR_CACHE_DIR``, else ``$XDG_CACHE_HOME/ivr``, else ``~/.cache/ivr``.

    Models are in ``models/`` under it, synthesised prompts in ``prompts/``. It may not exist yet.
    """
    own = os.environ.get("IVR_CACHE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    # The XDG base directory specification: a relative path is to be ignored.
    if xdg and Path(xdg).is_absolute():
        return Path(xdg) / "ivr"
    return Path.home() / ".cache" / "ivr"


class ModelStore:
    """Models of one manifest under one cache root. Safe for several processes."""

    def __init__(self, root: Path | None = None, manifest: Manifest | None = None) -> None:
        self.root = root or cache_root()
        self.manifest = manifest or load_manifest()

    @property
    def models_dir(self) -> Path:
        return self.root / "models"

    def directory(self, model: Model) -> Path:
        return self.models_dir / model.directory

    def entry(self, model: Model) -> Path:
        """Return the path that ``model_path`` returns, whether it exists or not."""
        return self.directory(model) / model.entry

    def path(self, name: str) -> Path:
        """Return the model's file or directory. Raises ModelMissing when it is absent or its content is
        wrong."""
        model = self.manifest.get(name)
        status = self.status(model)
        if status.state != "ready":
            raise ModelMissing(name, status.detail)
        return self.entry(model)

    def status(self, model: Model) -> Status:
        """Return whether the model is there and right, without reading the files when the stamp fits.

        A file whose size or time differs from the stamp (a restored backup, an image layer) is hashed
        once, and stamped again when right.
        """
        directory = self.directory(model)
        if not directory.is_dir():
            return Status("missing", "it is not in the cache")
        stamp = read_stamp(directory)
        fresh = True
        for file in model.files:
            path = directory / file.path
            try:
                found = path.stat()
            except OSError:
                return Status("damaged", f"{path} is gone")
            if found.st_size != file.size:
                return Status("damaged", f"{path} has {found.st_size} bytes instead of {file.size}")
            if stamp.get(file.path) != [file.size, found.st_mtime_ns, file.sha256]:
                fresh = False
                if sha256_of(path) != file.sha256:
                    return Status("damaged", f"{path} has a wrong sha256")
        if not fresh:
            write_stamp(directory, model)
        return Status("ready")

    def verify(self, name: str, on_bytes: OnBytes | None = None) -> None:
        """Hash every file again. ModelMissing when one is absent; WrongHash after removing a wrong one."""
        model = self.manifest.get(name)
        directory = self.directory(model)
        for file in model.files:
            if not (directory / file.path).is_file():
                raise ModelMissing(name, f"{file.path} is not in the cache")
        for file in model.files:
            check_file(directory / file.path, file, on_bytes)
        write_stamp(directory, model)

    def remove(self, model: Model) -> None:
        """Remove a model from the cache: renamed first, so that no reader sees half of it."""
        directory = self.directory(model)
        if directory.exists():
            doomed = self.models_dir / f".removed-{os.getpid()}-{model.directory}"
            directory.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)


def model_path(name: str) -> Path:
    """Return the path of a model in the user's cache: its file, or its directory where it is several.

    The path of ``silero`` and ``piper-joe`` is the ``.onnx`` (the voice's ``.onnx.json`` is beside it), that
    of ``whisper-tiny.en`` a directory. Raises ModelMissing, whose text says how to fetch it.
    """
    return ModelStore().path(name)


def sha256_of(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Return the lower-case hex digest of a file; ``on_bytes`` is called with the size of each block read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


def check_file(path: Path, file: ModelFile, on_bytes: OnBytes | None = None) -> None:
    """Refuse a file whose content is not the manifest's: it is removed and WrongHash raised."""
    got = sha256_of(path, on_bytes)
    if got != file.sha256:
        path.unlink(missing_ok=True)
        raise WrongHash(str(path), file.sha256, got)


def read_stamp(directory: Path) -> dict[str, list[object]]:
    try:
        data = json.loads((directory / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_stamp(directory: Path, model: Model) -> None:
    """Note size, time and hash of files just found right. A read-only cache works, only slower."""
    stamp = {}
    for file in model.files:
        stamp[file.path] = [file.size, (directory / file.path).stat().st_mtime_ns, file.sha256]
    temporary = directory / f"{STAMP}.{os.getpid()}"
    try:
        temporary.write_text(json.dumps(stamp))
        temporary.replace(directory / STAMP)
    except OSError:
        temporary.unlink(missing_ok=True)
