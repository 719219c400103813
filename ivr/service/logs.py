"""Logging: structlog for us, the standard library's loggers of others through the same door.

Every line of a call carries its id: ``get_logger("ivr.call").bind(call=...)`` where a logger is passed, and
``structlog.contextvars.bound_contextvars(call=...)`` around tasks, so that lines of libraries have it too.
Secrets are redacted last, in every field and in tracebacks. After that one rule holds for every line: it has
no control character. For people they are escaped as in Python source, in JSON as JSON does. Nothing that a
caller sends can begin a line, colour a terminal or end a record.
"""

import io
import logging
import logging.handlers
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from ivr.service.log_writer import LogWriter
from ivr.text import json_text, log_text

HIDDEN = "***"
SECRET_KEYS = re.compile(r"(^|_)(password|passwd|api_?key|secret|token|authorization)$", re.IGNORECASE)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
NOISY = ("httpx", "httpcore", "httpx2", "httpcore2", "openai", "faster_whisper", "asyncio", "piper")
"""Libraries that tell of every request at level info."""


MAX_FIELD = 10_000
"""Characters of one field that are logged."""
_INDENTED = ("exception", "stack")
"""Fields of several lines on a console; each of their lines is indented, so that none looks like a record."""


def shorten(logger: Any, method: str, event: EventDict) -> EventDict:
    """Cut texts of more than ``MAX_FIELD`` characters; a structlog processor."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_FIELD:
            event[key] = f"{value[:MAX_FIELD]}… ({len(value)} characters)"
    return event


def escape(logger: Any, method: str, event: EventDict) -> EventDict:
    """Write every text on one line without control characters; a structlog processor for a console."""
    return {
        log_text(str(key)): _indented(value) if key in _INDENTED else _escaped(key, value)
        for key, value in event.items()
    }


class _Quoted:
    """A text that is written in quotes, with escapes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)


def _escaped(key: str, value: Any) -> Any:
    if isinstance(value, str):
        if key in ("event", "level", "timestamp", "logger"):
            return log_text(value)
        return value if value.isprintable() else _Quoted(value)
    return value  # lists and mappings are written by repr, which escapes too; Redactor left nothing else


def _indented(value: Any) -> Any:
    return "\n".join(f"    {log_text(line)}" for line in str(value).split("\n"))


def render_json(logger: Any, method: str, event: EventDict) -> str:
    """Return the line as JSON; a structlog processor. What JSON does not know becomes text."""
    return json_text({str(key): value for key, value in event.items()})


class Redactor:
    """A structlog processor that strikes out secrets: by the key's name, and known values anywhere."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Strike out these values too."""
        # The longest first: one secret may be the beginning of another. Very short ones would strike
        # out ordinary words.
        self._secrets.update(secret for secret in secrets if len(secret) >= 4)
        known = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            event[key] = self._field(key, value)
        return event

    def _field(self, key: Any, value: Any) -> Any:
        return HIDDEN if value and SECRET_KEYS.search(str(key)) else self._clean(value)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            if self._known is not None:
                value = self._known.sub(HIDDEN, value)
            return BEARER.sub(rf"\1 {HIDDEN}", value)
        if isinstance(value, dict):
            return {key: self._field(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._clean(str(value))


def configure_logging(
    format: Literal["console", "json"] = "console",
    level: str = "info",
    *,
    file: Path | None = None,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    fields: Mapping[str, Any] | None = None,
    queued: bool = False,
) -> None:
    """Set up the process's logging; calling it again replaces what was set.

    Lines go to ``file`` (appended; reopened when it was rotated away), else to ``stream``, else to
    standard error: for people with ``console``, one JSON object each with ``json``. Times are UTC.
    ``fields`` are on every line that has none of that name, of any thread (``worker=1``).
    A character that cannot be written is escaped, and never costs the line. ``queued``: a thread writes the
    lines, and nobody who logs waits for a full pipe or a slow disk (``LogWriter``). Raises OSError when the
    file cannot be opened.
    """
    target = stream or sys.stderr
    colors = format == "console" and file is None and target.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _adder(fields or {}),
    ]
    render: list[Processor] = (
        [render_json]
        if format == "json"
        else [
            escape,
            structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
            ),
        ]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            Redactor(secrets),
            shorten,
            *render,
        ],
    )
    handler: logging.Handler
    if queued and stream is None:
        handler = LogWriter(file, sys.stderr.fileno(), _line_about_lost(formatter))
    elif file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8", errors="backslashreplace")
    else:
        if isinstance(target, io.TextIOWrapper):
            target.reconfigure(errors="backslashreplace")
        handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
            old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Loggers made before this call, at import time, must follow it too.
        cache_logger_on_first_use=False,
    )


def update_logging(level: str, secrets: Iterable[str]) -> None:
    """Change the level, and hide more secrets, of the log that ``configure_logging`` set up."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for handler in root.handlers:
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            for processor in handler.formatter.processors:
                if isinstance(processor, Redactor):
                    processor.add(secrets)


def _line_about_lost(formatter: logging.Formatter) -> Callable[[int, str], str]:
    """Return what makes the line about lines that were lost, in the format of the others."""
    lines: list[str] = []
    handler = _Collector(lines)
    handler.setFormatter(formatter)
    logger = logging.Logger("ivr.log")
    logger.addHandler(handler)
    log: Any = structlog.wrap_logger(
        logger,
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )

    def line(count: int, reason: str) -> str:
        lines.clear()
        log.error(
            "log_lines_lost",
            count=count,
            reason=reason,
            remedy="is log.file's disk full, or the pipe not read?",
        )
        return lines[0]

    return line


class _Collector(logging.Handler):
    """Keeps the formatted lines in a list."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def _adder(fields: Mapping[str, Any]) -> Processor:
    def add(logger: Any, method: str, event: EventDict) -> EventDict:
        for name, value in fields.items():
            event.setdefault(name, value)
        return event

    return add
