"""Whether a party that was not reached yet sends sound: its own ringing, or an announcement."""

import asyncio
import math

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.level import rms_dbfs
from ivr.audio.line import RING, Line

SOUND_DBFS = -50.0
"""The least level that counts; comfort noise is below it."""
SOUND_S = 0.06
"""Seconds of such sound."""
LOOK_EVERY_S = 0.04
_FRAME_S = LINE_FRAME / 8000


async def wait_for_sound(line: Line) -> None:
    """Wait until sound comes in on the line. The SDP of a 183 promises it; not every party keeps that."""
    position, loud = line.written, 0
    while loud * _FRAME_S < SOUND_S:
        await asyncio.sleep(LOOK_EVERY_S)
        end = line.written
        position = max(position, end - RING + LINE_FRAME)
        for start in range(position, end, LINE_FRAME):
            frame = line.bank.received[line.row][np.arange(start, start + LINE_FRAME) % RING]
            level = rms_dbfs(frame)
            loud = loud + 1 if math.isfinite(level) and level >= SOUND_DBFS else 0
            if loud * _FRAME_S >= SOUND_S:
                return
        position = end
