"""What the groups of commands share: flags of settings, the settings and the log of a command."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivr.errors import IvrError

if TYPE_CHECKING:
    from ivr.service.config.settings import Settings

CALL_FLAGS = (
    "sip.bind",
    "sip.public_address",
    "sip.rtp_ports",
    "sip.dial_timeout_s",
    "stt.order",
    "tts.order",
    "vad.threshold",
    "log.format",
)
"""Settings that have a flag where a call is placed."""
SPEECH_FLAGS = ("stt.order", "tts.order", "vad.threshold")
"""Settings that have a flag where speech engines are used."""


class UsageError(IvrError):
    """An argument of a command cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of ``ivr``."""

    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    """Adds the arguments to the command's parser, and ``run`` with ``set_defaults(run=...)``.

    It is called for the command that was chosen only, so that no other loads its modules.
    """
    brief: bool = False
    """It ends before there is garbage to collect: without collections it takes an eighth less time."""


def add_setting_flags(parser: argparse.ArgumentParser, names: Sequence[str] = ()) -> None:
    """Add ``--config`` and the flags of the settings ``names``; the meaning comes from their declaration."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML settings; without it ivr.toml in this folder, if any",
    )
    if not names:
        return
    from ivr.service.config.declaration import Option, node_at
    from ivr.service.config.flags import FLAGS
    from ivr.service.config.settings import settings_tree

    tree = settings_tree()
    for name in names:
        flag, option = FLAGS[name], node_at(tree, name)
        assert isinstance(option, Option)
        text = option.text().replace("``", "").replace("%", "%%")
        if flag.value:
            parser.add_argument(flag.spelling, dest=name, metavar=flag.value, help=text)
        else:
            parser.add_argument(flag.spelling, dest=name, action="store_const", const="true", help=text)


def settings_of(arguments: argparse.Namespace) -> "Settings":
    """Return the settings of a command: its flags over all other sources. Raises SettingsError."""
    from ivr.service.config.flags import FLAGS
    from ivr.service.config.settings import load_settings

    flags: dict[str, tuple[str, Any]] = {}
    for name, flag in FLAGS.items():
        value = getattr(arguments, name, None)
        if value is not None:
            if "," in flag.value:  # a list
                value = [item.strip() for item in value.split(",")]
            flags[name] = (flag.spelling, value)
    return load_settings(arguments.config, flags)


def configure_log(settings: "Settings", *, quiet: bool = False, queued: bool = False) -> None:
    """Log as the settings say; ``quiet`` keeps all but errors from standard error. ``queued``: who logs does
    not wait for the disk or the pipe. Raises UsageError.
    """
    from ivr.service.logs import configure_logging

    log = settings.log
    level = "error" if quiet and log.file is None else log.level
    try:
        configure_logging(log.format, level, file=log.file, secrets=settings.secrets(), queued=queued)
    except OSError as error:
        raise UsageError(f"log.file: {error.filename}: {error.strerror}") from error


def print_line(line: str) -> None:
    """Print a line at once, also where standard output is a pipe."""
    print(line, flush=True)
