"""Whether a prompt arrived, from what a recogniser wrote of a whole call."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from ivr.dialplan.dialogue.runner import Outcome
from ivr.grammar.matching import normalize
from ivr.lab.dialogues import sip_caller
from ivr.lab.dialogues.sip_caller import HEARD_SHARE, heard_share

CALL = """Welcome to the demo line. You can interrupt me at any time. Say Sales, Billing or Opening Hours, or
press 1, 2 or 3. This is Billing, your last in voice is paid, and nothing is dew. Good bye."""


@pytest.mark.parametrize(
    ("said", "arrived"),
    [
        ("Welcome to the demo line. You can interrupt me at any time.", True),
        ("This is billing. Your last invoice is paid, and nothing is due.", True),
        ("Press one, two or three.", True),
        ("Goodbye.", False),
        ("Good bye.", True),
        ("We are open from nine in the morning to five in the afternoon.", False),
        ("time any at me interrupt can you line demo the", False),
    ],
)
def test_most_of_its_words_in_their_order(said: str, arrived: bool) -> None:
    assert (heard_share(normalize(said), normalize(CALL)) >= HEARD_SHARE) == arrived


def test_nothing_was_heard() -> None:
    assert heard_share(normalize("Hello."), []) == 0 and heard_share([], normalize(CALL)) == 0


async def test_a_dialogue_goes_on_when_its_caller_has_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's end of the call is cancelled then; what the service still reports is waited for."""
    dialogue: Any = SimpleNamespace(facts=SimpleNamespace(called="1", caller=""), turns=(), line=1)

    class Slow:
        heard: tuple[Any, ...] = ()

        def __init__(self, *_: Any) -> None: ...

        async def run(self, limit_s: float) -> Outcome:
            await asyncio.sleep(0.02)
            return Outcome(dialogue, turns=3)

    class Line:
        run_dialogue: Any

        async def dial(self, to: str, caller: str | None) -> Any:
            call = SimpleNamespace(leg=None, session=None, heard=[])
            conversing = asyncio.ensure_future(self.run_dialogue(call))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            conversing.cancel()
            await asyncio.gather(conversing, return_exceptions=True)
            return SimpleNamespace(answered=True)

    dialogue_call = SimpleNamespace(end_reason=None, aclose=AsyncMock())
    monkeypatch.setattr(sip_caller, "SipDialogueCall", lambda *_: dialogue_call)
    monkeypatch.setattr(sip_caller, "DialogueRunner", Slow)
    nothing: Any = SimpleNamespace(recorder=lambda: None, sounds=None)
    callers = sip_caller.DialogueCaller(nothing, nothing, [dialogue], 1, nothing, print)
    line: Any = Line()
    outcome = await callers._call(line, dialogue)
    assert outcome.turns == 3 and outcome.failure is None
    dialogue_call.aclose.assert_awaited_once()
