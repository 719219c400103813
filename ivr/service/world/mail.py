"""Mail by SMTP: ``Mail`` of the plans' world."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from pathlib import Path

from ivr.service.world.options import MailOptions
from ivr.text import decode_text

_PORTS = {"none": 25, "starttls": 587, "tls": 465}


class SmtpMail:
    """Hands each message over in a thread: ``smtplib`` waits."""

    def __init__(self, options: MailOptions) -> None:
        """``options`` with a ``host``."""
        self._options = options

    async def send(self, message: EmailMessage) -> None:
        """Raises OSError (as SMTPException is) when it could not be handed over. From, Date and Message-ID
        are added where they are missing.
        """
        if "From" not in message:
            message["From"] = self._options.sender
        if "Date" not in message:
            message["Date"] = localtime()
        if "Message-ID" not in message:
            message["Message-ID"] = make_msgid(domain=self._options.sender.partition("@")[2] or None)
        await asyncio.to_thread(self._hand_over, message)

    def _hand_over(self, message: EmailMessage) -> None:
        options = self._options
        host, port = options.host or "", options.port or _PORTS[options.tls]
        password = self._password()
        if options.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=options.timeout_s, context=self._trust()
            )
        else:
            server = smtplib.SMTP(host, port, timeout=options.timeout_s)
        with server:
            if options.tls == "starttls":
                server.starttls(context=self._trust())
            if options.user is not None:
                server.login(options.user, password)
            server.send_message(message)

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._options.ca_file)

    def _password(self) -> str:
        if self._options.password is not None:
            return self._options.password
        if self._options.password_file is None:
            return ""
        path = Path(self._options.password_file).expanduser()
        return decode_text(path.read_bytes()).split("\n", 1)[0].strip()
