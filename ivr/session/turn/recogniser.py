"""What a stretch of the caller's speech says: the STT with its time limit, and nothing that can fail."""

import asyncio
import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

from ivr.audio.frames import VAD_RATE
from ivr.grammar.expectation import Expectation
from ivr.session.privacy import Privacy
from ivr.session.turn.interim_answers import InterimAnswers
from ivr.speech.base import HasHealth, SpeechError, SpeechToText, Transcript, recognise
from ivr.text import clean_text
from ivr.vad.events import Pcm16

HIDDEN = "***"
"""Stands for a private text."""
MAX_TEXT = 10_000
"""Characters of a transcript that are kept; nobody says more in a turn."""
N_BEST = 5
"""Hypotheses that a decision keeps."""


class Recogniser:
    """Loop only. ``busy`` counts requests under way."""

    def __init__(
        self, stt: SpeechToText, timeout_s: float, note: Callable[..., None], privacy: Privacy, log: Any
    ) -> None:
        """``note(stage, rule, **details)`` takes decisions."""
        self._stt, self._timeout_s, self._note, self._log = stt, timeout_s, note, log
        self._privacy = privacy
        self.busy = 0
        self.expected = Expectation()
        """The question that the caller is answering."""
        self._failed = False
        self._interim_answers = InterimAnswers()

    @property
    def down(self) -> bool:
        """The last request of this call failed, or every engine is marked down after failures on others."""
        return self._failed or (isinstance(self._stt, HasHealth) and self._stt.down)

    async def transcribe(
        self, audio: Pcm16, why: Literal["turn", "pause", "interim"], onset: int, offset: int, asked: int
    ) -> Transcript:
        """Text of PCM16 mono at 16 kHz that ends at sample ``asked``, of speech from ``onset`` to ``offset``;
        empty where no engine could tell, which is logged.

        Cancelling abandons the request. What is not yet known to be a whole turn is noted here, as interim.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        expected = self.expected
        self.busy += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                heard = await recognise(self._stt, audio.tobytes(), VAD_RATE, expected.context)
        except (SpeechError, TimeoutError) as error:
            self._log.error("transcription_failed", error=str(error) or "time limit", remedy="see ivr doctor")
            self._failed = True
            return Transcript("")
        except Exception:
            # An engine of a third party may raise anything; the caller must still be answered.
            self._log.exception("transcription_failed")
            self._failed = True
            return Transcript("")
        finally:
            self.busy -= 1
        self._failed = False
        heard = _cleaned(heard)
        understood = expected.understand(heard.text, heard.confidence, heard.hypotheses)
        transcript = dataclasses.replace(
            heard,
            text=understood.text,
            confidence=understood.confidence,
            hypotheses=understood.hypotheses,
            rule=understood.rule,
        )
        transcript = self._interim_answers.settled(onset, transcript, expected)
        hidden = self._privacy.covers(onset, offset, asked)
        self._log.info(
            "interim_transcript" if why == "interim" else "transcript",
            text=HIDDEN if hidden else transcript.text,
            confidence=round(transcript.confidence, 2),
            engine=transcript.engine,
            rule=transcript.rule,
            **_ranking(transcript, hidden),
            took_ms=round((loop.time() - began) * 1000),
            why=why,
        )
        if why != "turn":
            self._note(
                "transcript", why, **transcript_details(transcript, onset, offset, asked), interim=True
            )
        return transcript


def _cleaned(transcript: Transcript) -> Transcript:
    """Make a recogniser's words valid text on one line; engines of all kinds pass here."""
    text = clean_text(" ".join(transcript.text.split()))[:MAX_TEXT]
    confidence = transcript.confidence
    if not 0.0 <= confidence <= 1.0:
        confidence = 0.0 if math.isnan(confidence) else min(max(confidence, 0.0), 1.0)
    hypotheses = tuple(
        dataclasses.replace(each, phrase=clean_text(each.phrase)[:MAX_TEXT]) for each in transcript.hypotheses
    )
    return dataclasses.replace(transcript, text=text, confidence=confidence, hypotheses=hypotheses)


def transcript_details(transcript: Transcript, onset: int, offset: int, asked: int) -> dict[str, Any]:
    """The details of a decision about it."""
    return {
        "onset": onset,
        "offset": offset,
        "asked": asked,
        "text": transcript.text,
        "confidence": round(transcript.confidence, 3),
        **(
            {"hypotheses": [each.plain() for each in transcript.hypotheses[:N_BEST]]}
            if transcript.hypotheses
            else {}
        ),
    }


def _ranking(transcript: Transcript, hidden: bool) -> dict[str, Any]:
    """Return the likeliest answers as a log line has them: the choice, and the runner-up."""
    shown = {}
    for name, each in zip(("likeliest", "runner_up"), transcript.hypotheses, strict=False):
        shown[name] = HIDDEN if hidden else f"{each.meaning or each.phrase} {each.confidence:.2f}"
    return shown
