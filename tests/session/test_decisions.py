"""Decisions: one line each, and what subscribers may and may not do."""

import json
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.session.decisions import STAGES, Decision, Decisions
from tests.session.conftest import Make
from tests.session.engines import LetterTTS, ScriptSTT, feed, feed_silence
from tests.session.test_voice import LONG, settle

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
names = st.text(min_size=1).filter(lambda name: name not in ("at", "stage", "rule"))
details = st.dictionaries(names, plain | st.lists(plain) | st.dictionaries(st.text(), plain))


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    exception = debug


@given(at=st.integers(), stage=st.sampled_from(sorted(STAGES)), rule=st.text(), details=details)
def test_a_decision_survives_its_line(at: int, stage: str, rule: str, details: dict[str, Any]) -> None:
    decision = Decision(at, stage, rule, details)
    line = decision.to_json()
    assert "\n" not in line
    assert Decision.from_json(line) == decision


def test_numbers_of_numpy_become_plain() -> None:
    line = Decision(1, "stop", details={"probability": np.float32(0.5), "onset": np.int64(7)}).to_json()
    assert json.loads(line) == {"at": 1, "stage": "stop", "probability": 0.5, "onset": 7}


@pytest.mark.parametrize(
    "line", ["", "[]", "{", "1", '{"at": 1}', '{"at": "1", "stage": "stop"}', '{"at": true, "stage": "stop"}']
)
def test_what_is_no_decision_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        Decision.from_json(line)


def test_each_is_logged_flat_and_delivered() -> None:
    log = Log()
    decisions = Decisions(log)
    received: list[Decision] = []
    unsubscribe = decisions.subscribe(received.append)
    made = decisions.note(3200, "ignore", "backchannel", words="uh-huh", probability=0.9)
    fields = {"at": 3200, "stage": "ignore", "rule": "backchannel", "words": "uh-huh", "probability": 0.9}
    assert log.lines == [("turn_taking", fields)]
    assert received == [made]
    unsubscribe()
    unsubscribe()
    decisions.note(1, "duck")
    assert received == [made]


def test_a_subscriber_that_raises_is_dropped_and_the_others_continue() -> None:
    log = Log()
    decisions = Decisions(log)
    calls: list[str] = []
    received: list[Decision] = []

    def broken(decision: Decision) -> None:
        calls.append(decision.stage)
        raise RuntimeError("no")

    decisions.subscribe(broken)
    decisions.subscribe(received.append)
    decisions.note(1, "duck")
    decisions.note(2, "restore")
    assert calls == ["duck"]
    assert [each.stage for each in received] == ["duck", "restore"]
    assert [event for event, _ in log.lines].count("decision_subscriber_failed") == 1


def test_two_threads_may_note_at_once() -> None:
    decisions = Decisions(Log())
    received: list[int] = []
    decisions.subscribe(lambda decision: received.append(decision.at))
    threads = [
        threading.Thread(target=lambda base=base: [decisions.note(base + i, "duck") for i in range(500)])
        for base in (0, 1000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(received) == [*range(500), *range(1000, 1500)]


async def test_a_conversation_reports_its_decisions(
    make: Make, sentence: np.ndarray, stt: ScriptSTT, tts: LetterTTS
) -> None:
    session = make()
    received: list[Decision] = []
    session.on_decision(received.append)
    async with session:
        await session.say(LONG)
        await feed(session, np.zeros(4000, np.int16))
        await feed(session, sentence)
        await feed_silence(session, 700)
        await settle()
        assert (await session.listen()).text == "hello there"
        session.process_dtmf("5")
        assert (await session.listen()).text == "5"
    of = {stage: [d for d in received if d.stage == stage] for stage in STAGES}
    assert {d.stage for d in received} <= STAGES.keys()
    (started,), (stop,), (ended,) = of["say_started"], of["stop"], of["say_ended"]
    assert started.details["text"].split() == LONG.split()[: len(started.details["text"].split())]
    assert started.details["prompt"] == stop.details["prompt"] == ended.details["prompt"]
    assert stop.rule == "speech" and stop.at == of["speech_began"][0].at > 8000
    assert ended.details["interrupted"] and LONG.startswith(ended.details["heard_text"])
    (turn,), (transcript,) = of["turn_ended"], of["transcript"]
    assert turn.details["onset"] == transcript.details["onset"] == of["speech_began"][0].details["onset"]
    assert transcript.details["text"] == "hello there" and of["dtmf"][0].details["digit"] == "5"
    assert [d.details["name"] for d in of["state"]][:2] == ["listening", "processing"]
    assert [Decision.from_json(d.to_json()) for d in received] == received
