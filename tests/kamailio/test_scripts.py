"""run.sh and workers.sh: what they refuse, and that the configuration they give is one Kamailio reads."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kamailio.edge import DOCKER, why_no_tls


def run(script: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER / script, *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_mistakes_are_said_plainly(tmp_path: Path) -> None:
    base = {"KAMAILIO_RUN": str(tmp_path)}
    done = run("run.sh", "check", KAMAILIO_LISTEN="0.0.0.0:5060", **base)
    assert done.returncode == 2 and "not 0.0.0.0" in done.stderr
    nat = {"KAMAILIO_LISTEN": "127.0.0.1:5060", "KAMAILIO_ADVERTISE": "edge.invalid:5060"}
    done = run("run.sh", "check", **base, **nat)
    assert done.returncode == 2 and "edge.invalid:5060 names a host" in done.stderr
    tls = {"KAMAILIO_LISTEN": "127.0.0.1:5060", "KAMAILIO_TLS_LISTEN": "127.0.0.1:5061"}
    done = run("run.sh", "check", **base, **tls)
    assert done.returncode == 2 and "KAMAILIO_TLS_CERT" in done.stderr
    done = run("run.sh", "check", KAMAILIO_TLS_CERT="/none", KAMAILIO_TLS_KEY="/none", **base, **tls)
    assert done.returncode == 2 and "/none" in done.stderr
    done = run("workers.sh", "add", "127.0.0.1:5060", **base)
    assert done.returncode == 2 and "workers.sh add" in done.stderr
    done = run("workers.sh", "list", **base)
    assert done.returncode, "no Kamailio runs there"


def test_the_configuration_with_everything_is_right(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    if reason := why_no_tls():
        pytest.skip(reason)
    cert, key = certificate
    done = run(
        "run.sh",
        "check",
        KAMAILIO_RUN=str(tmp_path),
        KAMAILIO_LISTEN="127.0.0.1:5060",
        KAMAILIO_INSIDE="127.0.0.1:5070",
        KAMAILIO_ADVERTISE="192.0.2.7:5060",
        KAMAILIO_TLS_LISTEN="127.0.0.1:5061",
        KAMAILIO_TLS_CERT=str(cert),
        KAMAILIO_TLS_KEY=str(key),
        KAMAILIO_WORKERS="sip:127.0.0.1:5080 sip:127.0.0.1:5081;transport=tcp",
        KAMAILIO_TRUNKS="192.0.2.0/24 198.51.100.7",
        KAMAILIO_WORKER_NETS="10.0.0.0/8",
    )
    assert done.returncode == 0 and "config file ok" in done.stderr, done.stderr
    allowed = (tmp_path / "allow.list").read_text(encoding="utf-8").split("\n")
    assert {"1 192.0.2.0 24", "1 198.51.100.7", "2 10.0.0.0 8"} <= set(allowed)


@pytest.mark.parametrize("script", ["run.sh", "workers.sh"])
def test_a_shell_and_shellcheck_see_no_mistake(script: str) -> None:
    for checker in (["sh", "-n"], ["shellcheck"]):
        if shutil.which(checker[0]):
            done = subprocess.run([*checker, DOCKER / script], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
