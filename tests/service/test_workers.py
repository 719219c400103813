"""The pure part of the supervisor: ports, restarts, open calls. Counted, no process and no clock."""

from typing import Any

import pytest

from ivr.service.config.settings import SettingsError, load_settings
from ivr.service.workers.options import worker_sip_options
from ivr.service.workers.reports import OpenCalls
from ivr.sip.options import Registration, SipOptions, parse_ports


def test_each_worker_has_a_port_and_a_slice_of_its_own() -> None:
    sip = SipOptions(bind="127.0.0.1:5060", rtp_ports="16384-16583", max_calls=7)
    parts = [worker_sip_options(sip, index, 3) for index in range(3)]
    assert [part.bind for part in parts] == ["127.0.0.1:5060", "127.0.0.1:5061", "127.0.0.1:5062"]
    ranges = [parse_ports(part.rtp_ports) for part in parts]
    assert ranges == [(16384, 16449), (16450, 16515), (16516, 16581)]
    assert {part.max_calls for part in parts} == {7}, "of each worker"


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("ports", ["16384-16583", "20001-20100", "40000-40031"])
def test_slices_are_even_disjoint_and_inside(count: int, ports: str) -> None:
    used: set[int] = set()
    low, high = parse_ports(ports)
    for index in range(count):
        first, last = parse_ports(worker_sip_options(SipOptions(rtp_ports=ports), index, count).rtp_ports)
        assert first % 2 == 0 and (last - first + 1) % 2 == 0 and low <= first and last <= high
        assert not used & set(range(first, last + 1))
        used |= set(range(first, last + 1))
    assert len(used) > (high - low + 1) - 2 * count - 1, "no more is left over than must be"


def test_each_worker_has_a_tls_port_where_there_is_one() -> None:
    sip = SipOptions(bind="127.0.0.1:5060", tls_bind="127.0.0.2:5070")
    assert [worker_sip_options(sip, index, 3).tls_bind for index in range(3)] == [
        f"127.0.0.2:507{n}" for n in range(3)
    ]
    assert worker_sip_options(SipOptions(), 1, 3).tls_bind is None
    near = SipOptions(bind="127.0.0.1:5060", tls_bind="127.0.0.1:5061")
    assert worker_sip_options(near, 0, 1).tls_bind == "127.0.0.1:5061"
    with pytest.raises(ValueError, match=r"sip\.tls_bind: 2 workers take .* 5060 to 5061.*from 5062"):
        worker_sip_options(near, 0, 2)
    elsewhere = SipOptions(bind="127.0.0.1:5060", tls_bind="127.0.0.2:5060")
    assert worker_sip_options(elsewhere, 1, 2).tls_bind == "127.0.0.2:5061"
    with pytest.raises(ValueError, match="need the ports 65535 to 65536"):
        worker_sip_options(SipOptions(tls_bind="127.0.0.1:65535"), 0, 2)


def test_one_worker_registers() -> None:
    sip = SipOptions(registrations=(Registration(registrar="pbx", user="400"),))
    assert [len(worker_sip_options(sip, index, 3).registrations) for index in range(3)] == [1, 0, 0]


def test_ports_that_do_not_suffice_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sip\.rtp_ports: 16384-16399 is too few for 5 workers"):
        worker_sip_options(SipOptions(rtp_ports="16384-16399"), 0, 5)
    assert worker_sip_options(SipOptions(rtp_ports="16384-16399"), 3, 4).rtp_ports == "16396-16399"
    with pytest.raises(ValueError, match="need the ports 65535 to 65536"):
        worker_sip_options(SipOptions(bind="0.0.0.0:65535"), 0, 2)


WHO = {"caller": "a", "called": "b", "plan": "p", "plan_hash": "h"}


def began(key: int, call: str) -> dict[str, Any]:
    return {"op": "started", "key": key, "call": call, **WHO}


def test_open_calls_are_those_that_began_and_did_not_end() -> None:
    calls = OpenCalls()
    for now, key in enumerate((1, 2, 3)):
        calls.take(began(key, f"call-{key}"), float(now))
    calls.take({"op": "ended", "key": 2}, 5)
    calls.take({"op": "ended", "key": 99}, 5)
    assert len(calls) == 2
    unknown = ("encryption", "codec", "packets_received", "packets_sent", "packets_lost", "jitter_ms", "tags")
    known = {**WHO, "reason": "worker_lost", "status": 0}
    assert calls.lost(10.004) == [
        {"call": call, "duration_s": duration_s, **known, **dict.fromkeys(unknown)}
        for call, duration_s in (("call-1", 10.0), ("call-3", 8.0))
    ]
    assert calls.lost(11) == [], "each is recorded once"


def test_a_list_of_open_calls_replaces_dropped_reports() -> None:
    calls = OpenCalls()
    calls.take(began(1, "stays"), 0)
    calls.take(began(2, "ended unseen"), 0)
    calls.take({"op": "calls", "open": [began(1, "stays"), began(3, "began unseen")], "parties": []}, 4)
    lost = {line["call"]: line["duration_s"] for line in calls.lost(10)}
    assert lost == {"stays": 10.0, "began unseen": 6.0}


@pytest.mark.parametrize("report", [{"op": "else"}, {"key": 1}, {"op": "started"}])
def test_a_frame_that_is_no_report_is_refused(report: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        OpenCalls().take(report, 0)


def test_workers_are_a_setting_like_any_other() -> None:
    settings = load_settings(
        flags={"workers.count": ("--workers", "4")}, environ={"IVR_WORKERS__RESTART_LIMIT": "2"}
    )
    assert (settings.workers.count, settings.workers.restart_limit) == (4, 2)
    assert load_settings(environ={}).workers.count == 0
    with pytest.raises(SettingsError, match=r"--workers: workers.count must be a whole number"):
        load_settings(flags={"workers.count": ("--workers", "many")}, environ={})
