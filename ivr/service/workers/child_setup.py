"""Receive settings and plans in a child of the supervisor, and configure its logging."""

import pickle
from io import BytesIO
from types import MappingProxyType
from typing import Any

from ivr.service.config.settings import Settings
from ivr.service.logs import configure_logging


def _read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


class _Pickler(pickle.Pickler):
    """Plans hold read-only views of dicts, which pickle does not know."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, MappingProxyType):
            return _read_only, (dict(value),)
        return NotImplemented


def pack(value: Any) -> bytes:
    """Return settings and plans as bytes for a child process."""
    target = BytesIO()
    _Pickler(target, pickle.HIGHEST_PROTOCOL).dump(value)
    return target.getvalue()


def unpack(data: bytes) -> Any:
    """Return what ``pack`` was given. Only for bytes from our own parent: they can run code."""
    return pickle.loads(data)


def configure_child_logging(settings: Settings, **fields: Any) -> None:
    """Log to where the supervisor logs, every line with ``fields``. Raises OSError."""
    log = settings.log
    secrets = settings.secrets()
    configure_logging(log.format, log.level, file=log.file, secrets=secrets, fields=fields, queued=True)
