"""The doctor's findings, each against the real thing: ports that are taken, models that are not there."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from ivr.modelstore import ModelStore
from ivr.service import doctor
from ivr.service.config.settings import Settings, load_settings
from ivr.service.doctor import Finding
from ivr.sip.options import SipOptions
from ivr.sip.pjsip.probe import build_name
from ivr.sip.security.check import Security
from tests.caller.authority import Authority


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**values: Any) -> Settings:
    return load_settings(
        None, {name.replace("__", "."): (f"--{name}", value) for name, value in values.items()}, {}
    )


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_build_is_asked_for_its_limit() -> None:
    build, finding = doctor.pjsua_finding()
    assert finding.level == "ok"
    assert build is not None and build.max_calls >= 4
    assert finding.text.startswith(build_name("").rstrip())
    assert f"compiled for {build.max_calls} calls: {build.max_calls - 1} served" in finding.text


def test_what_the_build_can_encrypt_is_reported_and_what_it_cannot_is_a_fault(tmp_path: Path) -> None:
    new = Security("OpenSSL 3.0.19 27 Jan 2026", ("sdes", "dtls"))
    old = Security("OpenSSL 1.0.2k-fips  26 Jan 2017", ("sdes",))
    nothing = settings().sip
    assert "SRTP by SDES and DTLS, optional; TLS by OpenSSL 3.0.19" in security_text(nothing, new)
    assert "SRTP by SDES, optional; no TLS: OpenSSL 1.0.2k-fips" in security_text(nothing, old)
    issued = Authority(tmp_path).issue("ivr", "DNS:ivr.test", days=3)
    files = {
        "sip__tls_certificate_file": str(issued.certificate),
        "sip__tls_key_file": str(issued.key),
        "sip__tls_bind": "127.0.0.1:5061",
    }
    soon = doctor.security_finding(settings(**files).sip, new)
    assert soon.level == "warn" and "for ivr.test, valid until" in soon.text and "renew" in soon.remedy
    refused = doctor.security_finding(settings(**files).sip, old)
    assert refused.level == "FAIL" and "OpenSSL 1.0.2k" in refused.text and "make carrier" in refused.remedy
    files["sip__tls_key_file"] = str(issued.certificate)
    wrong = doctor.security_finding(settings(**files).sip, new)
    assert wrong.level == "FAIL" and "no key" in wrong.text and "sip.tls_key_file" in wrong.remedy


def security_text(sip: SipOptions, build: Security) -> str:
    finding = doctor.security_finding(sip, build)
    assert finding.level == "ok"
    return finding.text


def test_a_build_that_does_not_load_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pjsua2.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    build, finding = doctor.pjsua_finding()
    assert (build, finding.level) == (None, "FAIL")
    (tmp_path / "pjsua2.py").write_text("raise ImportError('libfoo.so: wrong ELF class')")
    build, finding = doctor.pjsua_finding()
    assert (build, finding.level) == (None, "FAIL")
    assert "wrong ELF class" in finding.text and "make carrier" in finding.remedy


def test_a_taken_sip_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        chosen = settings(sip__bind=f"127.0.0.1:{taken.getsockname()[1]}")
        udp, tcp, *_ = doctor.port_findings(chosen, 4)
    assert (udp.level, udp.subject) == ("FAIL", "SIP UDP")
    assert "in use" in udp.text and "--bind" in udp.remedy
    assert (tcp.level, tcp.subject) == ("ok", "SIP TCP")


def test_free_ports_and_an_rtp_range_in_part_taken() -> None:
    bind = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        first = min(port, 65535 - 9)
        wide = settings(sip__bind=bind, sip__rtp_ports=f"{first}-{first + 9}", sip__max_calls="1")
        udp, tcp, rtp = doctor.port_findings(wide, 4)
        assert (udp.level, tcp.level) == ("ok", "ok")
        assert rtp.level == "warn"
        narrow = settings(sip__bind=bind, sip__rtp_ports=f"{first}-{first + 3}", sip__max_calls="4")
        *_, rtp = doctor.port_findings(narrow, 4)
        assert rtp.level == "FAIL" and "--rtp-ports" in rtp.remedy


@pytest.mark.parametrize(
    ("build", "ports", "asked", "level", "words", "remedy"),
    [
        (1024, "16384-16583", None, "warn", ": 99 calls at once; this build holds 1023", "16384-18431"),
        (1024, "16384-18431", None, "ok", ": 1023 calls at once", ""),
        (4, "16384-16583", None, "ok", ": 3 calls at once", ""),
        (1024, "16384-16583", "99", "ok", ": 99 calls at once", ""),
        (1024, "16384-16583", "100", "FAIL", "99 calls at once; sip.max_calls asks for 100", "--rtp-ports"),
        (4, "16384-16583", "100", "FAIL", "3 calls at once; sip.max_calls asks for 100", "make carrier"),
        (None, "16384-16583", None, "ok", ": 99 calls at once", ""),
    ],
)
def test_how_many_calls_there_will_be(
    build: int | None, ports: str, asked: str | None, level: str, words: str, remedy: str
) -> None:
    # An address of its own, where every port is free.
    values = {"sip__bind": "127.84.0.1:5060", "sip__rtp_ports": ports}
    values |= {"sip__max_calls": asked} if asked else {}
    finding = doctor.rtp_finding(settings(**values).sip, build)
    assert finding.level == level and words in finding.text and remedy in finding.remedy
    assert bool(finding.remedy) is bool(remedy)


def test_the_ports_of_each_worker() -> None:
    bind = ("127.84.0.2", 5060)
    chosen = settings(sip__bind="127.84.0.2:5060", workers__count="2")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((bind[0], bind[1] + 1))
        found = {each.subject: each for each in doctor.port_findings(chosen, 1024)}
    assert list(found) == [f"{each} {n}" for n in (0, 1) for each in ("SIP UDP", "SIP TCP", "RTP")]
    assert [name for name, each in found.items() if each.level == "FAIL"] == ["SIP UDP 1"]
    assert ": 49 calls at once" in found["RTP 0"].text
    (finding,) = doctor.port_findings(settings(sip__rtp_ports="20000-20003", workers__count="2"), 4)
    assert finding.level == "FAIL" and "too few for 2 workers" in finding.text


def test_models_that_are_there(models: ModelStore) -> None:
    found = list(doctor.model_findings(settings()))
    assert [finding.level for finding in found] == ["ok"] * 4
    without = list(doctor.model_findings(settings(turn__name="none")))
    assert not any("smart-turn" in finding.text for finding in without)


def test_models_that_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVR_CACHE_DIR", str(tmp_path / "empty"))
    found = list(doctor.model_findings(settings()))
    assert {(finding.level, finding.remedy) for finding in found} == {
        ("FAIL", "ivr models fetch silero"),
        ("FAIL", "ivr models fetch whisper-tiny.en"),
        ("FAIL", "ivr models fetch piper-joe"),
        ("FAIL", "ivr models fetch smart-turn"),
    }


def test_a_detector_of_ones_own(tmp_path: Path, models: ModelStore) -> None:
    own = tmp_path / "own.onnx"
    first, *_ = doctor.model_findings(settings(vad__model=str(own)))
    assert (first.level, first.subject) == ("FAIL", "model vad")
    own.write_bytes(b"no network at all")
    first, *_ = doctor.model_findings(settings(vad__model=str(own)))
    assert first.level == "FAIL" and "not an ONNX model" in first.text
    own.write_bytes(models.path("silero").read_bytes())
    first, *_ = doctor.model_findings(settings(vad__model=str(own)))
    assert (first.level, first.text) == ("ok", f"{own} loads")


def test_the_cache_must_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVR_CACHE_DIR", str(tmp_path / "new"))
    assert doctor.cache_finding().level == "ok"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IVR_CACHE_DIR", str(tmp_path / "file"))
    finding = doctor.cache_finding()
    assert finding.level == "FAIL" and "IVR_CACHE_DIR" in finding.remedy


@pytest.mark.parametrize(
    ("bind", "public", "level", "words"),
    [
        ("127.0.0.1:5060", None, "warn", "only this machine"),
        ("127.0.0.1:5060", "203.0.113.7", "ok", "203.0.113.7 is advertised"),
        ("192.168.1.2:5060", None, "ok", "for phones beyond NAT set --public-address"),
        ("8.8.8.8:5060", None, "ok", "8.8.8.8 is advertised"),
    ],
)
def test_the_address_advertised(bind: str, public: str | None, level: str, words: str) -> None:
    values = {"sip__bind": bind} | ({"sip__public_address": public} if public else {})
    finding = doctor.address_finding(settings(**values))
    assert finding.level == level
    assert words in finding.text


def test_local_engines_are_really_started(models: ModelStore) -> None:
    chosen = settings()
    (stt,) = doctor.engine_findings("stt", chosen.stt)
    (tts,) = doctor.engine_findings("tts", chosen.tts)
    assert stt.level == "ok" and "first choice" in stt.text, stt
    assert tts.level == "ok", tts
    (turn,) = doctor.engine_findings("turn", chosen.turn)
    assert turn.level == "ok" and "of 300 ms it may take" in turn.text, turn
    assert list(doctor.engine_findings("turn", settings(turn__name="none").turn)) == []


def test_an_engine_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.setattr(
        doctor.importlib.util, "find_spec", lambda name: None if name == "faster_whisper" else name
    )
    (finding,) = doctor.engine_findings("stt", settings().stt)
    assert finding.level == "FAIL" and "interruptible-ivr[local]" in finding.remedy


def test_openai_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (finding,) = doctor.engine_findings("stt", settings(stt__order=["openai"]).stt)
    assert finding.level == "FAIL" and "OPENAI_API_KEY" in finding.remedy


def test_the_exit_code_and_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    findings = [Finding("ok", "python", "3.11"), Finding("warn", "RTP", "some", "do")]
    monkeypatch.setattr(doctor, "examine", lambda _: iter(findings))
    assert doctor.run(settings(), said.append) == 0
    findings.append(Finding("FAIL", "model", "gone", "ivr models fetch"))
    assert doctor.run(settings(), said.append) == 1
    assert said[-1] == "1 fault"
    assert said[-2].split() == ["FAIL", "model", "gone", "->", "ivr", "models", "fetch"]
    assert os.linesep not in said[0]
