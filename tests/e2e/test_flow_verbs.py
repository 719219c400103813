"""The verbs that move a plan, in a real call: what they did is in its record and its log."""

from collections.abc import Iterator

import pytest

from tests.caller import UserAgent, sounds
from tests.e2e.running import Service

PLAN = """dialplan: 1
name: flow
start: a
on_error: failed
on_hangup: left
variables: {round: 0}
steps:
  a:
    - set: {round: round + 1}
    - branch: {if: round < 3, then: a}
    - switch: {on: call.to, cases: {loud: loud, wrong: wrong}}
    - call: {step: note, with: {what: "'quiet'"}}
    - pause: 300ms
    - hangup: "ended {{ round }}"
  loud:
    - call: {step: note, with: {what: "'loud'"}}
    - play: continuous.wav
    - goto: loud
  wrong:
    - log: "{{ nothing_has_this_name }}"    # check: ignore unknown-variable it is to fail
  failed:
    - tag: {failed: error.event, verb: error.verb}
    - hangup: failed
  note:
    params: [what]
    do:
      - log: {message: "{{ what }} in round {{ round }}", level: warning}
      - tag: {what: what, round: round}
      - return:
  left:
    - log: gone
    - tag: {left: "true"}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("flow")
    sounds.write_wav(folder / "continuous.wav", sounds.noise(-20, 20))
    plan = folder / "flow.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    with Service([plan]) as running:
        yield running


def test_the_way_through_a_plan_is_in_the_record(service: Service) -> None:
    with UserAgent() as ua:
        call = ua.call(service.address, uri=f"sip:quiet@127.0.0.1:{service.port}")
        ended = service.wait_event("call_ended", 10, call=call.call_id)
    assert ended["reason"] == "ended 3"
    assert ended["tags"] == {"what": "quiet", "round": 3}
    assert len(ended["plan_hash"]) == 12
    (said,) = service.find("plan_log", call=call.call_id)
    assert (said["message"], said["level"]) == ("quiet in round 3", "warning")
    assert 0.3 <= ended["duration_s"] < 5


def test_a_failure_has_its_way_on(service: Service) -> None:
    with UserAgent() as ua:
        call = ua.call(service.address, uri=f"sip:wrong@127.0.0.1:{service.port}")
        ended = service.wait_event("call_ended", 10, call=call.call_id)
    assert (ended["reason"], ended["tags"]) == ("failed", {"failed": "bad_value", "verb": "log"})


def test_what_is_to_be_done_when_the_caller_has_left_is_done(service: Service) -> None:
    with UserAgent() as ua:
        call = ua.call(service.address, uri=f"sip:loud@127.0.0.1:{service.port}")
        call.media.wait_loud(5)
        call.hangup()
        ended = service.wait_event("call_ended", 10, call=call.call_id)
    assert ended["reason"] == "caller"
    assert ended["tags"] == {"what": "loud", "round": 3, "left": True}
    assert [each["message"] for each in service.find("plan_log", call=call.call_id)][-1] == "gone"
