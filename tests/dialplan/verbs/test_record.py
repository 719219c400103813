"""record: what is kept of the caller's sound, what ends it, what is saved, and where it is delivered."""

import asyncio
import json
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ivr.audio.tones import beep
from ivr.dialplan import PlanError, World
from ivr.dialplan.verbs.record import DELETED_TEXT, REVIEW_TEXT
from ivr.service.world.http_client import HttpClient
from ivr.service.world.mail import SmtpMail
from ivr.service.world.options import HttpOptions, MailOptions
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan
from tests.vad.sounds import prompt

SPOKEN = prompt("vm-goodbye").tobytes()
NOW = datetime(2031, 5, 4, 10, 20, 30, tzinfo=UTC)


def phone(folder: Path, fields: str = "", more: str = "", **world: Any) -> Phone:
    """A call of a plan that records, at a fixed time."""
    steps = f"a:\n  - record: {{{fields}}}\n  - hangup: '{{{{ message.seconds if message else 0 }}}}'\n{more}"
    return Phone(plan(folder, steps), world=World(now=lambda: NOW, files=folder / "left", **world))


def kept(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The only message: its PCM16, and its JSON file."""
    (about,) = (folder / "left" / "plan").glob("*.json")
    known = json.loads(about.read_text(encoding="utf-8"))
    with wave.open(str(about.with_suffix(".wav"))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        return sound.readframes(sound.getnframes()), known


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "left").rglob("*") if path.is_file())


async def test_what_was_said_after_the_beep_is_kept_sample_by_sample(tmp_path: Path) -> None:
    async with phone(tmp_path, "prompt: After the tone., silence_end: 2s") as call:
        await call.hears("After the tone.")
        await call.silence(0.3 + 0.35 + 0.2)
        assert beep() in call.player.played
        await call.says("no engine hears it", pause=0)
        assert (await call.ends()).startswith("1.")
        sound, known = kept(tmp_path)
    # The caller's own sound, whole and in place, and nothing of the beep.
    begin = sound.find(SPOKEN[:3200])
    assert begin >= 0 and begin % 2 == 0
    size = min(len(SPOKEN), len(sound) - begin)
    assert sound[begin : begin + size] == SPOKEN[:size] and size > 0.85 * len(SPOKEN)
    assert not np.frombuffer(sound[:begin], np.int16).any()
    assert call.stt.texts == ["no engine hears it"]  # nobody transcribed it
    assert known["plan"] == "plan" and known["call"] == "phone" and known["ended_by"] == "silence"
    assert known["time"] == "2031-05-04T10:20:30+00:00"
    assert known["seconds"] == pytest.approx(len(sound) / 16000, abs=0.01)


async def test_silence_is_counted_from_the_last_word(tmp_path: Path) -> None:
    async with phone(tmp_path, "beep: false, silence_end: 3s") as call:
        await call.silence(0.2)
        await call.says("one", pause=2)
        await call.says("two", pause=0)
        began = call.clock
        await call.ends()
        assert 2.5 <= call.clock - began <= 3.2
        assert len(kept(tmp_path)[0]) > 2 * len(SPOKEN) + 2 * 16000


async def test_a_message_may_be_so_long(tmp_path: Path) -> None:
    async with phone(tmp_path, "beep: false, max_length: 3s") as call:
        for _ in range(4):
            await call.says("on and on", pause=0)
        assert await call.ends() == "3.0"
        assert kept(tmp_path)[1]["ended_by"] == "length"


@pytest.mark.parametrize(("keys", "key", "ends"), [("", "5", True), ('finish_on_key: "#", ', "5", False)])
async def test_keys_end_it(keys: str, key: str, ends: bool, tmp_path: Path) -> None:
    async with phone(tmp_path, f"{keys}beep: false, silence_end: 10s") as call:
        await call.says("a message", pause=0.5)
        await call.presses(key)
        await call.silence(0.1)
        assert call.task.done() == ends
        await call.presses("#")
        await call.ends(within=1)
        assert kept(tmp_path)[1]["ended_by"] == "key"


@pytest.mark.parametrize("how", ["silence", "key"])
async def test_nothing_said_is_no_message(how: str, tmp_path: Path) -> None:
    async with phone(tmp_path, "empty: b", "b:\n  - hangup: nothing\n") as call:
        await call.silence(1)
        if how == "key":
            await call.presses("#")
        assert await call.ends(within=6) == "nothing" and files(tmp_path) == []


REVIEW = "beep: false, silence_end: 1s, review: true, deleted: b"
AFTER = "b:\n  - hangup: gone\n"


@pytest.mark.parametrize(
    ("answers", "reason", "messages"),
    [
        (["1"], "1.", 1),
        (["send it please"], "1.", 1),
        (["4"], "gone", 0),
        (["delete it"], "gone", 0),
        (["7", "1"], "1.", 1),
        (["2", "1"], "1.", 1),
    ],
)
async def test_the_caller_decides(answers: list[str], reason: str, messages: int, tmp_path: Path) -> None:
    async with phone(tmp_path, REVIEW, AFTER) as call:
        await call.says("a message", pause=0)
        call.stt.texts.clear()
        for answer in answers:
            await call.hears(REVIEW_TEXT)
            await call.silence(3)
            if answer.isdigit():
                await call.presses(answer)
            else:
                await call.says(answer)
        assert (await call.ends()).startswith(reason)
        assert len(files(tmp_path)) == 2 * messages
        if answers[0] == "2":
            assert SPOKEN[3200:9600] in call.player.played  # it was heard
        if reason == "gone":
            assert call.tts.spoken[-1] == DELETED_TEXT


async def test_it_is_recorded_again(tmp_path: Path) -> None:
    async with phone(tmp_path, REVIEW, AFTER) as call:
        await call.says("first", pause=0)
        await call.hears(REVIEW_TEXT)
        await call.presses("3")
        await call.silence(0.1)
        for _ in range(2):
            await call.says("second, twice as long", pause=0)
        await call.hears(REVIEW_TEXT)
        await call.presses("1")
        await call.ends()
        assert len(kept(tmp_path)[0]) > 1.8 * len(SPOKEN)


async def test_who_decides_nothing_has_left_a_message(tmp_path: Path) -> None:
    async with phone(tmp_path, REVIEW, AFTER) as call:
        await call.says("a message", pause=0)
        assert (await call.ends()).startswith("1.") and len(files(tmp_path)) == 2
        assert call.tts.spoken == [REVIEW_TEXT] * 3


@pytest.mark.parametrize("when", ["speaking", "reviewing", "before"])
async def test_who_hangs_up_has_left_what_they_said(when: str, tmp_path: Path) -> None:
    async with phone(tmp_path, "beep: false, review: true") as call:
        if when == "before":
            await call.silence(0.5)
        else:
            await call.says("a message", pause=0.1)
            await call.says("of two sentences", pause=0)
        if when == "reviewing":
            await call.hears(REVIEW_TEXT)
        await call.session.stop()
        assert await asyncio.wait_for(call.task, 5) == "caller_hangup"
        if when == "before":
            assert files(tmp_path) == []
            return
        sound, known = kept(tmp_path)
        assert known["ended_by"] == "hangup" and sound.count(SPOKEN[3200:9600]) == 2


FAILED = "b:\n  - hangup: '{{ error.event }}'\n"


async def test_where_nothing_can_be_written_the_plan_goes_another_way(tmp_path: Path) -> None:
    (tmp_path / "left").write_text("a file is in the way", encoding="ascii")
    async with phone(
        tmp_path, "prompt: Speak., on_error: b", "b:\n  - hangup: '{{ error.event }}'\n"
    ) as call:
        assert await call.ends() == "not_written"
        assert call.tts.spoken == []  # known before the caller has spoken


async def test_a_disk_that_is_full_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    fields = "beep: false, silence_end: 1s, on_error: b"
    async with phone(tmp_path, fields, "b:\n  - hangup: '{{ error.message }}'\n") as call:
        await call.says("a message", pause=0)
        assert (await call.ends()).endswith("No space left on device")
        assert files(tmp_path) == []


async def test_no_folder_is_no_recording(tmp_path: Path) -> None:
    steps = "a:\n  - record: {on_error: b}\nb:\n  - hangup: '{{ error.message }}'\n"
    async with Phone(plan(tmp_path, steps)) as call:
        assert "set files.folder" in await call.ends()


# -- delivery


@contextmanager
def back_end(status: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server that takes posts: its URL, and (content type, body) of each."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/left", got
        server.shutdown()


@pytest.mark.parametrize(("status", "delivered"), [(204, "True"), (500, "False")])
async def test_a_back_end_is_reported(status: int, delivered: str, tmp_path: Path) -> None:
    with back_end(status) as (url, got):
        fields = f"beep: false, silence_end: 1s, hook: '{url}?call={{{{ call.id }}}}', into: left"
        steps = f"a:\n  - record: {{{fields}}}\n  - hangup: '{{{{ left.delivered }}}}'\n"
        client = HttpClient(HttpOptions())
        world = World(now=lambda: NOW, files=tmp_path / "left", http=client)
        async with Phone(plan(tmp_path, steps), world=world) as call:
            await call.says("a message", pause=0)
            assert await call.ends() == delivered
        await client.aclose()
    ((kind, body),) = got
    letter = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=policy.default)
    about, audio = letter.iter_parts()
    sound, known = kept(tmp_path)  # also when the delivery failed
    assert json.loads(about.get_content()) == known
    assert audio.get_filename() == known["file"] and audio.get_content()[44:] == sound
    assert len(call.logged("hook_failed")) == (0 if status == 204 else 1)


def letters(port: int) -> SmtpMail:
    return SmtpMail(MailOptions(host="127.0.0.1", port=port, tls="none", timeout_s=5))


@contextmanager
def mail_server() -> Iterator[tuple[int, list[bytes]]]:
    """Takes every letter (RFC 5321)."""
    got: list[bytes] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go\r\n")
                    lines = []
                    while (text := self.rfile.readline()) != b".\r\n":
                        lines.append(text.removeprefix(b"."))
                    got.append(b"".join(lines))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got
        server.shutdown()


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_it_is_mailed_also_when_the_caller_has_left(hangs_up: bool, tmp_path: Path) -> None:
    fields = (
        "beep: false, silence_end: 1s, hook: {mail: {to: desk@example.org, from: ivr@example.org, "
        "subject: 'A message for {{ call.id }}'}}"
    )
    with mail_server() as (port, got):
        async with phone(tmp_path, fields, mail=letters(port)) as call:
            await call.says("a message", pause=0.1)
            await call.says("of two sentences", pause=0)
            if hangs_up:
                await call.session.stop()
                await asyncio.wait_for(call.task, 5)
            else:
                await call.ends()
    letter = message_from_bytes(got[0], policy=policy.default)
    assert letter["Subject"] == "A message for phone" and letter["To"] == "desk@example.org"
    (audio,) = letter.iter_attachments()
    assert audio.get_content()[44:] == kept(tmp_path)[0] and audio.get_content_type() == "audio/wav"
    assert "an unknown number left a message" in letter.get_body().get_content()


async def test_a_mail_server_that_is_down_troubles_nobody(tmp_path: Path) -> None:
    fields = "beep: false, silence_end: 1s, hook: {mail: {to: desk@example.org, from: a@example.org}}"
    async with phone(tmp_path, fields, mail=letters(1)) as call:
        await call.says("a message", pause=0)
        assert (await call.ends()).startswith("1.") and len(files(tmp_path)) == 2
        assert call.logged("hook_failed")[0]["failure"] == "hook_failed"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("max_length: 1h", "15m"),
        ("hook: {}", "a hook needs a 'url' or a 'mail'"),
        ("finish_on_key: x", "keys"),
        ("into: call", "cannot be set"),
        ("review: {press: 1}", "press"),
    ],
)
def test_what_cannot_be_is_refused(fields: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=message):
        plan(tmp_path, f"a:\n  - record: {{{fields}}}\n")


def test_what_it_sets_and_says_is_known(tmp_path: Path) -> None:
    loaded = plan(tmp_path, "a:\n  - record:\n  - record: {into: x, review: true, finish_on_key: none}\n")
    first, second = (placed.verb for placed in loaded.steps["a"].verbs)
    assert (list(first.sets()), list(second.sets())) == (["message"], ["x"])
    assert REVIEW_TEXT in loaded.prompts() and not first.after_hangup
