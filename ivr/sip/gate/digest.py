"""Digest challenges to trunks that prove a password (RFC 3261, 22; RFC 7616; RFC 8760). Pure.

A challenge keeps no state: its nonce is signed, and holds for one source and one Call-ID for a minute. What
is kept is which counts (``nc``) were used with a nonce, so a proof that was overheard places no second call.
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal

from ivr.sip.gate.raw_message import RawMessage

REALM = "ivr"
NONCE_S = 60
"""Seconds that a challenge may be answered."""
MAX_NONCES = 10_000
"""Nonces whose counts are remembered; the oldest is forgotten."""
_ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}
"""Name in SIP to hashlib's, in the order of preference (RFC 8760, 2.4)."""

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')

Verdict = Literal["right", "missing", "stale", "wrong"]
"""``stale``: the password is right and the nonce too old (RFC 7616, 3.3)."""


class DigestChallenges:
    """Challenges, and judges the answers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` gives monotonic seconds."""
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._used: OrderedDict[str, dict[int, str]] = OrderedDict()
        """Nonce to its counts, each with the branch of the request that had it."""

    def headers(self, source: str, call_id: str, *, stale: bool = False) -> list[tuple[str, str]]:
        """The WWW-Authenticate headers of a 401 to a request from ``source``, one for each algorithm."""
        nonce = self._nonce(int(self._clock()), source, call_id)
        more = ", stale=true" if stale else ""
        return [
            (
                "WWW-Authenticate",
                f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm={name}{more}',
            )
            for name in _ALGORITHMS
        ]

    def judge(self, message: RawMessage, source: str, passwords: Mapping[str, str]) -> tuple[Verdict, str]:
        """Whether a request proves the password of one of the users, and of which one."""
        given = [_parameters(value) for value in message.values("authorization")]
        mine = next((each for each in given if each.get("realm") == REALM), None)
        if mine is None:
            return "missing", ""
        user = mine.get("username", "").encode("latin-1", "replace").decode("utf-8", "replace")
        if user not in passwords or not self._proves(mine, message, passwords[user]):
            return "wrong", user
        if not self._is_fresh(mine.get("nonce", ""), source, message.call_id):
            return "stale", user
        return ("right" if self._is_first(mine, message.branch) else "stale"), user

    def _proves(self, given: Mapping[str, str], message: RawMessage, password: str) -> bool:
        algorithm = _ALGORITHMS.get(given.get("algorithm", "MD5").upper())
        if (
            algorithm is None
            or given.get("qop", "").lower() != "auth"
            or given.get("uri") != message.request_uri
        ):
            return False

        def digest(*parts: str) -> str:
            text = ":".join(parts).encode("latin-1")
            return hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()

        secret = password.encode().decode("latin-1")
        identity = digest(given["username"], REALM, secret)
        request = digest(message.method, given["uri"])
        parts = [given.get(name, "") for name in ("nonce", "nc", "cnonce")]
        wanted = digest(identity, *parts, given["qop"], request)
        return hmac.compare_digest(wanted.encode(), given.get("response", "").lower().encode("latin-1"))

    def _is_fresh(self, nonce: str, source: str, call_id: str) -> bool:
        when, _, _ = nonce.partition("-")
        if not re.fullmatch("[0-9a-f]{1,12}", when):
            return False
        age = self._clock() - int(when, 16)
        return hmac.compare_digest(
            nonce.encode("latin-1", "replace"), self._nonce(int(when, 16), source, call_id).encode()
        ) and (0 <= age <= NONCE_S)

    def _is_first(self, given: Mapping[str, str], branch: str) -> bool:
        """Whether the count is above all before it, or this is the same request once more."""
        text = given.get("nc", "")
        if not re.fullmatch("[0-9a-fA-F]{8}", text):
            return False
        count, used = int(text, 16), self._used.setdefault(given["nonce"], {})
        if len(self._used) > MAX_NONCES:
            self._used.popitem(last=False)
        if count in used:
            return used[count] == branch
        if used and count < max(used):
            return False
        used[count] = branch
        return True

    def _nonce(self, when: int, source: str, call_id: str) -> str:
        text = f"{when}\n{source}\n{call_id}".encode("latin-1", "replace")
        return f"{when:x}-{hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]}"


def _parameters(value: str) -> dict[str, str]:
    kind, _, rest = value.partition(" ")
    if kind.lower() != "digest":
        return {}
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for name, quoted, bare in _PARAMETER.findall(rest)
    }
