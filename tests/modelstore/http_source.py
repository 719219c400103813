"""A real HTTP server on loopback that serves ranges and can be set to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Source:
    """What is served, how, and what was asked for."""

    content: bytes
    cut_after: list[int] = field(default_factory=list)
    """Bytes, for the next requests in turn, after which the connection is cut; then none is."""
    statuses: list[int] = field(default_factory=list)
    """Statuses that answer the next requests in turn, with nothing else."""
    etag: str = '"one"'
    ranges: bool = True
    requests: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Range and If-Range of each request."""
    url: str = ""
    index_page: bytes = b""
    """Answer to every path below /simple/, as a package index has them."""


@contextmanager
def serving(content: bytes) -> Iterator[Source]:
    source = Source(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/simple/"):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(source.index_page)))
                self.end_headers()
                self.wfile.write(source.index_page)
                return
            wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
            source.requests.append((wanted, condition))
            if source.statuses:
                self.send_response(source.statuses.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = 0
            if wanted and source.ranges and condition in (None, source.etag):
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(source.content):
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                total = len(source.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            body = source.content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", source.etag)
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if source.cut_after:
                body = body[: source.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    source.url = f"http://127.0.0.1:{server.server_port}/model.bin"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
