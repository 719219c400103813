"""The parser of the ``ivr`` command, its exit codes, and errors as one line on standard error."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence

from ivr.cli import dialogues, models, plans, recordings, serving, settings
from ivr.errors import IvrError

DISTRIBUTION = "interruptible-ivr"
"""The name on the package index; the name that is imported is ``ivr``."""
COMMANDS = {
    **serving.COMMANDS,
    **plans.COMMANDS,
    **dialogues.COMMANDS,
    **recordings.COMMANDS,
    **models.COMMANDS,
    **settings.COMMANDS,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process.

    Exit codes: 0 done; 1 a finding (check, doctor, verify, test, replay --compare) or nobody was reached
    (call); 2 wrong arguments, settings or input, or something that is missing, with one line on standard
    error that names the place and the remedy; 130 interrupted.
    """
    argv = sys.argv[1:] if argv is None else argv
    chosen = next((argument for argument in argv if not argument.startswith("-")), "")
    if chosen in COMMANDS and COMMANDS[chosen].brief:
        gc.disable()
    arguments = _parser(chosen).parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        print("ivr: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the output went away (`ivr doctor | head`), which is not worth a trace.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except IvrError as error:
        print(f"ivr: {error}", file=sys.stderr)
        return 2


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser, in which only the ``chosen`` command has its arguments."""
    parser = argparse.ArgumentParser(prog="ivr", description="A telephone service that people can interrupt.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.help)
        if name == chosen:
            command.configure(own)
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that takes a tenth of a second."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import importlib.metadata

        print(f"ivr {importlib.metadata.version(DISTRIBUTION)}")
        parser.exit()
