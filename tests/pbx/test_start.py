"""start.sh without Asterisk: what it writes, where passwords come from, what it refuses."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pbx.running import FILES

PASSWORDS = {"TRUNK_PASSWORD": "trunk", "PHONE_PASSWORD": "phone"}


def start(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Start with a program called asterisk that does nothing."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "asterisk").write_text('#!/bin/sh\necho started "$@"\n')
    (programs / "asterisk").chmod(0o755)
    return subprocess.run(
        [FILES / "start.sh"],
        env={"PATH": f"{programs}:/usr/bin:/bin", "PBX_DIR": str(folder / "pbx"), **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def written(folder: Path, name: str) -> str:
    return (folder / "pbx" / "etc" / name).read_text(encoding="utf-8")


def test_every_name_is_filled_in(tmp_path: Path) -> None:
    done = start(tmp_path, **PASSWORDS, PBX_PORT="5999", IVR_ADDRESS="192.0.2.1")
    assert done.returncode == 0 and "started -f -C" in done.stdout, done.stderr
    files = sorted(each.name for each in (FILES / "etc").glob("*.conf"))
    assert sorted(each.name for each in (tmp_path / "pbx" / "etc").iterdir()) == files
    assert not [name for name in files if re.search(r"@[A-Z_]+@", written(tmp_path, name))]
    pjsip = written(tmp_path, "pjsip.conf")
    assert "bind = 127.0.0.1:5999\n" in pjsip and "contact = sip:192.0.2.1:5060\n" in pjsip
    assert "external_" not in pjsip, "no NAT unless a public address is named"


def test_a_public_address_is_for_sip_and_for_sound(tmp_path: Path) -> None:
    assert start(tmp_path, **PASSWORDS, PBX_PUBLIC_ADDRESS="203.0.113.10").returncode == 0
    lines = written(tmp_path, "pjsip.conf").splitlines()
    assert "external_media_address=203.0.113.10" in lines
    assert "external_signaling_address=203.0.113.10" in lines


def test_passwords_come_from_files_and_are_for_this_user_only(tmp_path: Path) -> None:
    """The files are as the compose file has them."""
    (tmp_path / "trunk").write_text("from-a-file\nsecond line\n")
    (tmp_path / "phones").write_text("another_one")
    done = start(
        tmp_path,
        TRUNK_PASSWORD_FILE=str(tmp_path / "trunk"),
        PHONE_PASSWORD_FILE=str(tmp_path / "phones"),
    )
    assert done.returncode == 0, done.stderr
    pjsip = written(tmp_path, "pjsip.conf")
    assert "password = from-a-file\n" in pjsip and "password = another_one\n" in pjsip
    assert (tmp_path / "pbx" / "etc" / "pjsip.conf").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("env", "reported"),
    [
        ({"PHONE_PASSWORD": "b"}, "set TRUNK_PASSWORD, or TRUNK_PASSWORD_FILE"),
        ({"TRUNK_PASSWORD": "a", "PHONE_PASSWORD": "b|c"}, "PHONE_PASSWORD may hold letters"),
        ({"TRUNK_PASSWORD_FILE": "/none", "PHONE_PASSWORD": "b"}, "/none"),
    ],
)
def test_there_is_no_pbx_without_passwords(env: dict[str, str], reported: str, tmp_path: Path) -> None:
    done = start(tmp_path, **env)
    assert done.returncode and reported in done.stderr
    assert not (tmp_path / "pbx" / "etc").exists()


@pytest.mark.parametrize("script", ["start.sh", "chroot.sh"])
def test_a_shell_and_shellcheck_see_no_mistake(script: str) -> None:
    for checker in (["sh", "-n"], ["shellcheck"]):
        if shutil.which(checker[0]):
            done = subprocess.run([*checker, FILES / script], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
