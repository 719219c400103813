"""What a stretch of the caller's speech says: the STT with its time limit, and nothing that can fail."""

import asyncio
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.speech.base import SpeechError, SpeechToText, Transcript
from ivr.vad.base import Pcm16


class Recogniser:
    """Loop only. ``busy`` counts requests under way."""

    def __init__(self, stt: SpeechToText, timeout_s: float, log: Any) -> None:
        self._stt, self._timeout_s, self._log = stt, timeout_s, log
        self.busy = 0

    async def transcribe(self, audio: Pcm16, why: str) -> Transcript:
        """Text of PCM16 mono at 16 kHz; empty where no engine could tell, which is logged.

        Cancelling abandons the request.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.busy += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                transcript = await self._stt.transcribe(audio.tobytes(), VAD_RATE)
        except (SpeechError, TimeoutError) as error:
            self._log.error("transcription_failed", error=str(error) or "time limit", remedy="see ivr doctor")
            return Transcript("")
        except Exception:
            # An engine of a third party may raise anything; the caller must still be answered.
            self._log.exception("transcription_failed")
            return Transcript("")
        finally:
            self.busy -= 1
        self._log.info(
            "transcript" if why == "turn" else "interim_transcript",
            text=transcript.text,
            confidence=round(transcript.confidence, 2),
            engine=transcript.engine,
            took_ms=round((loop.time() - began) * 1000),
            why=why,
        )
        return transcript
