"""``ivr talk``, ``replay`` and ``plot``: a dialplan on a WAV file, and recorded calls."""

import argparse
from pathlib import Path

from ivr.cli.common import SPEECH_FLAGS, Command, add_setting_flags, configure_log, settings_of


def _configure_talk(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run a dialplan with a WAV file as the caller: no SIP, faster than real time."
    parser.add_argument("plan", type=Path, metavar="PLAN", help="dialplan file")
    parser.add_argument(
        "--in", dest="caller", type=Path, required=True, metavar="WAV", help="the sound of the caller"
    )
    parser.add_argument("--out", dest="heard", type=Path, metavar="WAV", help="write what the caller hears")
    parser.add_argument("--json", action="store_true", help="print one JSON object with the turns")
    add_setting_flags(parser, (*SPEECH_FLAGS, "log.format"))
    parser.set_defaults(run=_talk)


def _talk(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    # The turns are the output; log lines between them only where they were asked for.
    configure_log(settings, quiet=getattr(arguments, "log.format") is None)
    from ivr.lab.talk import talk

    return talk(settings, arguments.plan, arguments.caller, arguments.heard, as_json=arguments.json)


def _configure_replay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run the decisions on a recorded call (recording.debug), or on a folder of them, again: what other "
        "settings would have changed. Exit code 1 when interruptions were gained or lost."
    )
    parser.add_argument("recording", type=Path, metavar="WAV", help="a recording, or a folder of them")
    _add_trial_flags(parser)
    parser.add_argument(
        "--compare", action="store_true", help="print which interruptions are gained and lost"
    )
    parser.add_argument(
        "--stt", action="store_true", help="transcribe again; without it the recorded transcripts are used"
    )
    parser.add_argument("--json", action="store_true", help="JSON lines: decisions, or one object a call")
    parser.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    from ivr.cli.replay_output import replay_all
    from ivr.service.logs import configure_logging

    configure_logging(level="error")
    return replay_all(
        arguments.recording,
        arguments.trial,
        config=arguments.config,
        compare=arguments.compare,
        stt=arguments.stt,
        as_json=arguments.json,
    )


def _configure_plot(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Draw a recorded call: both sides, speech probability, decisions. Needs interruptible-ivr[plot]."
    )
    parser.add_argument("recording", type=Path, metavar="WAV", help="a recording (recording.debug)")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="PNG", help="the picture, 1600x900 pixels"
    )
    parser.add_argument("--from", dest="begin", type=float, default=0.0, metavar="S", help="from this second")
    parser.add_argument("--to", dest="end", type=float, metavar="S", help="up to this second")
    _add_trial_flags(parser)
    parser.set_defaults(run=_plot)


def _plot(arguments: argparse.Namespace) -> int:
    from ivr.lab.plot.draw import plot_file
    from ivr.service.logs import configure_logging

    configure_logging(level="error")
    plot_file(
        arguments.recording,
        arguments.out,
        arguments.begin,
        arguments.end,
        assignments=arguments.trial,
        config=arguments.config,
    )
    return 0


def _add_trial_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="trial",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting to try, such as vad.threshold=0.6; may be repeated",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML settings instead of those recorded")


COMMANDS = {
    "talk": Command("run a dialplan with a WAV file as the caller", _configure_talk),
    "replay": Command("run the decisions on a recorded call again", _configure_replay),
    "plot": Command("draw a recorded call", _configure_plot),
}
