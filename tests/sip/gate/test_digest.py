"""What proves a trunk's password (RFC 7616, RFC 8760), and what does not."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sip.gate.digest import NONCE_S, REALM, DigestChallenges
from ivr.sip.gate.raw_message import RawMessage, read
from tests.caller.digest import parse

PASSWORDS = {"carrier": "s3cret", "jürgen": "pässword"}
SOURCE = "192.0.2.7"
URI = "sip:b@127.0.0.1"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def proof(challenge: str, user: str = "carrier", password: str = "s3cret", **changes: str) -> str:
    """The Authorization header that answers a challenge."""
    asked = parse(challenge)
    fields = {
        "username": user,
        "realm": asked["realm"],
        "nonce": asked["nonce"],
        "uri": URI,
        "nc": "00000001",
    }
    fields |= {"cnonce": "c", "qop": "auth", "algorithm": asked["algorithm"], "method": "INVITE"} | changes
    make = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[fields["algorithm"]]

    def digest(text: str) -> str:
        return make(text.encode()).hexdigest()

    first, second = digest(f"{user}:{REALM}:{password}"), digest(f"{fields.pop('method')}:{fields['uri']}")
    middle = ":".join(fields[name] for name in ("nonce", "nc", "cnonce", "qop"))
    fields["response"] = changes.get("response", digest(f"{first}:{middle}:{second}"))
    bare = {"nc", "qop", "algorithm"}
    return "Digest " + ", ".join(f"{k}={v}" if k in bare else f'{k}="{v}"' for k, v in fields.items())


def invite(authorization: str = "", call_id: str = "1", branch: str = "z9hG4bK1") -> RawMessage:
    more = f"Authorization: {authorization}\r\n" if authorization else ""
    text = f"INVITE {URI} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch={branch}\r\nCall-ID: {call_id}\r\n{more}\r\n"
    return read(text.encode())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def challenges(clock: Clock) -> DigestChallenges:
    return DigestChallenges(clock)


def asked(challenges: DigestChallenges, call_id: str = "1", source: str = SOURCE) -> list[str]:
    return [value for _, value in challenges.headers(source, call_id)]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("user", list(PASSWORDS))
def test_the_right_password_is_right_by_each_algorithm(
    challenges: DigestChallenges, place: int, user: str
) -> None:
    answer = proof(asked(challenges)[place], user, PASSWORDS[user])
    assert challenges.judge(invite(answer), SOURCE, PASSWORDS) == ("right", user)


def test_sha_256_comes_first(challenges: DigestChallenges) -> None:
    assert [parse(each)["algorithm"] for each in asked(challenges)] == ["SHA-256", "MD5"]


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "other"},
        {"user": "nobody"},
        {"uri": "sip:900@127.0.0.1"},
        {"method": "BYE"},
        {"qop": "auth-int"},
        {"response": ""},
        {"response": "\u00fc" * 32},
    ],
)
def test_anything_else_is_wrong(challenges: DigestChallenges, changes: dict[str, str]) -> None:
    answer = proof(asked(challenges)[0], **changes)
    assert challenges.judge(invite(answer), SOURCE, PASSWORDS)[0] == "wrong"


def test_no_answer_and_another_realms_are_missing(challenges: DigestChallenges) -> None:
    other = proof(asked(challenges)[0], realm="pbx")
    for value in ("", "Basic Zm9v", "Digest", other):
        assert challenges.judge(invite(value), SOURCE, PASSWORDS) == ("missing", "")


def test_an_overheard_answer_places_no_second_call(challenges: DigestChallenges) -> None:
    answer = proof(asked(challenges)[0])
    first = invite(answer)
    assert challenges.judge(first, SOURCE, PASSWORDS)[0] == "right"
    assert challenges.judge(first, SOURCE, PASSWORDS)[0] == "right", "a repetition of the same request"
    assert challenges.judge(invite(answer, branch="z9hG4bK2"), SOURCE, PASSWORDS)[0] == "stale"
    assert challenges.judge(invite(answer, call_id="2"), SOURCE, PASSWORDS)[0] == "stale"
    assert challenges.judge(invite(answer), "192.0.2.8", PASSWORDS)[0] == "stale"
    following = proof(asked(challenges)[0], nc="00000002")
    assert challenges.judge(invite(following, branch="z9hG4bK3"), SOURCE, PASSWORDS)[0] == "right"


def test_a_nonce_is_good_for_a_minute_and_only_if_we_made_it(
    challenges: DigestChallenges, clock: Clock
) -> None:
    answer = proof(asked(challenges)[0])
    clock.now += NONCE_S + 1
    assert challenges.judge(invite(answer), SOURCE, PASSWORDS)[0] == "stale"
    made_up = proof(asked(challenges)[0], nonce=f"{int(clock.now):x}-" + "0" * 32)
    assert challenges.judge(invite(made_up), SOURCE, PASSWORDS)[0] == "stale"


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_header_raises(value: str) -> None:
    message = RawMessage("INVITE sip:b SIP/2.0", (("authorization", value),), "")
    assert DigestChallenges(Clock()).judge(message, SOURCE, PASSWORDS)[0] in ("missing", "wrong", "stale")


@given(
    st.dictionaries(
        st.sampled_from(["username", "realm", "nonce", "uri", "nc", "qop", "response"]), st.text()
    )
)
def test_no_parameters_raise(fields: dict[str, str]) -> None:
    value = 'Digest realm="ivr", username="carrier", ' + ", ".join(f'{k}="{v}"' for k, v in fields.items())
    message = read(f"INVITE {URI} SIP/2.0\r\nAuthorization: {value}\r\n\r\n".encode("utf-8", "replace"))
    assert DigestChallenges(Clock()).judge(message, SOURCE, PASSWORDS)[0] != "right"
