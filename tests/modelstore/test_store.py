"""What is on disk: status, verification, where the cache is."""

import io
import os
from pathlib import Path

import pytest

from ivr.modelstore import ModelMissing, ModelStore, WrongHash, cache_root, fetch, model_path
from tests.modelstore import toys
from tests.modelstore.http_source import serving

CONTENT = b"weights" * 5000


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    with serving(CONTENT) as source:
        store = toys.url_store(tmp_path, source.url, CONTENT)
        fetch(store, "toy", stream=io.StringIO())
    return store


def file_of(store: ModelStore) -> Path:
    return store.path("toy") / "model.bin"


def test_verify_finds_what_the_stamp_does_not(store: ModelStore) -> None:
    path = file_of(store)
    times = path.stat()
    path.write_bytes(b"x" * len(CONTENT))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.status(store.manifest.get("toy")).state == "ready"
    with pytest.raises(WrongHash):
        store.verify("toy")
    assert not path.exists()
    with pytest.raises(ModelMissing):
        store.path("toy")
    with pytest.raises(ModelMissing):
        store.verify("toy")


def test_a_copied_cache_is_hashed_once(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(store)
    os.utime(path, (1, 1))
    assert store.status(store.manifest.get("toy")).state == "ready"
    monkeypatch.setattr("ivr.modelstore.store.sha256_of", lambda *_: pytest.fail("hashed again"))
    assert store.status(store.manifest.get("toy")).state == "ready"


def test_a_cache_without_its_stamp_still_serves(store: ModelStore) -> None:
    path = file_of(store)
    (path.parent / ".stamp.json").write_text("not json")
    assert file_of(store) == path


def test_a_short_file_is_damage(store: ModelStore) -> None:
    path = file_of(store)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelMissing, match=f"{len(CONTENT) - 1} bytes instead of {len(CONTENT)}"):
        store.path("toy")


def test_the_cache_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IVR_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "own"
    monkeypatch.delenv("IVR_CACHE_DIR")
    assert cache_root() == tmp_path / "xdg" / "ivr"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "ivr"


def test_the_real_models(models: ModelStore) -> None:
    """Those of the manifest, fetched as a user's are, are where the rooms look for them, and right."""
    assert model_path("silero").suffix == ".onnx"
    assert {path.name for path in model_path("whisper-tiny.en").iterdir()} >= {
        "model.bin",
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
    }
    voice = model_path("piper-joe")
    assert voice.with_name(voice.name + ".json").is_file()
    for name in models.manifest.models:
        models.verify(name)
