"""``ivr schema``: the language for editors (JSON Schema) and for people (the reference page)."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """``commands`` is argparse's collection of sub-commands."""
    schema = commands.add_parser(
        "schema",
        help="the JSON Schema of dialplans, or their reference page",
        description="Print the JSON Schema by which an editor completes and checks dialplans. It is found "
        "by the plan's first line: # yaml-language-server: $schema=plan.schema.json",
    )
    schema.add_argument("--reference", action="store_true", help="the reference page instead, in Markdown")
    schema.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="PATH",
        help="write it there instead: a file, or a folder (plan.schema.json, README.md)",
    )
    schema.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write it."""
    from ivr.dialplan import reference
    from ivr.dialplan.engine import schema

    name, text = (
        (reference.FILE, reference.page()) if arguments.reference else (schema.FILE, schema.schema_text())
    )
    if arguments.out is None:
        print(text, end="")
        return 0
    path: Path = arguments.out / name if arguments.out.is_dir() else arguments.out
    path.write_text(text, encoding="utf-8")
    print(path)
    return 0
