"""The whole check: a large plan, plans in several files, what may go wrong with the file itself."""

import time
from pathlib import Path

import pytest

from ivr.dialplan.check.checker import check_file
from ivr.dialplan.check.finding import Finding
from tests.dialplan.check.big import big_plan
from tests.dialplan.check.cases import write
from tests.dialplan.plans import DEMO
from tests.processor import slowness

MAX_S = 1.6
"""Processor time that checking a plan of 500 steps may take; about 1 s on a quiet machine."""


def test_a_plan_of_500_steps_is_checked_in_a_second(tmp_path: Path) -> None:
    path = write(tmp_path, big_plan(500))
    taken = []
    for _ in range(2):
        began = time.process_time()
        assert check_file(path) == []
        taken.append(time.process_time() - began)
    assert min(taken) <= MAX_S * slowness(), taken


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


STEPS = "dialplan: 1\nstart: a\nsteps:\n  a:\n"


def message(folder: Path, verbs: str, rule: str) -> Finding:
    (hit,) = [hit for hit in check_file(write(folder, STEPS + verbs)) if hit.rule == rule]
    return hit


def test_a_hash_without_quotes_is_called_a_comment_on_its_own_line(tmp_path: Path) -> None:
    choices = "    - gather:\n        choices:\n          b:\n            press: #\n            goto: a\n"
    hit = message(tmp_path, choices, "schema")
    assert (hit.line, hit.column) == (8, 20) and hit.source.endswith("press: #")
    assert hit.message.endswith('found nothing: # begins a comment, so write the key as "#"')
    hit = message(tmp_path, choices.replace("press: #", "press:\n              - #"), "schema")
    assert (hit.line, hit.source.strip()) == (9, "- #") and '"#"' in hit.message
    hit = message(tmp_path, choices.replace("press: #", 'press: ["1", #]'), "yaml")
    assert (hit.line, hit.column) == (8, 26) and "# begins a comment" in hit.message


def test_a_value_that_is_missing_is_reported_on_its_own_line(tmp_path: Path) -> None:
    hit = message(tmp_path, "    - say:\n        text:\n\n    # a comment\n    - hangup:\n", "schema")
    assert (hit.line, hit.column) == (6, 14) and "comment" not in hit.message


def test_a_remedy_shows_the_quotes_that_a_text_needs(tmp_path: Path) -> None:
    hit = message(tmp_path, "    - set: {dept: sales}\n    - say: Bye.\n    - hangup:\n", "unknown-variable")
    assert "\"'sales'\"" in hit.remedy


def test_an_unknown_variable_is_reported_once_with_all_its_lines(tmp_path: Path) -> None:
    hit = message(
        tmp_path, "".join(f"    - say: Hi {{{{ x + {n} }}}}.\n" for n in range(3)), "unknown-variable"
    )
    assert hit.line == 5 and hit.message.endswith("which is also read on line 6, 7")


def test_a_message_says_what_fails_about_a_date(tmp_path: Path) -> None:
    gather = "    - gather: {prompt: When?, input: date, into: day, exhausted: a}\n"
    for expression, why in (
        ("day + 1", "a number cannot be added to a date"),
        ("7 - day", "a date cannot be subtracted from a number"),
        ("day * 2", "a date cannot be multiplied or divided"),
        ("day > now", "a date cannot be compared with a date with a time"),
        ("now - 60", "a number cannot be subtracted from a date with a time"),
        ("day + 'x'", "a text cannot be added to a date"),
    ):
        verbs = f'{gather}    - set: {{x: "{expression}"}}\n    - say: Bye.\n    - hangup:\n'
        assert message(tmp_path, verbs, "date-arithmetic").message == f"'{expression}' fails: {why}"
