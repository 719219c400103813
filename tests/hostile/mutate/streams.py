"""A TCP connection to the agent on which messages come in pieces, several at once, or broken off."""

import random
import socket


class Stream:
    """One connection; it connects when something is sent, and again when the agent has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._read = b""
        self._connect()

    def _connect(self) -> None:
        self.close()
        opened = socket.create_connection(self._address, 10)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        self._socket = opened
        self.port: int = opened.getsockname()[1]

    def send(self, data: bytes, rng: random.Random) -> None:
        """Write it in one to five pieces. What the agent does not read is given up with the connection."""
        cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 1, 4)))) if data else []
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            try:
                if self._socket is None:
                    self._connect()
                assert self._socket is not None
                self._socket.send(data[begin:end])
            except OSError:
                self.close()
                return

    def receive(self) -> list[bytes]:
        """The whole messages that have come."""
        if self._socket is None:
            return []
        try:
            while piece := self._socket.recv(65_536):
                self._read += piece
            self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
        found = []
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            place = head.rfind(b"content-length:")
            size = int(head[place + 15 :].split(b"\r\n")[0]) if place >= 0 else 0
            if len(self._read) < end + 4 + size:
                break
            found.append(self._read[: end + 4 + size])
            self._read = self._read[end + 4 + size :]
        return found

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._read = b""
