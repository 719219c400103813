"""The registry of open calls: real SIP between our user agent and two phones."""

import asyncio
from collections.abc import Callable

from ivr.service.calls.call_record import PARTY_FIELDS
from ivr.service.calls.dialing import CalledParty
from ivr.service.calls.registry import CallRegistry
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import SipOptions
from ivr.sip.user_agent import UserAgent
from tests import caller
from tests.ports import free_port, rtp_ports


class Noted:
    """An observer that keeps what it receives, with what the registry held at that moment."""

    def __init__(self, registry: CallRegistry) -> None:
        self.registry = registry
        self.said: list[tuple[str, list[str]]] = []

    def call_started(self, call: object) -> None: ...

    def call_ended(self, call: object) -> None: ...

    def party_called(self, party: CalledParty) -> None:
        self._note(f"called {party.to}")

    def party_ended(self, party: CalledParty) -> None:
        self._note(f"ended {party.to}")

    def _note(self, what: str) -> None:
        self.said.append((what, [each.to for each in self.registry.parties]))


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_parties_are_in_the_registry_with_their_caller_until_they_end() -> None:
    """Both kinds of end: the party hangs up, and nobody is reached."""
    agent = UserAgent(SipOptions(bind=f"127.0.0.1:{free_port()}", rtp_ports=rtp_ports(40), max_calls=3), None)
    agent.start()
    registry = CallRegistry()
    noted = Noted(registry)
    registry.subscribe(noted)
    try:
        with caller.UserAgent(user="first") as first, caller.UserAgent(user="second") as second:
            ours = agent.dial(f"sip:first@127.0.0.1:{first.port}", lambda leg: LegListener())
            theirs = await asyncio.to_thread(first.wait_incoming)
            assert not registry.parties, "a call of its own is no party"
            parties = []
            for name in ("second", "nobody"):
                party = CalledParty(name, ours, registry)
                parties.append(party)

                def listen(leg: CallLeg, party: CalledParty = party) -> LegListener:
                    party.leg = leg
                    return party

                port = second.port if name == "second" else free_port()
                agent.dial(f"sip:{name}@127.0.0.1:{port}", listen)
            answering = await asyncio.to_thread(second.wait_incoming)
            answering.answer()
            await parties[0].answer
            assert registry.parties[0].to == "second"
            (record, *_) = registry.party_records()
            assert set(record) == {"key", *PARTY_FIELDS}
            assert record == {
                "key": parties[0].leg.key if parties[0].leg else 0,
                "call": theirs.call_id,
                "other_call": answering.call_id,
                "to": "second",
            }
            parties[1].hangup("released")
            answering.hangup()
            await until(lambda: not registry.parties)
    finally:
        await asyncio.to_thread(agent.stop)
    assert registry.party_records() == []
    assert sorted(what for what, _ in noted.said) == [
        "called nobody",
        "called second",
        "ended nobody",
        "ended second",
    ]
    for what, there in noted.said:
        word, _, name = what.partition(" ")
        assert (name in there) is (word == "called"), "registered before, removed before it is reported"
