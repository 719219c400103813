"""The manifest: the real one, and the mistakes that are refused."""

from pathlib import Path

import pytest

from ivr.modelstore import ManifestError, load_manifest

HASH = "0" * 64
GOOD = f"""
[[model]]
name = "m"
purpose = "p"
license = "MIT"
entry = "a/b.bin"
[model.source]
kind = "wheel"
package = "pkg"
version = "1"
sha256 = "{HASH}"
size = 3
[[model.files]]
path = "a/b.bin"
member = "pkg/b.bin"
sha256 = "{HASH}"
size = 2
"""


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    return load_manifest(path)


def test_the_projects_manifest() -> None:
    manifest = load_manifest()
    assert {"silero", "whisper-tiny.en", "whisper-base", "piper-joe", "smart-turn"} <= set(manifest.models)
    for model in manifest.models.values():
        assert model.purpose and model.license and model.source
        assert model.directory.startswith(model.name + "-")


def test_a_valid_manifest(tmp_path: Path) -> None:
    load(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "wheel"', 'kind = "ftp"', "'wheel' or 'url'"),
        ('path = "a/b.bin"', 'path = "../b.bin"', "inside the model's folder"),
        ('path = "a/b.bin"', 'path = "/b.bin"', "inside the model's folder"),
        ('name = "m"', 'name = "../m"', "inside the model's folder"),
        ('entry = "a/b.bin"', 'entry = "c"', "not one of its files"),
        (f'sha256 = "{HASH}"\nsize = 2', 'sha256 = "abc"\nsize = 2', "64 lower-case hex digits"),
        ('member = "pkg/b.bin"\n', "", "'member' is missing"),
        ('kind = "wheel"', 'kind = "url"', "'url' is missing"),
        ('name = "m"', "name = ", "manifest.toml"),
    ],
)
def test_a_mistake_names_file_model_and_reason(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ManifestError, match=r"manifest\.toml") as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert words in str(caught.value)


def test_only_http_urls(tmp_path: Path) -> None:
    text = GOOD.replace('kind = "wheel"', 'kind = "url"').replace("member = ", "url = ")
    with pytest.raises(ManifestError, match="https://"):
        load(tmp_path, text.replace('"pkg/b.bin"', '"file:///etc/passwd"'))
    load(tmp_path, text.replace('"pkg/b.bin"', '"https://example.org/b.bin"'))


def test_a_name_given_twice(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="named twice"):
        load(tmp_path, GOOD + GOOD)


def test_models_that_only_some_plans_need_are_fetched_by_name() -> None:
    models = load_manifest().models
    assert [name for name, model in models.items() if model.on_demand] == ["whisper-base"]
