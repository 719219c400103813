"""A registrar over TLS (RFC 3261, 10.3 and 26.3.2), and whoever is called there: one certificate, any number
of connections, no digest.
"""

import contextlib
import queue
import socket
import ssl
import threading
from pathlib import Path

from tests.caller import message as sip
from tests.caller.authority import Issued
from tests.caller.message import Message


class TlsRegistrar:
    """Accepts every REGISTER on a port of its own; other requests are kept. Use as a context manager."""

    def __init__(self, identity: Issued, client_authority: Path | None = None) -> None:
        """Listen; with ``client_authority`` who connects must show a certificate signed by it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        if client_authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.port = int(self._listener.getsockname()[1])
        self.registered: list[Message] = []
        self.connections = 0
        self.refused: list[str] = []
        """Handshakes that failed, in OpenSSL's words."""
        self.responses: queue.Queue[Message] = queue.Queue()
        """Answers to what was sent."""
        self.requests: queue.Queue[Message] = queue.Queue()
        """All requests but REGISTER, to be answered with ``send``."""
        self.shown: list[object] = []
        """The client's certificate on each connection."""
        self._links: list[ssl.SSLSocket] = []
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "TlsRegistrar":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        for link in self._links:
            with contextlib.suppress(OSError):
                link.close()
        for thread in self._threads:
            thread.join(2)
        self._listener.close()

    def wait(self, count: int, timeout: float = 10.0) -> Message:
        """The ``count``-th REGISTER."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.registered) >= count, timeout):
                raise TimeoutError(f"{len(self.registered)} registrations instead of {count}: {self.refused}")
            return self.registered[count - 1]

    def send(self, message: Message) -> None:
        """Send on the latest connection, as a PBX does with a call for who registered over it."""
        self._links[-1].sendall(message.encode())

    def _accept(self) -> None:
        while not self._closed:
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            plain.settimeout(5)
            link = self._context.wrap_socket(plain, server_side=True)
        except OSError as error:
            self.refused.append(str(error))
            plain.close()
            return
        self.shown.append(link.getpeercert())
        self._links.append(link)
        link.settimeout(0.2)
        data = b""
        while not self._closed:
            try:
                more = link.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not more:
                return
            message, data = sip.first_of(data + more)
            while message is not None:
                self._on_message(link, message)
                message, data = sip.first_of(data)

    def _on_message(self, link: ssl.SSLSocket, message: Message) -> None:
        if message.status:
            self.responses.put(message)
            return
        if message.method != "REGISTER":
            self.requests.put(message)
            return
        response = sip.respond(message, 200, "OK", sip.token())
        contact = message.get("Contact")
        expires = message.get("Expires") or "300"
        response.headers += [("Contact", f"<{sip.uri_of(contact)}>;expires={expires}"), ("Expires", expires)]
        link.sendall(response.encode())
        with self._changed:
            self.registered.append(message)
            self._changed.notify_all()
