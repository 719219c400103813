"""A worker's connection to its supervisor: real sockets, a reader that does not read."""

import asyncio
import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest

from ivr.dialplan.engine.loader import load_plan
from ivr.process.framing import Frame, encode_frame, read_frame
from ivr.process.parent_link import ParentLink
from ivr.service.config.settings import load_settings
from ivr.service.engines import needs_host, on_host
from ivr.service.workers.child_setup import pack, unpack
from ivr.service.workers.reports import BACKLOG_BYTES, OpenCalls, Reports

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"


def test_settings_and_plans_are_the_same_after_packing() -> None:
    settings = load_settings(environ={"IVR_STT__WHISPER__BEAM_SIZE": "3", "IVR_SIP__DRAIN_S": "7"})
    plan = load_plan(DEMO)
    there, plans = unpack(pack((settings, [plan])))
    assert there == settings and there.stt.of("whisper") == {"beam_size": 3}
    assert repr(plans) == repr([plan]) and plans[0].prompts() == plan.prompts()
    with pytest.raises(TypeError):
        plans[0].steps["new"] = ()  # type: ignore[index]


def test_local_engines_move_to_the_host_and_others_do_not() -> None:
    settings = load_settings(
        environ={
            "IVR_STT__ORDER": "openai,whisper",
            "IVR_STT__WHISPER__BEAM_SIZE": "3",
            "OPENAI_API_KEY": "k" * 9,
        }
    )
    assert needs_host(settings)
    moved = on_host(settings, Path("/run/engines"))
    assert moved.stt.of("whisper") == {"beam_size": 3, "host": Path("/run/engines")}
    assert moved.tts.of("piper") == {"host": Path("/run/engines")}
    assert moved.turn.of("smart-turn") == {"host": Path("/run/engines")}
    assert moved.stt.of("openai") == settings.stt.of("openai")
    assert "host" not in settings.stt.of("whisper"), "the settings themselves are not changed"
    remote = dataclasses.replace(settings.stt, order=("openai",))
    speaks = dataclasses.replace(settings.tts, order=("openai",))
    assert needs_host(dataclasses.replace(settings, stt=remote, tts=speaks)), "for the turn detector"
    silence = dataclasses.replace(settings.turn, order=())
    assert not needs_host(dataclasses.replace(settings, stt=remote, tts=speaks, turn=silence))


async def opened() -> tuple[ParentLink, list[Frame], asyncio.Event, socket.socket]:
    ours, theirs = socket.socketpair()
    frames: list[Frame] = []
    gone = asyncio.Event()
    link = ParentLink(frames.append, gone.set)
    await link.open(ours)
    theirs.setblocking(False)
    return link, frames, gone, theirs


async def test_pings_are_answered_and_the_end_is_noticed() -> None:
    link, frames, gone, theirs = await opened()
    reader, writer = await asyncio.open_connection(sock=theirs)
    writer.write(encode_frame({"op": "ping"}))
    writer.write(encode_frame({"op": "plans"}, b"x" * 100_000))
    async with asyncio.timeout(5):
        assert (await read_frame(reader)).head == {"op": "pong"}
        while not frames:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert frames[0].head == {"op": "plans"} and len(frames[0].payload) == 100_000
        writer.close()
        await gone.wait()
    await link.aclose()


async def test_a_report_is_in_the_socket_at_once() -> None:
    link, _, _, theirs = await opened()
    Reports(link, list, list).started(1, {"call": "c"})
    assert b'"started"' in theirs.recv(4096), "without a turn of the loop: SIGKILL cannot take it back"
    theirs.close()
    await link.aclose()


async def test_reports_dropped_for_a_slow_supervisor_are_made_up_by_a_list() -> None:
    link, _, _, theirs = await opened()
    open_calls: dict[int, dict[str, Any]] = {}
    reports = Reports(
        link, lambda: [{"key": key, **record} for key, record in open_calls.items()], lambda: parties
    )
    parties = [{"key": 7, "call": "call-2", "other_call": "theirs", "to": "201"}]
    supervisor = OpenCalls()
    supervisor.take({"op": "party_called", "key": 5, "call": "call-1", "other_call": "gone", "to": "9"}, 0.0)
    for key in range(10_000):
        open_calls[key] = {"call": f"call-{key}", "caller": "x" * 50}
        reports.started(key, open_calls[key])
        if key % 2:
            del open_calls[key]
            reports.ended(key)
        if key % 100 == 0:
            await asyncio.sleep(0)
    assert reports.dropped > 0
    assert link.backlog < BACKLOG_BYTES + 4096, "bounded"
    reader, writer = await asyncio.open_connection(sock=theirs)
    expected = {f"call-{key}" for key in range(0, 10_000, 2)}
    async with asyncio.timeout(20):
        while True:
            head = (await read_frame(reader)).head
            supervisor.take(head, 0.0)
            if head["op"] == "calls":
                break
        del open_calls[0]
        reports.ended(0)
        supervisor.take((await read_frame(reader)).head, 1.0)
    assert {line["call"] for line in supervisor.lost(1.0)} == expected - {"call-0"}
    assert supervisor.lost_parties() == [{"call": "call-2", "other_call": "theirs", "to": "201"}]
    writer.close()
    await link.aclose()
