"""The commands: ``ivr serve``, ``call``, ``talk``, ``check``, ``schema``, ``replay``, ``plot``,
``models``, ``doctor``; those of ``cli_dialogues``.

Exit codes: 0 done, 1 a finding (check, doctor, verify, test, replay --compare), nobody reached (call) or a
fault while running, 2 wrong arguments, settings or input (one line on standard error that names the place
and the remedy), 130 interrupted.
"""

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivr.cli import check as check_command
from ivr.cli import dialogues as cli_dialogues
from ivr.cli import schema as schema_command
from ivr.errors import IvrError
from ivr.modelstore import Model, ModelError, ModelMissing, ModelStore, WrongHash, fetch

if TYPE_CHECKING:
    from ivr.service.config.settings import Settings

# Modules that load engines or SIP are imported in the command that needs them: `ivr models fetch` is
# run by `make run` each time and must be instant.

SETTING_FLAGS = {
    "bind": ("sip.bind", "HOST:PORT", "UDP and TCP address of SIP"),
    "public_address": ("sip.public_address", "IP", "address to advertise when behind NAT"),
    "rtp_ports": ("sip.rtp_ports", "FIRST-LAST", "UDP ports for sound, two a call"),
    "stt": ("stt.order", "NAME", "speech to text; with commas: the order in which engines are tried"),
    "tts": ("tts.order", "NAME", "text to speech; likewise"),
    "vad_threshold": ("vad.threshold", "X", "probability, 0 to 1, above which sound is speech"),
    "dial_timeout": ("sip.dial_timeout_s", "S", "seconds a call that we place may ring"),
    "rtp_timeout": ("sip.rtp_timeout_s", "S", "seconds without sound after which a call is ended"),
    "drain": ("sip.drain_s", "S", "seconds running calls may go on after the first stop signal"),
    "workers": (
        "workers.count",
        "N",
        "so many processes, each with a SIP port (from --bind on) and a share of the RTP ports; "
        "SIGHUP reads the plans again",
    ),
    "watch": ("watch", "true|false", "read the plans again when one of their files changes"),
    "log": ("log.format", "console|json", "how log lines are written"),
}
"""Flag to the setting it overrides."""
CALL_FLAGS = ("bind", "public_address", "rtp_ports", "dial_timeout", "stt", "tts", "vad_threshold", "log")
TALK_FLAGS = ("stt", "tts", "vad_threshold", "log")


class UsageError(IvrError):
    """Something given on the command line cannot be used; the text says what and what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except KeyboardInterrupt:
        print("ivr: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`ivr doctor | head`): not our fault, and not worth a trace.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not _is_users(error):
            raise
        print(f"ivr: {error}", file=sys.stderr)
        return 2


def _is_users(error: Exception) -> bool:
    """An error whose text is meant for the person who gave the command."""
    if isinstance(error, UsageError | ModelError):
        return True
    from ivr.dialplan import PlanError
    from ivr.service.config.settings import SettingsError

    return isinstance(error, SettingsError | PlanError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ivr", description="A telephone service that people can interrupt.")
    parser.add_argument(
        "--version", action="version", version=f"ivr {importlib.metadata.version('interruptible-ivr')}"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="answer calls", description="Answer calls with a dialplan.")
    serve.add_argument("plans", nargs="*", type=Path, metavar="PLAN", help="dialplan file")
    serve.add_argument(
        "--watch",
        action="store_const",
        const="true",
        help="read the plans again when one of their files changes, as SIGHUP does",
    )
    _add_setting_flags(serve, [name for name in SETTING_FLAGS if name != "watch"])
    serve.set_defaults(command=_serve)

    call = commands.add_parser(
        "call",
        help="place a call",
        description="Place one call and run a dialplan when it is answered. Exit code 0 when the "
        "conversation took place, 1 when not (busy, no answer, refused).",
    )
    call.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    call.add_argument("to", metavar="ADDRESS", help="sip:101@pbx.example.org, or 101 at the registrar")
    call.add_argument("--from", dest="caller", metavar="ADDRESS", help="who calls; else the account")
    call.add_argument(
        "--account", metavar="USER@REGISTRAR", help="the registration to call by; else the one that fits"
    )
    _add_setting_flags(call, CALL_FLAGS)
    call.set_defaults(command=_call)

    talk = commands.add_parser(
        "talk",
        help="run a dialplan with a WAV file as the caller",
        description="Run a dialplan with a WAV file as the caller: no SIP, faster than real time.",
    )
    talk.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    talk.add_argument(
        "--in", dest="caller", type=Path, required=True, metavar="WAV", help="the caller's sound"
    )
    talk.add_argument("--out", dest="heard", type=Path, metavar="WAV", help="write what the caller hears")
    talk.add_argument("--json", action="store_true", help="one JSON object with the turns")
    _add_setting_flags(talk, TALK_FLAGS)
    talk.set_defaults(command=_talk)

    replay = commands.add_parser(
        "replay",
        help="decide a recorded call anew",
        description="Decide a recorded call (recording.debug), or a folder of them, anew: what would have "
        "been under other settings. Exit code 1 when interruptions were gained or lost.",
    )
    replay.add_argument("recording", type=Path, metavar="WAV", help="a recording, or a folder of them")
    _add_what_if_flags(replay)
    replay.add_argument("--compare", action="store_true", help="which interruptions are gained and lost")
    replay.add_argument("--stt", action="store_true", help="transcribe anew; else as it was understood then")
    replay.add_argument("--json", action="store_true", help="JSON lines: decisions, or an object a call")
    replay.set_defaults(command=_replay)

    plot = commands.add_parser(
        "plot",
        help="draw a recorded call",
        description="Draw a recorded call: both sides, speech probability, decisions. Needs "
        "interruptible-ivr[plot].",
    )
    plot.add_argument("recording", type=Path, metavar="WAV", help="a recording (recording.debug)")
    plot.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture, 1600x900")
    plot.add_argument(
        "--from", dest="begin", type=float, default=0.0, metavar="S", help="from this second on"
    )
    plot.add_argument("--to", dest="end", type=float, metavar="S", help="up to this second")
    _add_what_if_flags(plot)
    plot.set_defaults(command=_plot)

    cli_dialogues.add_commands(commands, _add_setting_flags, _settings)

    models = commands.add_parser("models", help="list, fetch or verify the models")
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, command, text in (
        ("list", _models_list, "what there is, and whether it is in the cache"),
        ("fetch", _models_fetch, "bring what is missing into the cache"),
        ("verify", _models_verify, "hash everything again; a wrong file is removed"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        if name != "list":
            action.add_argument("names", nargs="*", metavar="NAME", help="a model; all when none is named")
        if name == "fetch":
            action.add_argument("--quiet", action="store_true", help="say nothing when nothing is missing")
        action.set_defaults(command=command)

    check_command.add_parser(commands)
    schema_command.add_parser(commands)

    doctor = commands.add_parser("doctor", help="check everything that a call needs")
    _add_setting_flags(doctor, ("bind", "public_address", "rtp_ports", "stt", "tts", "workers"))
    doctor.set_defaults(command=_doctor)
    return parser


def _add_setting_flags(parser: argparse.ArgumentParser, names: Sequence[str] | dict[str, Any]) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML settings; else ivr.toml, if there")
    for name in names:
        _, metavar, text = SETTING_FLAGS[name]
        parser.add_argument("--" + name.replace("_", "-"), metavar=metavar, help=text)


def _add_what_if_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", dest="what_if", action="append", default=[], metavar="NAME=VALUE", help="vad.threshold=0.6"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML settings instead of those recorded")


def _settings(arguments: argparse.Namespace) -> "Settings":
    from ivr.service.config.settings import load_settings

    flags: dict[str, tuple[str, Any]] = {}
    for name, (setting, _, _) in SETTING_FLAGS.items():
        value = getattr(arguments, name, None)
        if value is not None:
            if setting.endswith(".order"):
                value = [item.strip() for item in value.split(",")]
            flags[setting] = ("--" + name.replace("_", "-"), value)
    return load_settings(arguments.config, flags)


def _configure_logging(settings: "Settings", *, quiet: bool = False) -> None:
    from ivr.service.logs import configure_logging

    log = settings.log
    level = "error" if quiet and log.file is None else log.level
    try:
        configure_logging(log.format, level, file=log.file, secrets=settings.secrets())
    except OSError as error:
        raise UsageError(f"log.file: {error.filename}: {error.strerror}") from error


def _serve(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    plans = tuple(arguments.plans) or settings.plans
    if not plans:
        raise UsageError("no dialplan: name one (ivr serve dialplans/demo.yaml) or set plans in the settings")
    _configure_logging(settings)
    from ivr.service.server import serve
    from ivr.service.workers.supervisor import serve_workers

    return _start(
        lambda: serve_workers(settings, plans) if settings.workers.count else serve(settings, plans)
    )


def _call(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    _configure_logging(settings)
    from ivr.service.calls.outbound import CallError, call

    def out(line: str) -> None:
        print(line, flush=True)

    try:
        return _start(
            lambda: call(
                settings,
                arguments.plan,
                arguments.to,
                account=arguments.account,
                caller=arguments.caller,
                out=out,
            )
        )
    except CallError as error:
        raise UsageError(str(error)) from error


def _start(run: Callable[[], int]) -> int:
    """Run a server; what keeps it from starting, in one line."""
    from ivr.process.restarts import StartFailed
    from ivr.service.config.settings import SettingsError
    from ivr.sip.errors import SipError
    from ivr.speech.base import SpeechError

    try:
        return run()
    except SettingsError:
        raise  # says itself what to do
    except (SpeechError, SipError, StartFailed, ValueError) as error:
        # ValueError: an option or a model of the engines or the detector that does not serve.
        raise UsageError(f"{error}; `ivr doctor` tells what is missing") from error


def _talk(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    # The turns are what is asked for; the log would stand between them.
    _configure_logging(settings, quiet=arguments.log is None)
    from ivr.lab.talk import TalkError, talk

    try:
        return talk(settings, arguments.plan, arguments.caller, arguments.heard, as_json=arguments.json)
    except TalkError as error:
        raise UsageError(str(error)) from error


def _replay(arguments: argparse.Namespace) -> int:
    from ivr.cli.replay import replay_all
    from ivr.service.logs import configure_logging
    from ivr.service.recording.recording import RecordingError
    from ivr.speech.base import SpeechError

    configure_logging(level="error")
    try:
        return replay_all(
            arguments.recording,
            arguments.what_if,
            config=arguments.config,
            compare=arguments.compare,
            stt=arguments.stt,
            as_json=arguments.json,
        )
    except (RecordingError, SpeechError) as error:
        raise UsageError(str(error)) from error


def _plot(arguments: argparse.Namespace) -> int:
    from ivr.lab.plot.draw import PlotError, plot_file
    from ivr.service.logs import configure_logging
    from ivr.service.recording.recording import RecordingError

    configure_logging(level="error")
    try:
        plot_file(
            arguments.recording,
            arguments.out,
            arguments.begin,
            arguments.end,
            assignments=arguments.what_if,
            config=arguments.config,
        )
    except (RecordingError, PlotError) as error:
        raise UsageError(str(error)) from error
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from ivr.service.doctor import run

    settings = _settings(arguments)
    _configure_logging(settings, quiet=True)
    return run(settings, lambda line: print(line, flush=True))


def _models_list(arguments: argparse.Namespace) -> int:
    store = ModelStore()
    for model in store.manifest.models.values():
        status = store.status(model)
        print(f"{model.name}  {model.size / 1e6:.1f} MB  {status.state}")
        print(f"    {model.purpose}")
        print(f"    licence: {model.license}; source: {model.source}")
        if status.state == "ready":
            print(f"    {store.entry(model)}")
        elif status.state == "damaged":
            print(f"    {status.detail}; run `ivr models fetch {model.name}`")
    return 0


def _models_fetch(arguments: argparse.Namespace) -> int:
    store = ModelStore()
    for model in _chosen(store, arguments.names):
        if not fetch(store, model.name) and not arguments.quiet:
            print(f"{model.name}: is there ({store.entry(model)})")
    return 0


def _models_verify(arguments: argparse.Namespace) -> int:
    store = ModelStore()
    wrong = 0
    for model in _chosen(store, arguments.names):
        try:
            store.verify(model.name)
            print(f"{model.name}: right")
        except (ModelMissing, WrongHash) as error:
            wrong += 1
            print(f"{error}", file=sys.stderr)
    return 1 if wrong else 0


def _chosen(store: ModelStore, names: Sequence[str]) -> list[Model]:
    return [store.manifest.get(name) for name in names or store.manifest.models]
