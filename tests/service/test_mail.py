"""Mail, handed to a real SMTP server of the test's."""

import asyncio
import dataclasses
import smtplib
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest

from ivr.service.world.mail import SmtpMail
from ivr.service.world.options import MailOptions
from tests.caller.authority import Authority


class MailServer:
    """Takes one message after the other (RFC 5321). With a certificate over TLS: from the first byte, or
    after STARTTLS (RFC 3207).
    """

    def __init__(self, context: ssl.SSLContext | None = None, *, upgrades: bool = False) -> None:
        self.context, self.upgrades = context, upgrades
        self.commands: list[str] = []
        self.messages: list[str] = []
        self.refuses = False
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", 0, ssl=None if self.upgrades else self.context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            word = line.split()[0].upper()
            if word == "EHLO":
                offered = b"250-STARTTLS\r\n" if self.upgrades else b""
                writer.write(b"250-test\r\n" + offered + b"250 AUTH PLAIN\r\n")
            elif word == "STARTTLS" and self.context is not None:
                writer.write(b"220 go on\r\n")
                await writer.drain()
                await writer.start_tls(self.context)
            elif word == "AUTH":
                writer.write(b"235 welcome\r\n")
            elif word == "RCPT" and self.refuses:
                writer.write(b"550 nobody here\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                self.messages.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    made = MailServer()
    await made.start()
    yield made
    await made.stop()


def message() -> EmailMessage:
    made = EmailMessage()
    made["To"], made["Subject"] = "desk@example.org", "Voicemail"
    made.set_content("Somebody called.")
    return made


async def test_a_message_is_handed_over(server: MailServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter22\n")
    options = MailOptions(
        host="127.0.0.1",
        port=server.port,
        tls="none",
        user="ivr",
        password_file=str(tmp_path / "password"),
        sender="ivr@example.org",
    )
    await SmtpMail(options).send(message())
    (taken,) = server.messages
    assert "Subject: Voicemail" in taken and "Somebody called." in taken
    assert "From: ivr@example.org" in taken and "\nDate: " in taken and "@example.org>" in taken
    assert any(line.startswith("AUTH PLAIN") for line in server.commands)
    assert "hunter22" not in repr(MailOptions(password="hunter22"))


async def test_what_cannot_be_handed_over_is_an_oserror(server: MailServer) -> None:
    server.refuses = True
    with pytest.raises(OSError) as refused:
        await SmtpMail(MailOptions(host="127.0.0.1", port=server.port, tls="none")).send(message())
    assert isinstance(refused.value, smtplib.SMTPRecipientsRefused)
    with pytest.raises(OSError):
        await SmtpMail(MailOptions(host="127.0.0.1", port=1, tls="none")).send(message())
    with pytest.raises(OSError):  # a server that has no STARTTLS is not given anything in the clear
        await SmtpMail(MailOptions(host="127.0.0.1", port=server.port)).send(message())
    assert not server.messages


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_over_tls_to_who_is_trusted(tls: Literal["tls", "starttls"], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("mail", "IP:127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)
    server = MailServer(context, upgrades=tls == "starttls")
    await server.start()
    options = MailOptions(host="127.0.0.1", port=server.port, tls=tls, user="u", password="hunter22")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await SmtpMail(options).send(message())
    assert not server.messages and not any(line.startswith("AUTH") for line in server.commands)
    await SmtpMail(dataclasses.replace(options, ca_file=str(authority.certificate))).send(message())
    assert len(server.messages) == 1
    await server.stop()
