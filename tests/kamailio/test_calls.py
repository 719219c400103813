"""Calls through the real Kamailio to three real workers: spread, kept, passed on, refused."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.caller import Call, Media, UserAgent
from tests.caller.message import Message
from tests.e2e.running import Service
from tests.kamailio.edge import WORKER_CALLS, Edge, Workers, caller, ended, taken, uri, wait_until
from tests.ports import free_port

pytestmark = pytest.mark.system


def worker_of(call: Call, services: list[Service]) -> Service:
    """The worker that has this call."""
    found: list[Service] = []

    def look() -> bool:
        found[:] = [each for each in services if each.find("call_started", call=call.call_id)]
        return bool(found)

    wait_until(look, 5, "the worker of the call")
    return found[0]


def answered(call: Call) -> int:
    return call.answered(10).status


def uri_of(ua: UserAgent) -> str:
    return f"sip:{ua.host}:{ua.port}"


def hears(call: Call, packets: int = 10) -> bool:
    """Whether sound goes on arriving."""
    have = len(call.media.packets)
    return call.media.wait_for(lambda all_: len(all_) >= have + packets, 3)


def test_calls_one_after_the_other_are_spread(edge: Edge, workers: list[Service]) -> None:
    began = time.time()
    with caller() as ua:
        media = Media(ua.host)
        for count in range(1, 61):
            ua.call(edge.address, media=media).hangup()
            # 200 answers the BYE before the worker has freed the call's slot.
            wait_until(lambda n=count: ended(workers, began) == n, 5, "the end of the call")
    for each in workers:
        each.wait_until(lambda: sum(taken(workers, began)) == 60, 5, "60 calls")
    assert all(18 <= count <= 22 for count in taken(workers, began)), taken(workers, began)


def test_calls_at_once_fill_every_worker_and_the_next_is_refused(edge: Edge, workers: list[Service]) -> None:
    began = time.time()
    with caller() as ua:
        calls = [ua.dial(edge.address) for _ in range(3 * WORKER_CALLS)]
        assert [answered(call) for call in calls] == [200] * len(calls)
        workers[0].wait_until(lambda: sum(taken(workers, began)) == len(calls), 5, "all calls")
        assert taken(workers, began) == [WORKER_CALLS] * 3

        # Before the probes know, the workers themselves say so; afterwards no worker is asked.
        for _ in range(2):
            refused = ua.dial(edge.address).answered()
            assert (refused.status, refused.get("Retry-After")) == (503, "10")
            wait_until(lambda: "200" not in edge.states(), 4, "the probes see that all are full")
        assert ua.options(edge.address).status in (200, 503)
        wait_until(lambda: ua.options(edge.address).status == 503, 4, "the edge says that it is full")

        assert all(hears(call) for call in calls)
        ports = {service.port for service in workers} | {edge.port, edge.inside}
        for call in calls:
            # Sound comes from where the worker's SDP says, straight.
            assert call.description is not None and call.description.port not in ports
            assert call.media.sources == {("127.0.0.1", call.description.port)}

        for call in calls:
            response = call.hangup()
            assert response is not None and response.status == 200
        wait_until(lambda: edge.states() == ["200"] * 3, 4, "room is seen again")
        assert ua.options(edge.address).status == 200
        ua.call(edge.address).hangup()


def test_a_killed_worker_loses_no_new_call(edge: Edge, workers: list[Service]) -> None:
    """Four callers dial again and again; one worker is killed; every INVITE afterwards is answered by 200."""
    outcomes: list[tuple[float, int, float]] = []
    stop = threading.Event()

    def dial() -> None:
        with caller() as ua:
            while not stop.is_set():
                began = time.time()
                call = ua.dial(edge.address)
                status = answered(call)
                outcomes.append((began, status, time.time() - began))
                stop.wait(0.15)
                with contextlib.suppress(TimeoutError):  # of the worker that was killed
                    call.close()

    threads = [threading.Thread(target=dial) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    victim = workers[1]
    had = len(victim.find("call_started"))
    killed = time.time()
    victim.signal(signal.SIGKILL)
    victim.wait(5)
    time.sleep(3.5)
    stop.set()
    for thread in threads:
        thread.join(15)
    after = [each for each in outcomes if each[0] >= killed]
    assert had >= 2, "the victim had been working"
    assert len(after) >= 30
    assert {status for _, status, _ in outcomes} == {200}
    # One second for a worker that is silent; another one at once.
    assert max(took for *_, took in outcomes) < 2.5
    # Once that is known nobody waits for it.
    assert max(took for began, _, took in after if began > killed + 2.5) < 0.5
    assert edge.said()[uri(victim)] != "200" or "IP" in edge.workers("list")


def test_a_draining_worker_keeps_its_calls_and_gets_no_new_one(edge: Edge, workers: list[Service]) -> None:
    with caller() as ua:
        call = ua.call(edge.address)
        drained = worker_of(call, workers)
        others = [each for each in workers if each is not drained]
        drained.signal(signal.SIGTERM)
        drained.wait_event("draining")
        signalled = time.time()
        for _ in range(12):
            ua.call(edge.address).hangup()
            time.sleep(0.02)
        assert not drained.find("call_started", signalled)
        assert sum(taken(others, signalled)) == 12
        wait_until(lambda: edge.said()[uri(drained)] == "503", 4, "the probe hears that it is draining")
        refused = len(drained.find("call_refused"))
        for _ in range(4):
            ua.call(edge.address).hangup()
        assert len(drained.find("call_refused")) == refused, "it is not even asked any more"

        assert hears(call)
        assert call.info_key("1").status == 200
        ended = call.hangup()
        assert ended is not None and ended.status == 200
        assert drained.wait(10) == 0
        assert [each["reason"] for each in drained.find("call_ended", call=call.call_id)] == ["caller"]


def test_a_worker_is_taken_out_and_put_in_while_calls_are_up(edge: Edge, workers: list[Service]) -> None:
    with caller() as ua:
        ours, theirs = ua.call(edge.address), ua.call(edge.address)
        out = worker_of(ours, workers)
        assert f"{uri(out)} AP code=200 calls=" in edge.workers("list")
        edge.workers("remove", uri(out))
        assert uri(out) not in edge.workers("list")
        removed = time.time()
        for _ in range(6):
            ua.call(edge.address).hangup()
            time.sleep(0.02)
        assert not out.find("call_started", removed)
        # Its call is where it was: requests in both directions, and sound.
        assert hears(ours)
        assert ours.reinvite().status == 200
        response = ours.hangup()
        assert response is not None and response.status == 200
        out.wait_event("call_ended", call=ours.call_id)

        edge.workers("add", uri(out))
        wait_until(lambda: edge.said().get(uri(out)) == "200", 4, "it was probed")
        added = time.time()
        for _ in range(6):
            ua.call(edge.address).hangup()
            time.sleep(0.02)
        assert out.find("call_started", added)
        assert theirs.state == "up" and hears(theirs)


def test_a_worker_hangs_up(edge: Edge, workers: list[Service]) -> None:
    with caller() as ua:
        call = ua.call(edge.address, uri=f"sip:short@127.0.0.1:{edge.port}")
        assert call.ended.wait(5)
        bye = next(request for request in call.requests if request.method == "BYE")
        assert len(bye.all("Via")) == 2 and bye.source == edge.address
        worker_of(call, workers).wait_event("call_ended", call=call.call_id, reason="hangup")


def test_kamailio_is_started_again_under_a_call(edge: Edge, workers: list[Service]) -> None:
    """It holds no state of a call: the route is in the messages."""
    with caller() as ua:
        call = ua.call(edge.address)
        edge.stop()
        assert hears(call)
        edge.start()
        assert hears(call)
        assert call.reinvite().status == 200
        response = call.hangup()
        assert response is not None and response.status == 200
        worker_of(call, workers).wait_event("call_ended", call=call.call_id, reason="caller")


def test_a_worker_that_does_not_exist_is_not_noticed(edge: Edge, workers: list[Service]) -> None:
    edge.workers("add", f"sip:127.0.0.1:{free_port()}")
    with caller() as ua:
        for _ in range(6):
            began = time.time()
            ua.call(edge.address).hangup()
            assert time.time() - began < 0.9
            time.sleep(0.02)


@pytest.mark.parametrize("answer", [500, 0])
def test_a_broken_worker_is_passed_over(answer: int, edge: Edge, workers: list[Service]) -> None:
    """It answers probes with 200 and an INVITE with 500 or not at all; being empty, it is tried first."""
    tried: list[str] = []
    with UserAgent("127.0.0.1") as broken, caller() as ua:

        def on_request(request: Message) -> bool:
            if request.method == "INVITE":
                tried.append(request.get("Call-ID"))
                if answer:
                    broken.reply(request, answer, "Server Internal Error")
            return request.method == "INVITE"

        broken.on_request = on_request
        edge.workers("add", uri_of(broken))
        wait_until(lambda: edge.said().get(uri_of(broken)) == "200", 4, "it was probed")
        began = time.time()
        calls = [ua.dial(edge.address) for _ in range(6)]
        assert [answered(call) for call in calls] == [200] * 6
        assert time.time() - began < 2
        assert set(tried) & {call.call_id for call in calls}


def test_load_is_counted_by_what_a_worker_can_hold(edge: Edge, workers: list[Service]) -> None:
    """There are three workers of three calls and one of a hundred: after one call each it gets the rest."""
    began = time.time()
    with UserAgent("127.0.0.1") as large, caller() as ua:

        def on_request(request: Message) -> bool:
            if request.method == "OPTIONS":
                large.reply(request, 200, "OK", [("X-Load", "0/100")])
            return request.method == "OPTIONS"

        large.on_request = on_request
        edge.workers("add", uri_of(large))
        wait_until(lambda: edge.said().get(uri_of(large)) == "200", 4, "it was probed")
        calls = [ua.dial(edge.address) for _ in range(9)]
        for _ in range(6):
            large.wait_incoming(3).answer()
        assert [answered(call) for call in calls] == [200] * 9
        workers[0].wait_until(lambda: taken(workers, began) == [1, 1, 1], 3, "one call each")


def test_a_caller_who_gives_up_reaches_the_worker(edge: Edge, workers: list[Service]) -> None:
    """CANCEL finds the worker that rings; nobody else is tried."""
    seen: list[str] = []
    with UserAgent("127.0.0.1") as ringing, caller() as ua:

        def on_request(request: Message) -> bool:
            seen.append(request.method)
            if request.method == "INVITE":
                ringing.reply(request, 180, "Ringing", to_tag="ringing")
            return False

        ringing.on_request = on_request
        for each in workers:
            edge.workers("remove", uri(each))
        edge.workers("add", uri_of(ringing))
        wait_until(lambda: edge.states() == ["200"], 4, "it was probed")
        call = ua.dial(edge.address)
        assert call.transaction is not None
        assert call.transaction.provisional().status == 180
        assert call.cancel().status == 200
        assert answered(call) == 487
        assert seen.count("INVITE") == 1


def test_workers_of_one_supervisor_as_compose_has_them(pool: Workers, tmp_path: Path) -> None:
    """One service with three workers. One is killed: no new call is lost, and its successor gets calls."""
    with pool.supervised(3) as service:
        addresses = [f"sip:127.0.0.1:{service.port + n}" for n in range(3)]
        with Edge(tmp_path, addresses) as edge, caller() as ua:
            calls = [ua.call(edge.address) for _ in range(6)]
            service.wait_until(lambda: len(service.find("call_started")) == 6, 5, "six calls")
            had = [[each["call"] for each in service.find("call_started", worker=n)] for n in range(3)]
            assert [len(each) for each in had] == [2, 2, 2]
            killed = time.time()
            os.kill(service.find("worker_started", worker=1)[-1]["pid"], signal.SIGKILL)
            for call in [each for each in calls if each.call_id in had[1]]:
                call.media.sending = False
                calls.remove(call)
            for _ in range(6):
                ua.call(edge.address).hangup()
            assert all(hears(call) for call in calls)
            service.wait_event("worker_started", 15, killed, worker=1)
            # The two others hold two of three, the new one none: it is the least loaded.
            wait_until(lambda: edge.states() == ["200"] * 3, 5, "all take calls again")
            since = time.time()
            for call in [ua.call(edge.address) for _ in range(2)]:
                call.hangup()
            assert len(service.find("call_started", since, worker=1)) == 2
            for call in calls:
                call.hangup()
