"""An extension of the PBX: our own caller with a digest, so that it may register and dial."""

from tests.caller import UserAgent, digest, sdp
from tests.caller import message as sip
from tests.caller.call import Call
from tests.caller.media import Media
from tests.caller.message import Message
from tests.caller.ua import ALLOW, Transaction
from tests.pbx.running import PHONE_PASSWORD, Pbx


class Phone(UserAgent):
    """One softphone. Use as a context manager."""

    def __init__(
        self, pbx: Pbx, extension: str, password: str = PHONE_PASSWORD, host: str = "127.0.0.1"
    ) -> None:
        super().__init__(host, user=extension)
        self.pbx, self.password = pbx, password
        self._me = f"<sip:{extension}@127.0.0.1>"

    def register(self, expires: int = 60) -> Message:
        """The final answer; challenged once."""
        return self._proven(
            "REGISTER", f"sip:127.0.0.1:{self.pbx.port}", self._me, [("Expires", str(expires))], b""
        ).final()

    def ring(self, number: str, payloads: tuple[int, ...] = (0, 8, 101)) -> Call:
        """Dial through the PBX and return at once; ``Call.answered`` waits."""
        media = Media(self.host)
        uri = f"sip:{number}@127.0.0.1:{self.pbx.port}"
        headers = [("Allow", ALLOW), ("Content-Type", "application/sdp")]
        body = sdp.write(self.host, media.port, payloads)
        transaction = self._proven("INVITE", uri, f"<{uri}>", headers, body)
        call = Call.outgoing(self, media, transaction)
        call.cseq = transaction.request.cseq[0]
        self.calls[call.call_id] = call
        return call

    def reach(self, number: str, payloads: tuple[int, ...] = (0, 8, 101)) -> Call:
        """Dial through the PBX and wait until the call is up."""
        call = self.ring(number, payloads)
        response = call.answered(15)
        assert response.status == 200, f"{number}: {response.status} {response.reason}"
        return call

    def _proven(
        self, method: str, uri: str, to: str, headers: list[tuple[str, str]], body: bytes
    ) -> Transaction:
        """Send, be challenged, and send again with the proof."""
        who = {"from_": f"{self._me};tag={sip.token()}", "to": to, "call_id": sip.token(20)}
        challenge = self.request(method, self.pbx.address, uri=uri, headers=headers, body=body, **who).final()
        assert challenge.status == 401, f"{challenge.status} instead of a challenge"
        asked = digest.parse(challenge.get("WWW-Authenticate"))
        params = {
            "username": self.user,
            "realm": asked["realm"],
            "nonce": asked["nonce"],
            "uri": uri,
        }
        if "auth" in asked.get("qop", "").split(","):
            params |= {"qop": "auth", "nc": "00000001", "cnonce": sip.token()}
        params["response"] = digest.response(params, method, self.password)
        if "opaque" in asked:
            params["opaque"] = asked["opaque"]
        bare = {"qop", "nc"}
        value = ", ".join(f"{k}={v}" if k in bare else f'{k}="{v}"' for k, v in params.items())
        proof = ("Authorization", f"Digest {value}, algorithm=MD5")
        return self.request(
            method, self.pbx.address, uri=uri, headers=[*headers, proof], body=body, cseq=2, **who
        )
