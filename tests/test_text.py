"""Text from outside is valid Unicode, and safe in logs, JSON, headers and names of files, whatever it was."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.text import clean_data, clean_text, escape_json, file_name, header_text, json_text, log_text

ANY = st.text(st.characters(), max_size=60) | st.text(
    "\ud83d\ude00\x1b[31m\r\n\u2028\x85\u202e\x00aé\t", max_size=30
)
"""Any text, with lone surrogates."""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("José", "José"),
        ("a\x1b[31mb", "a\ufffd[31mb"),
        ("a\r\nb", "a\ufffd\ufffdb"),
        ("a\u2028b\x85c\x0bd", "a\ufffdb\ufffdc\ufffdd"),
        ("a\x00b\x9bc\x7f", "a\ufffdb\ufffdc\ufffd"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\u202eb\u2066c", "a\ufffdb\ufffdc"),
        ("a\tb", "a b"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
        ("שלום\u200f", "שלום\u200f"),
    ],
)
def test_what_no_text_can_hold_is_replaced(given: str, expected: str) -> None:
    assert clean_text(given) == expected


def test_lines_stay_where_they_are_wanted() -> None:
    assert clean_text("a\r\nb\rc\u2028d\x85e\tf\x1b", lines=True) == "a\nb\nc\nd\ne\tf\ufffd"


@given(ANY)
def test_clean_text_is_valid_on_one_line_and_stays_as_it_is(text: str) -> None:
    clean = clean_text(text)
    assert clean.encode().decode() == clean
    assert clean.splitlines() in ([clean], [])
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in clean)
    assert clean_text(clean) == clean
    assert clean_text(clean_text(text, lines=True), lines=True) == clean_text(text, lines=True)
    assert header_text(text) in clean


@given(ANY)
def test_a_line_of_a_log_is_printable_and_keeps_the_original(text: str) -> None:
    assert log_text(text).isprintable()
    if "\\" not in text and "\ud83d\ude00" not in text:
        assert log_text(text).encode("latin-1", "backslashreplace").decode("unicode_escape") == text


@given(
    st.recursive(ANY | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY, inner))
)
def test_json_is_valid_on_one_line_and_keeps_the_original(value: Any) -> None:
    text = json_text(value)
    assert text.encode() and text.splitlines() == [text]
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
    assert text == escape_json(text)
    halves = json.loads(json.dumps(value))  # the halves of a pair are one character there
    assert json.loads(text) == halves
    assert json_text(clean_data(value)).encode()


def test_data_that_no_json_holds_costs_no_line() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert json_text(circle) and json_text({(1, 2): 3}) and json_text(Path("/tmp")) == '"/tmp"'


def test_data_that_is_nested_without_end_is_cut() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert json_text(clean_data(deep)).count("[") <= 51


@given(
    ANY
    | st.sampled_from(
        ["../../etc/passwd", "/etc/passwd", "..", ".", "~root", "-rf", ".hidden", "a/../b", "CON"]
    )
)
def test_a_file_name_is_no_path(text: str) -> None:
    name = file_name(text, "call")
    assert 0 < len(name) <= 80 and name.isascii() and name == Path(name).name
    assert name[0] not in ".-~" and "\0" not in name and "." not in name
    assert len(file_name("x" * 100_000, "call")) == 80
