"""``ivr settings`` and ``init``: the settings there are, and a folder to begin with."""

import argparse
import shlex
import sys
from importlib import resources
from pathlib import Path

from ivr.cli.common import Command, UsageError
from ivr.cli.plans import write_or_print

PLAN = "front-desk.yaml"
SETTINGS = "ivr.toml"


def _configure_settings(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the reference page of all settings, in Markdown (docs/settings.md)."
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--toml", action="store_true", help="print a settings file instead, every setting in it a comment"
    )
    form.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON Schema of settings files instead, by which an editor completes and checks them",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="PATH",
        help="write it to a file, or into a folder (as settings.md, ivr.toml, ivr.schema.json), instead of "
        "printing it",
    )
    parser.set_defaults(run=_settings)


def _settings(arguments: argparse.Namespace) -> int:
    from ivr.service.config import reference

    if arguments.toml:
        return write_or_print(reference.commented_file(), SETTINGS, arguments.out)
    if arguments.schema:
        return write_or_print(reference.schema_text(), reference.SCHEMA, arguments.out)
    return write_or_print(reference.page(), reference.PAGE, arguments.out)


def _configure_init(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make a folder to begin with: a dialplan, its dialogues, a settings file with every setting as a "
        "comment, and a systemd unit. A file that is there stays as it is, and nothing is written."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="made when it is not there")
    parser.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    from ivr.service.config.reference import commented_file

    folder: Path = arguments.folder
    starter = resources.files("ivr.cli.starter")
    files = {
        name: starter.joinpath(name).read_text(encoding="utf-8")
        for name in (PLAN, "front-desk.test.yaml", "ivr.service")
    }
    files[SETTINGS] = commented_file(plans=[PLAN])
    files["ivr.service"] = (
        files["ivr.service"].replace("FOLDER", str(folder.absolute())).replace("PROGRAM", _program())
    )
    there = [str(folder / name) for name in files if (folder / name).exists()]
    if there:
        raise UsageError(f"{there[0]}: it exists, and nothing was written; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
            print(folder / name)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    print(f"next: cd {shlex.quote(str(folder))}")
    for command in (f"check {PLAN}", f"test {PLAN}", "serve"):
        print(f"      {_program()} {command}")
    return 0


def _program() -> str:
    """Return the command that runs this installation of ``ivr``."""
    own = Path(sys.executable).with_name("ivr")
    return str(own) if own.exists() else f"{sys.executable} -m ivr.cli"


COMMANDS = {
    "settings": Command("print all settings, for people or for editors", _configure_settings, brief=True),
    "init": Command(
        "make a folder with a dialplan, settings and a systemd unit", _configure_init, brief=True
    ),
}
