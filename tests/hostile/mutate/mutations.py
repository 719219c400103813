"""Changes to a SIP message that is well formed: its bytes, its headers. All from a random generator alone."""

import random
from collections.abc import Callable

TOKENS = (
    b"\0",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\r\n ",
    b"%00",
    b"%",
    b"%s%n%x",
    b"<",
    b">",
    b"<<",
    b'"',
    b"\\",
    b"[",
    b"]",
    b"[::1]",
    b"[::ffff:127.0.0.1]",
    b"<sip:[]>",
    b"sip:",
    b"sips:",
    b"tel:+1",
    b"sip:@",
    b";",
    b";;",
    b";=",
    b";tag=",
    b";lr",
    b";maddr=127.0.0.1",
    b";rport=99999",
    b";ttl=999",
    b";transport=tcp",
    b";transport=sctp",
    b";method=BYE",
    b"?",
    b"?a=b",
    b"*",
    b"@",
    b"@@",
    b":",
    b"::",
    b",",
    b",,",
    b"=",
    b"-1",
    b"0",
    b"4294967295",
    b"4294967296",
    b"2147483648",
    b"18446744073709551616",
    b"9" * 40,
    b"A" * 300,
    b"A" * 1400,
    b"(" * 200,
    b'"' * 50,
    b"a=b;" * 60,
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\x1b[31m",
    b"\x7f",
    b"SIP/2.0",
    b"SIP/7.0",
    b"z9hG4bK",
    b"z9hG4bK-;",
    b"127.0.0.1:0",
    b"127.0.0.1:65536",
    b"256.1.1.1",
    b"0.0.0.0",
    b"999999999999",
    b"!",
    b"$",
    b"&",
    b"~",
)

VALUES: dict[str, tuple[str, ...]] = {
    "Require": ("100rel", "timer", "replaces", "nothing-of-this", "100rel, timer", "gruu", "precondition"),
    "Supported": ("100rel", "timer, 100rel, replaces, norefersub", "", "outbound, path", "x" * 500),
    "Proxy-Require": ("foo", "sec-agree"),
    "Session-Expires": (
        "90",
        "90;refresher=uas",
        "90;refresher=uac",
        "1",
        "0",
        "-1",
        "4294967296",
        "",
        "90;;;",
        "x",
    ),
    "Min-SE": ("90", "0", "999999999999", ""),
    "RAck": ("1 1 INVITE", "0 0 INVITE", "99999999999 1 INVITE", "1", "", "1 1 BYE", "1 1 INVITE x"),
    "RSeq": ("1", "0", "4294967296", "x"),
    "Replaces": (
        "x@y;to-tag=1;from-tag=2",
        "x",
        "x;to-tag=1",
        ";to-tag=;from-tag=",
        "x;from-tag=1;to-tag=2;early-only",
    ),
    "Refer-To": (
        "<sip:x@127.0.0.1>",
        "<sip:x@127.0.0.1?Replaces=a%3Bto-tag%3D1>",
        "",
        "*",
        "<sip:[]>",
        "<tel:1>",
    ),
    "Referred-By": ("<sip:x@127.0.0.1>", ""),
    "Refer-Sub": ("false", "true", "x"),
    "Event": (
        "refer",
        "refer;id=1",
        "presence",
        "dialog",
        "message-summary",
        "",
        "talk",
        "refer;id=" + "9" * 300,
    ),
    "Subscription-State": (
        "active",
        "active;expires=60",
        "terminated;reason=noresource",
        "",
        "pending;retry-after=-1",
    ),
    "Authorization": (
        'Digest username="x",realm="y",nonce="z",uri="sip:x",response="00"',
        "Basic eA==",
        "Digest",
        "",
    ),
    "Proxy-Authorization": ('Digest username="x",realm="y"', "x y z"),
    "WWW-Authenticate": (
        'Digest realm="pbx",nonce="n"',
        'Digest realm="pbx",nonce="n",qop="auth"',
        "Digest",
        "Basic realm=x",
        'Digest realm="pbx",nonce="' + "n" * 2000 + '",qop="auth,auth-int",algorithm=SHA-256',
        "",
    ),
    "Proxy-Authenticate": ('Digest realm="pbx",nonce="n",stale=true', 'Digest realm="",nonce=""', "NTLM", ""),
    "Record-Route": (
        "<sip:127.0.0.1;lr>",
        "<sip:127.0.0.1>",
        "<sip:[];lr>",
        "sip:127.0.0.1;lr",
        "<sip:127.0.0.1;lr>, <sip:x>",
    ),
    "Route": ("<sip:127.0.0.1;lr>", "<sip:127.0.0.1>", "<sip:[]>", "<sip:x;lr>,<sip:y;lr>"),
    "Contact": (
        "*",
        "",
        "<sip:x@127.0.0.1>",
        "sip:x@127.0.0.1",
        "<sip:[]>",
        "<tel:1>",
        "<mailto:a@b>",
        "<sips:x@127.0.0.1>",
        "<sip:x@127.0.0.1;transport=tcp>",
        "<sip:x@127.0.0.1:1>",
        "<sip:a@127.0.0.1>,<sip:b@127.0.0.1>",
        '"a"<sip:x@y',
    ),
    "Content-Type": (
        "application/sdp",
        "multipart/mixed;boundary=x",
        "multipart/mixed",
        "text/plain",
        "message/sipfrag",
        "application/dtmf-relay",
        "application/",
        "/",
        "",
        "application/media_control+xml",
        "a/b;c=" + "d" * 300,
    ),
    "Content-Length": ("0", "1", "-1", "99999", "4294967296", "x", "", "18446744073709551616"),
    "Content-Encoding": ("gzip", "identity", ""),
    "Content-Disposition": ("session", "session;handling=required", "render", ""),
    "Max-Forwards": ("0", "1", "255", "256", "-1", "x", ""),
    "Expires": ("0", "1", "4294967296", "-1", "x", ""),
    "Min-Expires": ("1", "4000000000", "x"),
    "Retry-After": ("0", "1", "1 (soon)", "4294967296", "x"),
    "Accept": ("application/sdp", "text/plain", ""),
    "Allow": ("INVITE", "", "INVITE, UPDATE, PRACK", "X" * 600),
    "Via": (
        "SIP/2.0/UDP 127.0.0.1",
        "SIP/2.0/UDP [::1]",
        "SIP/2.0/XYZ 127.0.0.1:1;branch=x",
        "SIP/2.0/UDP",
        "",
    ),
    "CSeq": ("1 INVITE", "0 INVITE", "4294967295 INVITE", "4294967296 BYE", "x y", "1", "", "1 FROB"),
    "Call-ID": ("", "@", "x y", "<x>", "\x1b[2J"),
    "From": (
        "<sip:a@127.0.0.1>;tag=x",
        "sip:a@127.0.0.1",
        "<sip:[]>;tag=1",
        "",
        '"\xe9" <sip:a@b>;tag=2',
        "<tel:1>;tag=3",
    ),
    "To": ("<sip:b@127.0.0.1>", "<sip:b@127.0.0.1>;tag=x", "", "*", "<tel:+1>"),
    "Reason": ('SIP;cause=200;text="x"', "Q.850;cause=16", ""),
    "Warning": ('399 x "y"', "x", ""),
    "Timestamp": ("1", "1.5 0.5", "x"),
    "Date": ("Fri, 01 Jan 2010 16:00:00 EST", "x"),
    "P-Asserted-Identity": ("<sip:x@127.0.0.1>", "<tel:1>", '"\xff"<sip:[]>', ","),
    "Diversion": ("<sip:x@127.0.0.1>;reason=unknown", ""),
    "Geolocation": ("<cid:x>",),
    "Unknown-Header": ("x" * 4000, "", ";;,,;=", "\0"),
}
"""Values that header fields may have, right and wrong ones."""

Change = Callable[[random.Random, bytes], bytes]


def _place(rng: random.Random, data: bytes) -> int:
    """A place in it; more often in the head than in the body."""
    return rng.randrange(len(data) + 1)


def flip(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        if out:
            out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def insert(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def replace(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(TOKENS) + data[at + rng.choice((1, 1, 2, 5, 10, 30)) :]


def cut(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 1, 2, 4, 10, 50, 200)) :]


def truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def repeat(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 4, 20, 100))]
    return (data[:at] + piece * rng.choice((2, 2, 3, 20)) + data[at:])[:60_000]


def number(rng: random.Random, data: bytes) -> bytes:
    """Another number where one is."""
    places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    at = end = rng.choice(places)
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    new = rng.choice((b"0", b"1", b"-1", b"65535", b"65536", b"2147483648", b"4294967296", b"9" * 25, b"127"))
    return data[:at] + new + data[end:]


def _lines(data: bytes) -> tuple[list[bytes], bytes]:
    head, blank, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), blank + body


def drop_header(rng: random.Random, data: bytes) -> bytes:
    lines, rest = _lines(data)
    del lines[rng.randrange(len(lines))]
    return b"\r\n".join(lines) + rest


def double_header(rng: random.Random, data: bytes) -> bytes:
    lines, rest = _lines(data)
    at = rng.randrange(len(lines))
    return b"\r\n".join(lines[:at] + [lines[at]] * rng.choice((2, 2, 3, 40)) + lines[at + 1 :]) + rest


def move_header(rng: random.Random, data: bytes) -> bytes:
    lines, rest = _lines(data)
    rng.shuffle(lines[1:]) if rng.random() < 0.5 else rng.shuffle(lines)
    return b"\r\n".join(lines) + rest


def set_header(rng: random.Random, data: bytes) -> bytes:
    """Give a header another value, or add it."""
    name = rng.choice(tuple(VALUES))
    line = f"{name}: {rng.choice(VALUES[name])}".encode("latin-1")
    lines, rest = _lines(data)
    same = [at for at, old in enumerate(lines) if old.lower().startswith(name.lower().encode() + b":")]
    if same and rng.random() < 0.7:
        lines[rng.choice(same)] = line
    else:
        lines.insert(rng.randrange(1, len(lines) + 1), line)
    return b"\r\n".join(lines) + rest


_COMPACT = {
    b"Via": b"v",
    b"From": b"f",
    b"To": b"t",
    b"Call-ID": b"i",
    b"Contact": b"m",
    b"Content-Type": b"c",
}


def respell(rng: random.Random, data: bytes) -> bytes:
    """The same in another spelling: compact and folded headers, case, spaces, bare line feeds."""
    lines, rest = _lines(data)
    for at in range(1, len(lines)):
        name, colon, value = lines[at].partition(b":")
        way = rng.randrange(6)
        if way == 0:
            lines[at] = _COMPACT.get(name, name.upper()) + colon + value
        elif way == 1:
            lines[at] = name + b" \t:\r\n " + value.lstrip().replace(b";", b"\r\n ; ", 1)
        elif way == 2:
            lines[at] = name.lower() + colon + b"\t  " + value.strip() + b"  "
    return (b"\n" if rng.random() < 0.2 else b"\r\n").join(lines) + rest


BYTES: tuple[Change, ...] = (flip, insert, insert, replace, replace, cut, truncate, repeat, number, number)
HEADERS: tuple[Change, ...] = (
    drop_header,
    double_header,
    move_header,
    set_header,
    set_header,
    set_header,
    respell,
)


def mutate(rng: random.Random, data: bytes) -> bytes:
    """One to four changes; headers' changes leave a message that a parser mostly accepts."""
    kinds = HEADERS if rng.random() < 0.5 else BYTES + HEADERS
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        if data:
            data = rng.choice(kinds)(rng, data)
    return data[:60_000]
