"""Download over a real HTTP connection that breaks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.modelstore import ModelError
from ivr.modelstore.download import TRIES, download
from tests.modelstore.http_source import Source, serving

CONTENT = os.urandom(300_000)


@pytest.fixture
def source() -> Iterator[Source]:
    with serving(CONTENT) as source:
        yield source


def get(source: Source, target: Path) -> list[int]:
    positions: list[int] = []
    download(source.url, target, len(CONTENT), on_position=positions.append, pause_s=0)
    return positions


def test_a_whole_file(source: Source, tmp_path: Path) -> None:
    positions = get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert source.requests == [(None, None)]
    assert positions == sorted(positions) and positions[-1] == len(CONTENT)


def test_a_lost_connection_is_resumed_where_it_broke(source: Source, tmp_path: Path) -> None:
    source.cut_after = [100_000, 50_000]
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert source.requests == [(None, None), ("bytes=100000-", '"one"'), ("bytes=150000-", '"one"')]


def test_a_later_run_goes_on_from_what_is_there(source: Source, tmp_path: Path) -> None:
    source.cut_after = [70_000] + [0] * TRIES
    with pytest.raises(ModelError, match="70000 of 300000 bytes are kept"):
        get(source, tmp_path / "file")
    source.cut_after, source.requests = [], []
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert source.requests == [("bytes=70000-", '"one"')]


def test_a_file_that_has_changed_is_downloaded_from_its_beginning(source: Source, tmp_path: Path) -> None:
    source.cut_after = [70_000] + [0] * TRIES
    with pytest.raises(ModelError):
        get(source, tmp_path / "file")
    source.cut_after, source.requests = [], []
    source.content, source.etag = CONTENT[::-1], '"two"'
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT[::-1]
    assert source.requests == [("bytes=70000-", '"one"')]


def test_a_server_without_ranges(source: Source, tmp_path: Path) -> None:
    source.ranges = False
    source.cut_after = [70_000]
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_partial_file_that_is_too_long_is_discarded(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(len(CONTENT) + 1))
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_more_than_expected_is_refused(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="longer than the 1000 bytes"):
        download(source.url, tmp_path / "file", 1000, pause_s=0)
    assert not (tmp_path / "file").exists()


def test_a_busy_server_is_tried_again(source: Source, tmp_path: Path) -> None:
    source.statuses = [503, 429]
    get(source, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_missing_file_is_not_tried_again(source: Source, tmp_path: Path) -> None:
    source.statuses = [404]
    with pytest.raises(ModelError, match="HTTP 404"):
        get(source, tmp_path / "file")
    assert len(source.requests) == 1


def test_a_server_that_is_not_there(tmp_path: Path, source: Source) -> None:
    url = source.url.replace("127.0.0.1", "127.9.9.9")
    with pytest.raises(ModelError, match="refused"):
        download(url, tmp_path / "file", 10, pause_s=0)
