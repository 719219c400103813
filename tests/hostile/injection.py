"""Hostile text through a whole plan: ``python -m tests.hostile.injection --count N --seed S``.

Each round puts payloads (escape sequences, line ends of every kind, parts of paths, braces of templates,
halves of surrogates) into a caller's name and Call-ID, a transcript and a back end's JSON, and reads what
came out: prompts, the request, the transfer, names of files, the log in both formats.
"""

import argparse
import asyncio
import io
import json
import logging
import random
import tempfile
from pathlib import Path

import structlog

from ivr.dialplan import CallFacts, World
from ivr.dialplan.runtime.world import HttpReply, HttpRequest
from ivr.service.logs import configure_logging
from ivr.text import clean_text, file_name
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan

PAYLOADS = (
    "\x1b[31m", "\x1b]0;x\x07", "\x9b2J", "\x00", "\r\n", "\n", "\r", "\u2028", "\u2029", "\x85", "\x0b",
    "\x7f", "../../etc/passwd", "/etc/passwd", "..", "~", "-rf", "x" * 300, "{{ 7*7 }}", "{{ secret }}",
    "{% raw %}", "{#", "<break time='9s'/>", "<say-as interpret-as='digits'>", "\ud83d", "\ude00", "\ufffe",
    "\u202e", '"', "'", "\\", "%0d%0a", "?x=1&y=2", "#", "@evil.example", ";transport=tls", ",", "José",
    "😀", "2026-01-01T00:00:00Z [info] x",
)  # fmt: skip
PLAN = """
a:
  - set: {secret: "'49aa49'"}
  - say: "Hello {{ call.from_name }}."
  - gather:
      prompt: Name?
      input: text
      into: said
      noinput: {tries: 0, goto: b}
      nomatch: {tries: 0, goto: b}
  - goto: b
b:
  - request:
      url: "/c/{{ call.from_name }}"
      query: {q: call.from_name}
      headers: {X-Name: "{{ call.from_name }}"}
      json: {name: call.from_name, said: said | default('')}
      into: {answer: body.name}
      on: {failed: c}
  - goto: c
c:
  - log: "{{ answer | default('') }} {{ call.from_name }}"
  - say: "You are {{ answer | default('nobody') }}."
  - transfer:
      to: "sip:{{ call.from_name }}@pbx.example"
      type: bridged
      caller_id: "sip:{{ call.from_name }}@pbx.example"
      headers: {X-Name: "{{ answer | default('') }}"}
  - hangup: over
"""


class EchoingBackend:
    """Answers every request with JSON that holds ``name``, as a server may write it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        self.requests.append(request)
        headers = {"Content-Type": "application/json", "X-Echo": self._name}
        return HttpReply(200, json.dumps({"name": self._name}).encode(), headers)


def hostile(dice: random.Random) -> str:
    return "".join(dice.choices(PAYLOADS, k=dice.randint(1, 4)))


def check_line(text: str, where: str) -> None:
    """Raise AssertionError for text that is not valid on one line, or was evaluated."""
    assert text.encode().decode() == text == clean_text(text), f"{where}: {text!r}"
    assert "49aa49" not in text and "{{" not in text.replace("{{ 7*7 }}", "").replace("{{ secret }}", ""), (
        where
    )


async def one_round(folder: Path, dice: random.Random) -> None:
    """Run one call, and check each place that text reaches. Raises AssertionError."""
    name, said, answered = hostile(dice), hostile(dice), hostile(dice)
    if clean_text(name) == "..":
        return  # a request refuses it as a part of an address
    backend = EchoingBackend(answered)
    phone = Phone(plan(folder, PLAN), world=World(http=backend, files=folder))
    # The edge of SIP makes a caller's texts clean; this is what it hands over.
    phone.call.facts = CallFacts(id=name, caller="100", caller_name=clean_text(name))
    async with phone:
        await phone.silence(1)
        await phone.says(said)
        assert await phone.ends() == "over", phone.logged("verb_failed")
    assert not phone.logged("verb_failed")
    for text in phone.tts.spoken:
        assert "\ufffd" not in text and "<" not in text
        check_line(text, "prompt")
    for request in backend.requests:
        check_line(request.url, "address")
        assert request.url.isascii() and request.url.startswith("/c/") and request.url.count("/") == 2
        for value in request.headers.values():
            check_line(value, "HTTP header")
        assert json.loads(request.body or b"{}")["name"] == clean_text(name)
    for dial in phone.call.dialled:
        assert all(to.endswith("@pbx.example") and to.count("@") == 1 for to in (*dial.to, dial.caller_id))
        for value in dial.headers.values():
            check_line(value, "SIP header")
    assert Path(file_name(name, "call")).name == file_name(name, "call")
    check_log([name, said, answered])


def check_log(texts: list[str]) -> None:
    """Log the texts as they came, in both formats; no line may have a control character or be forged."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        for kind in ("json", "console"):
            stream = io.StringIO()
            configure_logging(kind, stream=stream)  # type: ignore[arg-type]
            for text in texts:
                structlog.get_logger("ivr.call").bind(call=text).info("heard", text=text, more=[{text: text}])
            written = stream.getvalue()
            assert len(written.splitlines()) == len(texts), (kind, texts)
            assert all(c.isprintable() or c == "\n" for c in written if kind == "console" or ord(c) < 0xA0)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()


async def campaign(count: int, seed: int) -> None:
    """Run ``count`` calls. Raises AssertionError at the first text that passes."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            try:
                await one_round(Path(folder), dice)
            except Exception as error:
                error.add_note(f"seed {seed}, call {number}")
                raise


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(campaign(options.count, options.seed))
    print(f"{options.count} calls, seed {options.seed}: nothing passed")
