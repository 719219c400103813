"""Two ports in C that speak to each other over a real bridge; run as a program by ``test_line_port.py``,
since a process has one endpoint and a port that misbehaves ends it. Prints what it saw as JSON.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pjsua2 as pj

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import RING, Line
from ivr.sip.pjsip.line_port import LinePlayback, PlaybackReports
from ivr.sip.pjsip.media import NativeMedia, make_bank


def until(look: Callable[[], Any], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def heard(line: Line) -> np.ndarray:
    written = line.written
    return line.bank.received[line.row, np.arange(max(0, written - RING), written) % RING]


def sent(line: Line) -> np.ndarray:
    written = line.written
    return line.bank.sent[line.row, np.arange(max(0, written - RING), written) % RING]


def find(needle: np.ndarray, hay: np.ndarray) -> int:
    """Return where ``needle`` is in ``hay``, to the bit; -1 when it does not."""
    for at in np.flatnonzero(hay == needle[0]):
        if np.array_equal(hay[at : at + needle.size], needle):
            return int(at)
    return -1


def whole(reports: PlaybackReports, a: NativeMedia, line_a: Line, line_b: Line) -> dict[str, Any]:
    """A prompt from its first sample to its last, in pieces that are no frames."""
    pcm = np.random.default_rng(1).integers(-8000, 8000, 3000).astype(np.int16)
    playback, ends = reports.new(), []
    playback.on_end = lambda: ends.append(playback.played)
    for at in range(0, pcm.size, 700):
        playback.write(pcm[at : at + 700].tobytes())
    playback.finish()
    a.play(playback)
    over = until(lambda: (reports.deliver(), ends)[1])
    until(lambda: find(pcm, heard(line_b)) >= 0, 1)
    return {
        "over": over,
        "ends": ends,
        "ended": playback.ended,
        "crossed": find(pcm, heard(line_b)) >= 0,
        "noted": find(pcm, sent(line_a)) >= 0,
    }


def stopped(reports: PlaybackReports, a: NativeMedia, line_b: Line) -> dict[str, Any]:
    """A stop in the middle, and how many more samples left."""
    tone = np.full(80_000, 5000, np.int16)
    playback, ends = reports.new(), []
    playback.on_end = lambda: ends.append(playback.played)
    playback.write(tone.tobytes())
    a.play(playback)
    until(lambda: playback.played >= 8 * LINE_FRAME)
    at = playback.played
    playback.stop()
    over = until(lambda: (reports.deliver(), ends)[1])
    late = ends[0] - at if ends else -1
    playback.write(tone.tobytes())
    return {"over": over, "late": late, "written": playback.written == tone.size}


def gain(reports: PlaybackReports, a: NativeMedia, line_a: Line) -> dict[str, Any]:
    """Ducked and up again without a step."""
    tone = np.full(16_000, 8000, np.int16)
    playback = reports.new()
    playback.write(tone.tobytes())
    playback.finish()
    a.play(playback)
    until(lambda: playback.played >= 5 * LINE_FRAME)
    playback.set_gain(0.25)
    at = playback.played
    until(lambda: playback.played >= at + 6 * LINE_FRAME)
    low = int(sent(line_a)[-1])
    playback.set_gain(1.0)
    until(lambda: playback.played >= at + 14 * LINE_FRAME)
    back = int(sent(line_a)[-1])
    loud = sent(line_a)[-16 * LINE_FRAME :].astype(int)
    loud = loud[loud > 0]
    playback.stop()
    return {"low": low, "back": back, "step": int(np.abs(np.diff(loud)).max())}


def starved(reports: PlaybackReports, a: NativeMedia) -> dict[str, Any]:
    """It asks for more once, is silent while none comes, and counts no silence as played."""
    playback, lows = reports.new(), []
    playback.on_low = lambda: lows.append(playback.buffered)
    playback.write(np.full(800, 1000, np.int16).tobytes())
    a.play(playback)
    until(lambda: (reports.deliver(), playback.starving)[1])
    time.sleep(0.1)
    reports.deliver()
    first = (len(lows), playback.played)
    playback.write(np.full(320, 1000, np.int16).tobytes())
    until(lambda: (reports.deliver(), playback.played == 1120)[1])
    playback.finish()
    until(lambda: playback.ended)
    return {"first": first, "lows": len(lows), "played": playback.played}


def churned(reports: PlaybackReports, line: Line, b: NativeMedia) -> dict[str, Any]:
    """Ports and playbacks that go in mid-sound, in every order."""
    for n in range(60):
        media = NativeMedia(100 + n, line)
        media.player.startTransmit(b.tap)
        b.player.startTransmit(media.tap)
        playback: LinePlayback | None = reports.new()
        assert playback is not None
        playback.write(np.full(8000, n, np.int16).tobytes())
        media.play(playback)
        time.sleep(0.003 * (n % 5))
        if n % 3 == 0:
            playback = None
            gc.collect()
        elif n % 3 == 1:
            media.play(None)
        media.free()
        media.free()
    return {"alive": True}


def main() -> None:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.audioFramePtime = 20
    config.medConfig.maxMediaPorts = 254
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    endpoint.libStart()
    bank, reports = make_bank(8), PlaybackReports()
    line_a, line_b = bank.open(), bank.open()
    a, b = NativeMedia(1, line_a), NativeMedia(2, line_b)
    a.player.startTransmit(b.tap)
    b.player.startTransmit(a.tap)
    bank.wake.arm()
    began = line_a.written
    woke = until(lambda: line_a.written > began)
    bank.wake.wait(2.0)
    found = {
        "woke": woke and bank.wake.armed[0] == 0,  # type: ignore[attr-defined]
        "whole": whole(reports, a, line_a, line_b),
        "stopped": stopped(reports, a, line_b),
        "gain": gain(reports, a, line_a),
        "starved": starved(reports, a),
        "churned": churned(reports, bank.open(), b),
    }
    ports = len(endpoint.mediaEnumPorts2())
    a.free()
    b.free()
    found["left"] = until(lambda: len(endpoint.mediaEnumPorts2()) == 1) or len(endpoint.mediaEnumPorts2())
    found["before"] = ports
    endpoint.libDestroy()
    sys.__stdout__.write("\n" + json.dumps(found, default=bool) + "\n")


if __name__ == "__main__":
    main()
