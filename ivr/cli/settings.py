"""``ivr settings`` and ``ivr init``: the settings there are, and a folder to begin with."""

from ivr.cli.common import Command

COMMANDS: dict[str, Command] = {}
