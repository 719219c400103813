"""The right answer to each message from a server like ours: no registrar, IPv4 alone, calls end here."""

DROPPED = 0

ANSWERS: dict[int, str] = {
    200: "esc01 lwsdisp longreq semiuri transports trws escruri baddate badaspec baddn badbranch zeromf",
    400: "clerr lwsstart mismatch01 mismatch02 mcl01 inv2543 ipv6-good port-ambiguous port-unambiguous "
    "via-received-param-no-delim ipv6-in-sdp mult-ip-in-sdp ipv4-mapped-ipv6",
    406: "sdp01",
    415: "invut",
    420: "bext01",
    # A To tag of no dialog of ours.
    481: "wsinv via-received-param-with-delim mult-ip-in-header",
    # Methods of registrars and of nobody.
    501: "escnull esc02 dblreq mpart01 unksm2 cparam01 cparam02 regescrt",
    # Responses to no request of ours, and what pjsip's parser or the gate takes for no message.
    DROPPED: "intmeth unreason noreason badinv01 ncl scalar02 scalarlg quotbal ltgtruri lwsruri regbadct "
    "badvers bigcode insuf unkscm novelsc regaut01 multi01 bcast ipv6-bad ipv6-bug-abnf-3-colons",
}
"""Names of the RFCs' messages by their answer over UDP while we take calls."""
ANSWERS[200] += " ipv6-correct-abnf-2-colons"
LATER = frozenset({"invut", "inv2543"})
"""Refused by pjsip for their content, after the gate: 503 comes first where no call is taken."""
UNFINISHED = frozenset({"clerr", "inv2543"})
"""Over TCP without a Content-Length that fits, the end of the message never comes."""
_BY_NAME = {name: status for status, names in ANSWERS.items() for name in names.split()}


def right_answer(name: str, transport: str, state: str) -> int:
    """The final status; ``DROPPED`` when there is none."""
    if transport == "tcp" and name in UNFINISHED:
        return DROPPED
    status = _BY_NAME[name]
    return 503 if state in ("full", "draining") and (status == 200 or name in LATER) else status
