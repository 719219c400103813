"""Digest authentication (RFC 2617, MD5, qop=auth or none) as a registrar checks it and a client makes it."""

import hashlib
import re


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def parse(value: str) -> dict[str, str]:
    """The parameters of an Authorization or WWW-Authenticate header."""
    pairs = re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', value)
    return {name.lower(): quoted or bare for name, quoted, bare in pairs}


def response(params: dict[str, str], method: str, password: str) -> str:
    """The response that proves knowledge of ``password`` for the given parameters."""
    ha1 = _md5(f"{params['username']}:{params['realm']}:{password}")
    ha2 = _md5(f"{method}:{params['uri']}")
    if params.get("qop"):
        return _md5(":".join([ha1, params["nonce"], params["nc"], params["cnonce"], params["qop"], ha2]))
    return _md5(f"{ha1}:{params['nonce']}:{ha2}")


def proves(header: str, method: str, user: str, password: str, nonce: str) -> bool:
    """Whether an Authorization header is right."""
    params = parse(header)
    if not {"username", "realm", "nonce", "uri", "response"} <= params.keys():
        return False
    if params["username"] != user or params["nonce"] != nonce:
        return False
    return response(params, method, password) == params["response"]
