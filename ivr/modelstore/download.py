"""One file over HTTP, continued where it broke off (RFC 9110, 14: Range and If-Range)."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ivr.modelstore.errors import ModelError

TIMEOUT_S = 30.0
TRIES = 5
"""Attempts in a row that may bring nothing; one that brings bytes starts the count again."""
BLOCK = 1 << 16


class _Retry(Exception):
    """This attempt failed in a way that another may not."""


def download(
    url: str,
    target: Path,
    size: int,
    *,
    on_position: Callable[[int], None] | None = None,
    pause_s: float = 1.0,
) -> None:
    """Bring ``url`` into the file ``target``, which may hold the beginning already.

    ``size`` is the length in bytes that is expected; more is refused. The server's ETag is kept in
    ``<target>.etag`` so that a file that changed in between is downloaded from its beginning. ``on_position``
    is called with the number of bytes that are there. Raises ModelError; what has arrived stays for the next
    run."""
    failures = 0
    while True:
        have = target.stat().st_size if target.exists() else 0
        if have == size:
            _etag_file(target).unlink(missing_ok=True)
            return
        if have > size:
            _discard(target)
            have = 0
        if on_position:
            on_position(have)
        try:
            _attempt(url, target, have, size, on_position)
            reason = "the connection was closed early"
        except _Retry as error:
            reason = str(error)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:  # what we hold is not the beginning of what is there now
                    _discard(target)
                elif error.code not in (408, 425, 429) and error.code < 500:
                    raise ModelError(f"{url}: HTTP {error.code} {error.reason}") from error
                reason = f"HTTP {error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise ModelError(f"{error.filename}: {error.strerror}") from error
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        now = target.stat().st_size if target.exists() else 0
        if now == size:
            continue
        failures = 1 if now > have else failures + 1
        if failures >= TRIES:
            raise ModelError(
                f"{url}: {reason}; {now} of {size} bytes are kept, run the command again to go on from there"
            )
        time.sleep(pause_s * failures)


def _attempt(url: str, target: Path, have: int, size: int, on_position: Callable[[int], None] | None) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "ivr", "Accept-Encoding": "identity"})
    etag_file = _etag_file(target)
    if have:
        request.add_header("Range", f"bytes={have}-")
        if etag_file.exists():
            request.add_header("If-Range", etag_file.read_text())
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        if response.status == 206:
            if not str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                _discard(target)
                raise _Retry("the server sent another range than the one asked for")
        else:
            have = 0  # the server knows no ranges, or the file has changed
        etag = response.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            etag_file.write_text(etag)
        else:
            etag_file.unlink(missing_ok=True)
        with target.open("ab" if have else "wb") as out:
            while block := response.read(BLOCK):
                have += len(block)
                if have > size:
                    _discard(target)
                    raise ModelError(f"{url}: longer than the {size} bytes the manifest names; refused")
                out.write(block)
                if on_position:
                    on_position(have)


def _etag_file(target: Path) -> Path:
    return target.with_name(target.name + ".etag")


def _discard(target: Path) -> None:
    target.unlink(missing_ok=True)
    _etag_file(target).unlink(missing_ok=True)
