"""Logs: both formats, the call's id on every line, secrets struck out."""

import asyncio
import io
import json
import logging
import os
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog

from ivr.service.log_writer import LogWriter
from ivr.service.logs import configure_logging

SECRET = "sk-test-0123456789"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_carry_the_calls_id(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    log = structlog.get_logger("ivr.call").bind(call="abc", plan="demo")
    log.info("barge_in", latency_ms=72)
    log.warning("turn_dropped")
    first, second = lines(stream)
    assert (first["event"], first["call"], first["plan"], first["latency_ms"]) == (
        "barge_in",
        "abc",
        "demo",
        72,
    )
    assert first["level"] == "info" and first["timestamp"].endswith("Z")
    assert (second["call"], second["level"]) == ("abc", "warning")


def test_a_librarys_lines_carry_it_too(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    with structlog.contextvars.bound_contextvars(call="abc"):
        logging.getLogger("some.library").warning("lost %s of %d", "one", 2)
    logging.getLogger("some.library").warning("outside")
    inside, outside = lines(stream)
    assert inside["event"] == "lost one of 2"
    assert (inside["call"], inside["logger"]) == ("abc", "some.library")
    assert "call" not in outside


async def test_calls_at_once_keep_their_ids_apart(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    log = structlog.get_logger("ivr")

    async def call(name: str) -> None:
        with structlog.contextvars.bound_contextvars(call=name):
            for number in range(3):
                log.info("step", of=name, number=number)
                await asyncio.sleep(0)

    await asyncio.gather(call("a"), call("b"))
    found = lines(stream)
    assert [line["of"] for line in found] == ["a", "b"] * 3
    assert all(line["call"] == line["of"] for line in found)


@pytest.mark.parametrize("format", ["console", "json"])
def test_no_secret_reaches_a_line(stream: io.StringIO, format: Any) -> None:
    configure_logging(format, stream=stream, secrets={SECRET, "pass", ""})
    log = structlog.get_logger("ivr")
    log.info(f"key is {SECRET}", url=f"http://x/?k={SECRET}", more={"deep": [SECRET, (SECRET,)], "n": 1})
    log.info("by name", password="swordfish", api_key="unknown-to-the-list", options={"api_key": "fish"})
    log.info("headers", sent="Authorization: Bearer abcdef123456")
    logging.getLogger("library").error("refused %s", SECRET)
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    for secret in (SECRET, "swordfish", "unknown-to-the-list", "fish", "abcdef123456"):
        assert secret not in text
    assert "***" in text and "Traceback" in text and "bad ***" in text
    assert "by name" in text


def test_what_is_no_secret_is_left_alone(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream, secrets=set())
    structlog.get_logger("ivr").info(
        "said", text="my password is pass", tokens=3, took_ms=1.5, ok=True, none=None
    )
    (line,) = lines(stream)
    assert line["text"] == "my password is pass"
    assert (line["tokens"], line["took_ms"], line["ok"], line["none"]) == (3, 1.5, True, None)


def test_the_level_holds(stream: io.StringIO) -> None:
    configure_logging("json", "warning", stream=stream)
    structlog.get_logger("ivr").info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger("ivr").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_chatty_libraries_are_quiet_at_info(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    logging.getLogger("httpx").info("HTTP Request: POST")
    assert stream.getvalue() == ""


def test_configuring_again_replaces(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    configure_logging("json", stream=stream)
    structlog.get_logger("ivr").info("once")
    assert len(lines(stream)) == 1


def test_warnings_are_lines(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert "old way" in lines(stream)[0]["event"]


def test_a_file_that_is_rotated_away(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "ivr.log"
    configure_logging("json", file=path)
    log = structlog.get_logger("ivr")
    log.info("one")
    path.rename(path.with_suffix(".1"))
    log.info("two")
    assert json.loads(path.read_text())["event"] == "two"


def test_console_lines_have_no_colours_in_a_pipe(stream: io.StringIO) -> None:
    configure_logging("console", stream=stream)
    structlog.get_logger("ivr.call").bind(call="abc").info("call_started", caller="sip:me@example.org")
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "call_started" in text and "call=abc" in text and text.count("\n") == 1


@pytest.mark.parametrize("format", ["json", "console"])
def test_bytes_that_are_no_text_do_not_cost_the_line(
    tmp_path: Path, format: Literal["json", "console"]
) -> None:
    """Text as a SIP header brings it: decoded with surrogates for what is no UTF-8."""
    caller = b'"J\xfcrgen" <sip:j@example>'.decode("utf-8", "surrogateescape")
    path = tmp_path / "log"
    configure_logging(format, file=path)
    structlog.get_logger("ivr.call").bind(call="abc").info("call_ringing", caller=caller)
    assert "J\\udcfcrgen" in path.read_text(encoding="utf-8")
    raw = io.BytesIO()
    configure_logging(format, stream=io.TextIOWrapper(raw, encoding="utf-8", errors="strict"))
    structlog.get_logger("ivr.call").bind(call="abc").info("call_ringing", caller=caller)
    assert b"J\\udcfcrgen" in raw.getvalue()


HOSTILE = "a\x1b[31m\r\nb\x9b\u2028c\x85\u202ed\x00\ud83d\x7f"


@pytest.mark.parametrize("format", ["json", "console"])
def test_nothing_in_any_field_begins_a_line_or_reaches_a_terminal(
    stream: io.StringIO, format: Literal["json", "console"]
) -> None:
    configure_logging(format, stream=stream)
    del logging.getLogger().handlers[:-1]  # pytest's: pytest-xdist cannot send a lone surrogate
    log = structlog.get_logger("ivr.call").bind(call=HOSTILE)
    log.info(HOSTILE, text=HOSTILE, quoted=f'"{HOSTILE}" x=1', more={HOSTILE: [HOSTILE]}, **{HOSTILE: 1})
    logging.getLogger("library").warning("lost %s", HOSTILE)
    try:
        raise ValueError(f"{HOSTILE}\n2026-01-01T00:00:00Z [info     ] call_ended")
    except ValueError:
        log.exception("failed", stack_info=True)
    text = stream.getvalue()
    controls = [c for c in text if c != "\n" and not c.isprintable()]
    assert not controls
    assert not [line for line in text.splitlines() if line.startswith(("b", "c", "d", "2026-01-01"))]
    if format == "json":
        first, _, third = lines(stream)
        assert first["text"] == first["call"] == first["event"] == HOSTILE, "the original is kept"
        assert first["more"] == {HOSTILE: [HOSTILE]} and HOSTILE in third["exception"]
    else:
        assert text.count("\\x1b") >= 5
        assert all(line.startswith("    ") for line in text.splitlines() if "call_ended" in line)


def test_an_endless_field_is_cut(stream: io.StringIO) -> None:
    configure_logging("json", stream=stream)
    structlog.get_logger("ivr").info("said", text="x" * 1_000_000)
    assert len(lines(stream)[0]["text"]) < 10_100


def test_a_full_pipe_delays_nobody_and_lost_lines_are_counted() -> None:
    reading, writing = os.pipe()
    handler = LogWriter(None, writing, lambda count, reason: f"lost {count}: {reason}", limit=50)
    began = time.monotonic()
    for number in range(1000):
        handler.handle(logging.makeLogRecord({"msg": f"{number} " + "x" * 1000}))
    assert time.monotonic() - began < 1.0, "who logs has waited for the reader of the pipe"
    read = bytearray()
    reader = threading.Thread(
        target=lambda: [read.extend(x) for x in iter(lambda: os.read(reading, 65536), b"")]
    )
    reader.start()
    handler.flush()
    handler.handle(logging.makeLogRecord({"msg": "read again"}))
    handler.close()
    os.close(writing)
    reader.join(5)
    os.close(reading)
    lines = read.decode().splitlines()
    lost = [int(line.split()[1].rstrip(":")) for line in lines if line.startswith("lost")]
    kept = [int(line.split()[0]) for line in lines if line.endswith("x" * 1000)]
    assert lines[-1] == "read again"
    assert len(kept) >= 50 and sum(lost) > 500 and len(kept) + sum(lost) == 1000
    assert kept == sorted(kept)


def test_a_closed_pipe_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    handler = LogWriter(None, writing, lambda count, reason: "")
    handler.handle(logging.makeLogRecord({"msg": "into the void"}))
    handler.close()
    assert not handler._waiting
    os.close(writing)


def test_lines_lost_on_a_full_disk_are_said_once_there_is_room(tmp_path: Path) -> None:
    full = Path("/dev/full")
    file = tmp_path / "log"
    file.symlink_to(full)
    configure_logging("json", file=file, queued=True)
    root = logging.getLogger()
    structlog.get_logger("ivr.test").info("lost")
    root.handlers[-1].flush()
    file.unlink()  # as a rotation does; the new file has room
    structlog.get_logger("ivr.test").info("kept")
    root.handlers[-1].close()
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in found] == ["log_lines_lost", "kept"]
    assert (found[0]["count"], found[0]["reason"]) == (1, "No space left on device")
