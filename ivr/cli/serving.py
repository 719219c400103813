"""``ivr serve``, ``call`` and ``doctor``: the commands of the telephone service."""

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ivr.cli.common import (
    CALL_FLAGS,
    Command,
    UsageError,
    add_setting_flags,
    configure_log,
    print_line,
    settings_of,
)

if TYPE_CHECKING:
    from ivr.service.config.settings import Settings

DOCTOR_FLAGS = ("sip.bind", "sip.public_address", "sip.rtp_ports", "stt.order", "tts.order", "workers.count")


def _configure_serve(parser: argparse.ArgumentParser) -> None:
    from ivr.service.config.flags import FLAGS

    parser.description = "Answer calls with a dialplan."
    parser.add_argument("plans", nargs="*", type=Path, metavar="PLAN", help="dialplan file")
    add_setting_flags(parser, tuple(FLAGS))
    parser.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    def read_settings() -> "Settings":
        found = settings_of(arguments)
        return dataclasses.replace(found, plans=tuple(arguments.plans) or found.plans)

    settings = read_settings()
    plans = settings.plans
    if not plans:
        raise UsageError("no dialplan: name one (ivr serve dialplans/demo.yaml) or set plans in the settings")
    configure_log(settings, queued=True)
    from ivr.service.server import serve
    from ivr.service.workers.supervisor import serve_workers

    if settings.workers.count:
        return _start(lambda: serve_workers(settings, plans, read_settings))
    return _start(lambda: serve(settings, plans, read_settings=read_settings))


def _configure_call(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Place one call and run a dialplan when it is answered. Exit code 0 when the conversation took "
        "place, 1 when not (busy, no answer, refused)."
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    parser.add_argument("to", metavar="ADDRESS", help="sip:101@pbx.example.org, or 101 at the registrar")
    parser.add_argument(
        "--from",
        dest="caller",
        metavar="ADDRESS",
        help="the caller's address; by default that of the account",
    )
    parser.add_argument(
        "--account",
        metavar="USER@REGISTRAR",
        help="the registration to call with; by default the one whose registrar has the address",
    )
    add_setting_flags(parser, CALL_FLAGS)
    parser.set_defaults(run=_call)


def _call(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    configure_log(settings, queued=True)
    from ivr.service.calls.outbound import call

    return _start(
        lambda: call(
            settings,
            arguments.plan,
            arguments.to,
            account=arguments.account,
            caller=arguments.caller,
            out=print_line,
        )
    )


def _start(run: Callable[[], int]) -> int:
    """Run a server. Raises UsageError with one line that says what keeps it from starting."""
    from ivr.process.restarts import StartFailed
    from ivr.service.config.sources import SettingsError
    from ivr.sip.errors import SipError
    from ivr.speech.base import SpeechError

    try:
        return run()
    except SettingsError:
        raise  # its text says what to do
    except (SpeechError, SipError, StartFailed, ValueError) as error:
        # ValueError: an option, or a model of an engine or a detector, that cannot be used.
        raise UsageError(f"{error}; `ivr doctor` shows what is missing") from error


def _configure_doctor(parser: argparse.ArgumentParser) -> None:
    parser.description = "Check everything that a call needs. Exit code 1 when something is missing."
    add_setting_flags(parser, DOCTOR_FLAGS)
    parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from ivr.service.doctor import run

    settings = settings_of(arguments)
    configure_log(settings, quiet=True)
    return run(settings, print_line)


COMMANDS = {
    "serve": Command("answer calls", _configure_serve),
    "call": Command("place a call", _configure_call),
    "doctor": Command("check everything that a call needs", _configure_doctor),
}
