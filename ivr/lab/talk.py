"""``ivr talk``: runs a plan with a WAV file as the caller and prints the turns."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ivr.audio.frames import LINE_RATE
from ivr.audio.wav import WavError, decode_wav, encode_wav
from ivr.dialplan import Plan, load_plan
from ivr.errors import IvrError
from ivr.lab.conversation import CallerTurn, Conversation, ServiceTurn, converse
from ivr.service.config.settings import Settings
from ivr.service.engines import make_engines
from ivr.service.world.real import RealWorld
from ivr.speech.base import SpeechError


class TalkError(IvrError):
    """Raised when the call cannot be made; one line that says why and what to do."""


def talk(
    settings: Settings,
    plan_path: Path,
    caller: Path,
    heard: Path | None = None,
    *,
    as_json: bool = False,
    out: Callable[[str], None] = print,
) -> int:
    """Run the plan, print the turns through ``out``, and write what the caller heard to ``heard``.

    Returns 0 when the plan ended, 1 when it did not within the recording and two minutes of silence. Raises
    TalkError and PlanError; ModelMissing when the models were not fetched.
    """
    plan = load_plan(plan_path)
    try:
        sound, rate = decode_wav(caller.read_bytes())
    except OSError as error:
        raise TalkError(f"{caller}: {error.strerror}") from error
    except WavError as error:
        raise TalkError(f"{caller}: {error}") from error
    if heard is not None and heard.is_dir():
        raise TalkError(f"{heard}: this is a folder; name a file")
    if heard is not None and not heard.absolute().parent.is_dir():
        raise TalkError(f"{heard}: there is no folder {heard.absolute().parent}")
    try:
        conversation = asyncio.run(_with_engines(settings, plan, sound.tobytes(), rate))
    except (SpeechError, ValueError) as error:
        raise TalkError(f"{error}; `ivr doctor` says what an engine needs") from error
    if heard is not None:
        try:
            heard.write_bytes(encode_wav(conversation.sound, LINE_RATE))
        except OSError as error:
            raise TalkError(f"{heard}: {error.strerror}") from error
    out(_as_json(conversation) if as_json else _as_text(conversation))
    return 0 if conversation.reason != "unfinished" else 1


async def _with_engines(settings: Settings, plan: Plan, pcm16: bytes, rate: int) -> Conversation:
    engines, world = make_engines(settings), RealWorld(settings)
    try:
        await engines.start(plan.prompts())  # as the service does: fixed prompts are synthesised first
        return await converse(settings, engines, plan, pcm16, rate, world=world.world)
    finally:
        await world.aclose()
        await engines.aclose()


def _as_json(conversation: Conversation) -> str:
    record = asdict(conversation)
    del record["sound"]
    return json.dumps(record, ensure_ascii=False, indent=2)


def _as_text(conversation: Conversation) -> str:
    lines = []
    for turn in conversation.turns:
        lines.append(f"{turn.at_ms / 1000:7.2f} s  {turn.speaker:<8} {_words(turn)}")
    seconds = conversation.duration_ms / 1000
    lines.append(f"{seconds:7.2f} s  the plan {conversation.plan} ended: {conversation.reason}")
    return "\n".join(lines)


def _words(turn: ServiceTurn | CallerTurn) -> str:
    if isinstance(turn, ServiceTurn):
        if turn.interrupted:
            return f"{turn.heard_text} --  [interrupted, heard {turn.heard_ms} ms]"
        return f"{turn.text}  [heard {turn.heard_ms} ms]"
    if turn.reason == "noinput":
        return "[nothing was said]"
    marks = [f"{turn.audio_ms} ms", f"confidence {turn.confidence:.2f}"]
    if turn.barged_in:
        marks.insert(0, "barge-in")
    return f"{turn.text or '(no words)'}  [{', '.join(marks)}]"
