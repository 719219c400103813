"""Recorded messages: a WAV file and a JSON file on disk, and their delivery by HTTP or mail."""

import asyncio
import dataclasses
import os
import secrets
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE
from ivr.audio.wav import encode_wav
from ivr.dialplan.runtime.world import HttpFailed, HttpRequest, World
from ivr.dialplan.source.errors import VerbFailed
from ivr.text import clean_text, file_name, header_text, json_text

NO_FOLDER = "no folder for recordings is set: set files.folder in the settings"


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One recording, on disk."""

    file: Path
    about: dict[str, Any]
    """The content of its JSON file."""
    wav: bytes = dataclasses.field(repr=False)


def message_folder(world: World, plan: str) -> Path:
    """Return the folder of a plan's messages, created where it is missing. Raises VerbFailed when nothing
    can be written there, which must be known before the caller speaks.
    """
    if world.files is None:
        raise VerbFailed("not_configured", NO_FOLDER)
    folder = world.files / file_name(plan, "plan")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VerbFailed("not_written", f"{folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise VerbFailed("not_written", f"{folder}: it cannot be written to")
    return folder


async def save_message(folder: Path, pcm16: bytes, now: datetime, about: dict[str, Any]) -> Message:
    """Write PCM16 at 8 kHz and its metadata. Raises VerbFailed, and leaves no partial file."""
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    file = folder / f"{name}.wav"
    known = {
        "file": file.name,
        "time": now.isoformat(timespec="seconds"),
        "seconds": round(len(pcm16) / BYTES_PER_SAMPLE / LINE_RATE, 2),
        **about,
    }
    wav = encode_wav(pcm16, LINE_RATE)
    try:
        await asyncio.to_thread(_write, file, wav, known)
    except OSError as error:
        raise VerbFailed("not_written", f"{file}: {error.strerror}") from None
    return Message(file, known, wav)


def _write(file: Path, wav: bytes, about: dict[str, Any]) -> None:
    """Write the JSON file last, so that its sound is complete when it appears. Mode 0600."""
    text = json_text(about, indent=2).encode() + b"\n"
    written: list[Path] = []
    try:
        for path, data in ((file, wav), (file.with_suffix(".json"), text)):
            part = path.with_name(path.name + ".part")
            written.append(part)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            part.replace(path)
            written.append(path)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


async def post(world: World, url: str, headers: dict[str, str], message: Message, timeout_s: float) -> None:
    """Encode as ``multipart/form-data`` (RFC 7578): ``message`` is the JSON, ``audio`` the WAV file. Raises
    VerbFailed.
    """
    if world.http is None:
        raise VerbFailed("not_configured", "HTTP is not configured")
    boundary = f"ivr-{secrets.token_hex(12)}"
    parts = (
        ('name="message"', "application/json", json_text(message.about).encode()),
        (f'name="audio"; filename="{message.file.name}"', "audio/wav", message.wav),
    )
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {what}\r\nContent-Type: {kind}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for what, kind, data in parts
    )
    body += f"--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    sent = {name: header_text(value) for name, value in headers.items()}
    try:
        reply = await world.http.send(HttpRequest("POST", url, {**sent, **kind}, body, timeout_s))
    except HttpFailed as error:
        raise VerbFailed("hook_failed", str(error)) from None
    if not 200 <= reply.status < 300:
        raise VerbFailed("hook_failed", f"the hook answered {reply.status}")


async def mail(world: World, headers: dict[str, str], text: str, message: Message) -> None:
    """Build a mail with the WAV file attached. ``headers`` are To, Subject and perhaps From. Raises
    VerbFailed.
    """
    if world.mail is None:
        raise VerbFailed("not_configured", "no mail server is set")
    letter = EmailMessage()
    try:
        for name, value in headers.items():
            letter[name] = header_text(value)
    except Exception as error:  # the parser of addresses raises what it likes
        raise VerbFailed("bad_value", f"{name}: {type(error).__name__}: {error}") from None
    letter.set_content(clean_text(text, lines=True))
    letter.add_attachment(message.wav, maintype="audio", subtype="wav", filename=message.file.name)
    try:
        await world.mail.send(letter)
    except (OSError, ValueError) as error:  # ValueError: an address that SMTP cannot carry
        raise VerbFailed("hook_failed", f"the message could not be mailed: {error}") from None
