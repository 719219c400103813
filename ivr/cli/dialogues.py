"""``ivr test`` and ``simulate``: conversations with a dialplan, written down or typed."""

import argparse
import contextlib
import gc
from pathlib import Path

from ivr.cli.common import SPEECH_FLAGS, Command, UsageError, add_setting_flags, print_line, settings_of


def _configure_test(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run the dialogues of NAME.test.yaml beside each NAME.yaml. Exit code 1 when one of them fails."
    )
    parser.add_argument("plans", nargs="+", type=Path, metavar="PLAN", help="dialplan, or its .test.yaml")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--speech",
        action="store_true",
        help="with real engines: what callers say is synthesised and recognised",
    )
    way.add_argument("--sip", action="store_true", help="over SIP and RTP, to a service on loopback")
    parser.add_argument(
        "-k", dest="only", default="", metavar="TEXT", help="only dialogues whose name has TEXT"
    )
    parser.add_argument("--coverage", action="store_true", help="print what no dialogue goes through")
    parser.add_argument(
        "--cover", type=_percent, default=0.0, metavar="PERCENT", help="fail when less of a plan is covered"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML")
    add_setting_flags(parser, SPEECH_FLAGS)
    parser.set_defaults(run=_test)


def _percent(text: str) -> float:
    value = float(text.removesuffix("%"))
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


_percent.__name__ = "per cent, 0 to 100"  # argparse names it in its error


def _test(arguments: argparse.Namespace) -> int:
    from ivr.cli.dialogue_tests import TestOptions, run_tests
    from ivr.service.logs import configure_logging
    from ivr.sip.errors import SipError
    from ivr.speech.base import SpeechError

    settings = settings_of(arguments)
    gc.freeze()  # what was loaded stays to the end
    gc.enable()
    configure_logging(level="error")
    options = TestOptions(
        way="speech" if arguments.speech else "sip" if arguments.sip else "memory",
        only=arguments.only,
        coverage=arguments.coverage,
        cover=arguments.cover,
        junit=arguments.junit,
    )
    try:
        return run_tests(settings, arguments.plans, options, print_line)
    except (SpeechError, SipError) as error:
        raise UsageError(f"{error}; `ivr doctor` shows what is missing") from error
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _configure_simulate(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Be the caller of a dialplan: type what you say or the keys you press. There is no sound."
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    parser.add_argument("--from", dest="caller", default="", metavar="NUMBER", help="the caller's number")
    parser.add_argument("--to", dest="called", default="", metavar="NUMBER", help="the number that is called")
    parser.add_argument(
        "--like",
        default="",
        metavar="TEXT",
        help="take clock, requests and transfers of the dialogue with that name",
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="add it to a .test.yaml as a dialogue")
    parser.add_argument("--name", default="", metavar="TEXT", help="the dialogue's name")
    add_setting_flags(parser)
    parser.set_defaults(run=_simulate)


def _simulate(arguments: argparse.Namespace) -> int:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (lines can be edited)

    from ivr.lab.simulate import SimulateOptions, simulate
    from ivr.service.logs import configure_logging

    settings = settings_of(arguments)
    configure_logging(level="error")
    options = SimulateOptions(
        caller=arguments.caller,
        called=arguments.called,
        like=arguments.like,
        save=arguments.save,
        name=arguments.name,
    )
    return simulate(settings, arguments.plan, options, input, print_line)


COMMANDS = {
    "test": Command("run the dialogues that are written beside a dialplan", _configure_test, brief=True),
    "simulate": Command("be the caller of a dialplan at the terminal", _configure_simulate),
}
