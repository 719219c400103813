"""A local engine: errors of its process become speech errors, and a fallback takes over."""

import asyncio
from pathlib import Path

import pytest

from ivr.process.host import ProcessHost
from ivr.process.requests import ProcessOptions
from ivr.speech.base import SpeechBusy, SpeechError, SpeechTimeout, Transcript
from ivr.speech.fallback import FallbackSTT
from ivr.speech.local_engine import LocalEngine
from tests.process.handlers import BROKEN, TOY


def engine(target: str = TOY, *, host: Path | None = None, **options: float) -> LocalEngine:
    settings = ProcessOptions(host=host, **{"timeout_s": 5.0, **options})  # type: ignore[arg-type]
    return LocalEngine("toy", target, {}, settings)


class Spare:
    name = "spare"

    async def start(self) -> None: ...

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return Transcript("by the spare", 1.0, self.name)

    async def aclose(self) -> None: ...


class Shared(Spare):
    name = "toy"

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        await self.engine.call({"do": "echo"}, pcm16)
        return Transcript("by the host", 1.0, self.name)


async def test_a_full_queue_is_busy_for_every_client_and_the_fallback_takes_over(tmp_path: Path) -> None:
    host = ProcessHost(tmp_path / "engines")
    await host.open()
    one, other = (engine(host=tmp_path / "engines", queue_size=2) for _ in range(2))
    await one.start()
    await other.start()
    (process,) = host._processes.values()
    stt = FallbackSTT([Shared(other), Spare()])
    asked = []
    for queued in range(3):  # one in hand, two waiting
        asked.append(asyncio.create_task(one.call({"do": "work", "seconds": 0.3})))
        while process._current is None or len(process._queue) != queued:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    with pytest.raises(SpeechBusy, match="toy: 2 requests are waiting"):
        await other.call({"do": "echo"})
    assert (await stt.transcribe(b"", 16000)).text == "by the spare"
    await asyncio.gather(*asked)
    assert (await stt.transcribe(b"", 16000)).text == "by the host", "a busy engine is not marked down"
    await one.aclose()
    await other.aclose()
    await host.aclose()


async def test_errors_of_the_process_are_speech_errors_with_the_engine_in_front() -> None:
    toy = engine(timeout_s=0.5)
    await toy.start()
    with pytest.raises(SpeechError, match=r"^toy: ValueError: not this one$") as failed:
        await toy.call({"do": "raise"})
    assert failed.value.engine == "toy"
    with pytest.raises(SpeechTimeout, match=r"^toy: no answer within 0.1 s$"):
        await toy.call({"do": "work", "seconds": 0.3}, within_s=0.1)
    with pytest.raises(SpeechError, match="ValueError"):
        async for _ in toy.run({"do": "raise"}):
            pass
    await toy.aclose()
    with pytest.raises(SpeechError, match="has been closed"):
        await toy.call({"do": "echo"})
    with pytest.raises(SpeechError, match="the model is a potato"):
        await engine(BROKEN).start()
