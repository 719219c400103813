"""The whole check: a large plan, plans in several files, what may go wrong with the file itself."""

import time
from pathlib import Path

import pytest

from ivr.dialplan.check.checker import check_file
from ivr.dialplan.check.finding import Finding
from tests.dialplan.check.big import big_plan
from tests.dialplan.check.cases import write
from tests.dialplan.plans import DEMO

MAX_S = 1.0
"""Processor time that checking a plan of 500 steps may take."""


def test_a_plan_of_500_steps_is_checked_in_a_second(tmp_path: Path) -> None:
    path = write(tmp_path, big_plan(500))
    taken = []
    for _ in range(2):
        began = time.process_time()
        assert check_file(path) == []
        taken.append(time.process_time() - began)
    assert min(taken) <= MAX_S, taken


def test_the_demo_has_nothing_to_find() -> None:
    assert check_file(DEMO) == []


def test_a_finding_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    library = tmp_path / "lib.yaml"
    library.write_text(
        'library: 1\nsteps:\n  b:\n    - say: "{{ nobody }}"\n    - hangup:\n  unused: [hangup: ]\n'
    )
    path = write(tmp_path, "dialplan: 1\nstart: a\ninclude: lib.yaml\nsteps:\n  a: [goto: b]\n")
    (hit,) = check_file(path)
    assert (hit.file, hit.line, hit.column, hit.rule) == (str(library), 4, 12, "unknown-variable")
    library.write_text(
        library.read_text().replace('nobody }}"', 'nobody }}"  # check: ignore unknown-variable a test')
    )
    assert check_file(path) == []


def test_a_comment_above_silences_as_well_and_only_its_rule(tmp_path: Path) -> None:
    text = (
        "dialplan: 1\nstart: a\nsteps:\n  a:\n    # check: ignore ends-nowhere a test\n\n    - say: Hello.\n"
    )
    assert [hit.rule for hit in check_file(write(tmp_path, text))] == ["no-goodbye"]


def test_a_text_that_looks_like_a_comment_silences_nothing(tmp_path: Path) -> None:
    text = 'dialplan: 1\nstart: a\nsteps:\n  a:\n    - say: "Say#check: ignore ends-nowhere x"\n'
    assert "ends-nowhere" in {hit.rule for hit in check_file(write(tmp_path, text))}


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"- a\n- b\n", b"\x00"])
def test_whatever_is_wrong_with_the_file_is_a_finding(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plan.yaml"
    if content is not None:
        path.write_bytes(content)
    (hit,) = check_file(path)
    assert hit.severity == "error" and hit.file == str(path) and hit.line == 1


def test_the_caret_stands_under_the_place_whatever_the_tabs() -> None:
    hit = Finding("p.yaml", 3, 4, "yaml", "message", source="a\tb c", remedy="mend it")
    assert hit.shown().split("\n") == [
        "p.yaml:3:4: yaml: message",
        "    3 | a\tb c",
        "      |  \t ^",
        "      = mend it",
    ]
