"""The commands that try a plan out: ``ivr test``, ``simulate``, ``graph``."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEECH_FLAGS = ("stt", "tts", "vad_threshold")
"""Settings that matter where engines are used."""


def add_commands(
    commands: Any,
    add_setting_flags: Callable[[argparse.ArgumentParser, Any], None],
    settings_of: Callable[[argparse.Namespace], Any],
) -> None:
    """``commands`` is what ``add_subparsers`` gave; the other two are those of ``ivr.cli``."""
    test = commands.add_parser(
        "test",
        help="hold the dialogues that stand beside a dialplan",
        description="Hold the dialogues of NAME.test.yaml beside each NAME.yaml. Exit code 1 when one fails.",
    )
    test.add_argument("plans", nargs="+", type=Path, metavar="PLAN", help="dialplan, or its .test.yaml")
    way = test.add_mutually_exclusive_group()
    way.add_argument(
        "--speech", action="store_true", help="with real engines: what callers say is spoken and understood"
    )
    way.add_argument("--sip", action="store_true", help="over SIP and RTP, to a service on loopback")
    test.add_argument("-k", dest="only", default="", metavar="TEXT", help="dialogues with that in their name")
    test.add_argument("--coverage", action="store_true", help="tell what no dialogue goes through")
    test.add_argument(
        "--cover", type=_percent, default=0.0, metavar="PERCENT", help="fail when less of a plan is covered"
    )
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML")
    add_setting_flags(test, SPEECH_FLAGS)
    test.set_defaults(command=lambda arguments: _test(arguments, settings_of(arguments)))

    simulate = commands.add_parser(
        "simulate",
        help="be the caller of a dialplan at the terminal",
        description="Be the caller of a dialplan: type what you say or the keys you press. No sound.",
    )
    simulate.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    simulate.add_argument("--from", dest="caller", default="", metavar="NUMBER", help="who calls")
    simulate.add_argument(
        "--to", dest="called", default="", metavar="NUMBER", help="the number that is called"
    )
    simulate.add_argument(
        "--like",
        default="",
        metavar="TEXT",
        help="clock, requests and transfers of the dialogue with that name",
    )
    simulate.add_argument("--save", type=Path, metavar="FILE", help="add it to a .test.yaml as a dialogue")
    simulate.add_argument("--name", default="", metavar="TEXT", help="the dialogue's name")
    add_setting_flags(simulate, ())
    simulate.set_defaults(command=lambda arguments: _simulate(arguments, settings_of(arguments)))

    graph = commands.add_parser(
        "graph",
        help="draw a dialplan",
        description="Draw a dialplan: its steps, choices, what follows when nothing fits, where calls end, "
        "what `ivr check` finds.",
    )
    graph.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    graph.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the picture: .svg, .png, .pdf or .dot"
    )
    graph.add_argument(
        "--calls",
        type=Path,
        action="append",
        default=[],
        metavar="LOG",
        help="a service's log as JSON: how often calls went each way",
    )
    add_setting_flags(graph, ())
    graph.set_defaults(command=lambda arguments: _graph(arguments, settings_of(arguments)))


def _percent(text: str) -> float:
    value = float(text.removesuffix("%"))
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


_percent.__name__ = "per cent, 0 to 100"  # argparse names it in its error


def _test(arguments: argparse.Namespace, settings: Any) -> int:
    from ivr.cli.dialogue_tests import TestOptions, run_tests
    from ivr.service.logs import configure_logging
    from ivr.sip.errors import SipError
    from ivr.speech.base import SpeechError

    configure_logging(level="error")
    options = TestOptions(
        way="speech" if arguments.speech else "sip" if arguments.sip else "memory",
        only=arguments.only,
        coverage=arguments.coverage,
        cover=arguments.cover,
        junit=arguments.junit,
    )
    try:
        return run_tests(settings, arguments.plans, options, _out)
    except (SpeechError, SipError) as error:
        return _refused(f"{error}; `ivr doctor` tells what is missing")
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}")


def _simulate(arguments: argparse.Namespace, settings: Any) -> int:
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (lines can be edited)

    from ivr.lab.simulate import SimulateOptions, SimulationError, simulate
    from ivr.service.logs import configure_logging

    configure_logging(level="error")
    options = SimulateOptions(
        caller=arguments.caller,
        called=arguments.called,
        like=arguments.like,
        save=arguments.save,
        name=arguments.name,
    )
    try:
        return simulate(settings, arguments.plan, options, input, _out)
    except SimulationError as error:
        return _refused(str(error))


def _graph(arguments: argparse.Namespace, settings: Any) -> int:
    from ivr.cli.graph import GraphError, graph
    from ivr.service.config.surroundings import surroundings

    try:
        graph(arguments.plan, arguments.out, arguments.calls, surroundings(settings))
    except GraphError as error:
        return _refused(str(error))
    return 0


def _out(line: str) -> None:
    print(line, flush=True)


def _refused(message: str) -> int:
    print(f"ivr: {message}", file=sys.stderr)
    return 2
