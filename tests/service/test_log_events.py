"""The README lists every log event; events and fields have names of one form."""

import re
from pathlib import Path

import pytest

from tests.service import log_events

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def test_the_readme_lists_all_events_with_their_fields() -> None:
    assert log_events.written() == log_events.table(), "run: python -m tests.service.log_events"


def test_names_are_in_snake_case() -> None:
    for name, event in log_events.log_events().items():
        assert SNAKE_CASE.fullmatch(name), name
        wrong = [each for each in event.fields - {"…"} if not SNAKE_CASE.fullmatch(each)]
        assert not wrong, f"{name}: {wrong}"


def test_events_are_read_from_the_source(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "module.py").write_text(
        """
def look(self, up, error):
    where = {"step": 1, **({"line": 2} if up else {})}
    self._log.info("opened" if up else "closed", **where)
    log.exception("closed", call=1, **named())
    say = log.error if up else log.debug
    say("noted", exc_info=error, **given)
    math.log("nothing")

def named():
    return {"engine": 1}
"""
    )
    found = log_events.log_events(tmp_path)
    assert {name: (event.levels, event.fields) for name, event in found.items()} == {
        "closed": ({"info", "error"}, {"step", "line", "call", "engine"}),
        "noted": ({"error", "debug"}, {"…"}),
        "opened": ({"info"}, {"step", "line"}),
    }
    (room / "module.py").write_text("log.info(name)")
    with pytest.raises(log_events.Unreadable, match=r"module\.py:1: .* not name"):
        log_events.log_events(tmp_path)
