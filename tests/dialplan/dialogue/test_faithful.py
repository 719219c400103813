"""A call in memory takes the course that it takes with real sound and the real detector: the same dialogues
on both, their journals compared.
"""

import asyncio
from pathlib import Path

import pytest

from ivr.dialplan.dialogue.events import SHOWN, CallEvent
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import DialogueFile
from ivr.dialplan.dialogue.runner import DialogueRunner, Outcome
from ivr.lab.dialogues.speech import SpeechCall
from ivr.session import SessionConfig
from ivr.session.scripted.engines import ScriptedTts
from ivr.speech.base import Transcript
from tests.dialplan.dialogues import dialogues
from tests.dialplan.phone import silero
from tests.vad.sounds import loud_from, loud_until, prompt

STORY = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
PLAN = f"""
a:
  - gather: &ask
      prompt: {STORY}
      timeout: 3s
      choices:
        sales: {{say: sales, press: 1, goto: sales}}
        long: {{say: sales department, press: 12, goto: long}}
        "yes": {{say: [yes, right], press: 2}}
      noinput: {{say: Hello?, tries: 1, goto: bye}}
      nomatch: {{say: What?, tries: 1, goto: bye}}
  - gather: {{prompt: And now?, timeout: 3s, choices: {{x: {{say: tea, press: 3, goto: bye}}}}}}
sales:
  - say: You have reached the sales desk here.
long:
  - say: This is the whole department.
bye:
  - say: Goodbye then, and thank you.
"""
SAID = "{text: sales, lasts: 0.8s}"
DIALOGUES = {
    "an answer": f"- says: {SAID}\n- hung_up\n",
    "an answer that may go on": "- says: {text: sales department, lasts: 0.8s}\n- hung_up\n",
    "no answer": "- says: {text: rain and wind, lasts: 0.8s}\n- silent: 1s\n"
    "- says: {text: snow, lasts: 0.8s}\n- hung_up\n",
    "nothing understood": "- silent: 1s\n- plays: {file: me.wav}\n- silent: 1s\n",
    "silence": "- silent\n- silent\n- hung_up\n",
    "keys": "- presses: '12'\n- hung_up\n",
    "a key that may go on": "- presses: '1'\n- hung_up\n",
    "a key over the prompt": "- interrupts: {after: 1s, presses: '1'}\n- hung_up\n",
    "keys ahead": "- interrupts: {after: 1s, presses: '23'}\n- hung_up\n",
    "words over the prompt": "- interrupts: {after: 1.2s, says: {text: yes, lasts: 0.8s}}\n- silent: 0.5s\n",
    "an answer over the prompt": f"- interrupts: {{after: 1s, says: {SAID}}}\n- hung_up\n",
    "a backchannel over the prompt": "- interrupts: {after: 1s, says: {text: uh-huh, lasts: 0.8s}}\n"
    "- silent: 1s\n",
    "an answer late over the prompt": "- interrupts: {after: 4.5s, says: {text: uh-huh, lasts: 0.8s}}\n"
    "- silent: 1s\n",
    "who is gone": "- hears: {contains: One two}\n- hangs_up\n- hung_up\n",
}
YIELDS = {
    "any": "{}",
    "dtmf": "{barge_in: dtmf}",
    "speech": "{barge_in: speech}",
    "none": "{barge_in: none}",
    "protect": "{protect: 3s, protect_dtmf: 3s}",
    "protect a little": "{protect: 1.3s}",
    "words": "{min_words: 1}",
    "two words": "{min_words: 2}",
    "hotword": "{hotword: [yes]}",
    "answers": "{hotword: true}",
    "much speech": "{min_speech: 500ms}",
    "for good": "{false_interruption_timeout: 0s}",
    "late": "{false_interruption_timeout: 400ms}",
    "backchannels": "{backchannels: false}",
}
"""How the prompts yield."""
CLOSE_S = 0.45
"""Seconds between the same thing in both: the detector hears speech begin and end a little differently."""


class Recogniser:
    """Understands what the dialogue says, turn by turn."""

    name = "script"

    def __init__(self) -> None:
        self.text = ""

    async def start(self) -> None: ...

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return Transcript(self.text, 1.0, self.name)

    async def aclose(self) -> None: ...


async def with_sound(file: DialogueFile, folder: Path) -> Outcome:
    """The first dialogue with recorded speech and Silero."""
    sound = prompt("vm-goodbye")
    pcm = sound[loud_from(sound) : loud_until(sound)].tobytes()
    stt = Recogniser()

    async def voice(text: str) -> bytes:
        stt.text = text
        return pcm

    parts = {"stt": stt, "tts": ScriptedTts(), "vad": silero()}
    async with SpeechCall(file.plan, file.dialogues[0], folder, voice, SessionConfig(), **parts) as call:
        return await DialogueRunner(file.dialogues[0], call, file.sounds).run()


def shown(outcome: Outcome) -> list[tuple[str, str]]:
    return [(entry.kind, entry.text) for entry in reported(outcome) if entry.kind != "cut"]


def reported(outcome: Outcome) -> list[CallEvent]:
    return [entry for entry in outcome.events if entry.kind in SHOWN]


@pytest.mark.parametrize("yields", YIELDS.values(), ids=YIELDS)
async def test_both_take_the_same_course(yields: str, tmp_path: Path) -> None:
    from ivr.audio.wav import encode_wav

    sound = prompt("vm-goodbye")
    (tmp_path / "me.wav").write_bytes(encode_wav(sound.tobytes(), 8000))
    for name, turns in DIALOGUES.items():
        if yields != "{}" and "over" not in name and "ahead" not in name:
            continue  # nothing yields in it
        file = dialogues(tmp_path, PLAN, turns, top=f"defaults: {yields}")
        real = await with_sound(file, tmp_path)
        (quick,) = await asyncio.to_thread(run_in_memory, file)
        assert shown(quick) == shown(real), f"{name}: {quick.failure} / {real.failure}"
        assert (quick.failure and quick.failure.line) == (real.failure and real.failure.line), name
        for one, other in zip(reported(quick), reported(real), strict=True):
            assert one.at == pytest.approx(other.at, abs=CLOSE_S), f"{name}: {one} / {other}"
            if one.kind == "cut":
                apart = abs(len(one.text.split()) - len(other.text.split()))
                assert apart <= 1, f"{name}: {one} / {other}"
