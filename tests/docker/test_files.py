"""The Dockerfiles and the compose file, by tools that know them and against what they name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ivr.modelstore import ModelStore
from ivr.service.config.settings import load_settings
from ivr.service.workers.options import worker_sip_options
from tests.docker.image import instructions

TOP = Path(__file__).parents[2]
DOCKER = TOP / "docker"
DOCKERFILES = sorted(DOCKER.glob("**/Dockerfile"))


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is missing: pip install -e '.[lint]'"
    return found


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(DOCKER / "compose.yaml")
    return loaded


def value(text: object) -> str:
    """A setting with every ${NAME:-default} at its default, as compose has it with no environment."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


@pytest.mark.parametrize("file", DOCKERFILES, ids=[f.parent.name for f in DOCKERFILES])
def test_hadolint_finds_nothing(file: Path) -> None:
    ran = subprocess.run([tool("hadolint"), str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_hadolint_finds_something_in_a_bad_file(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN cd /tmp && sudo apt-get install curl\n")
    assert subprocess.run([tool("hadolint"), str(bad)], capture_output=True, check=False).returncode == 1


def schema_says(file: Path) -> "subprocess.CompletedProcess[str]":
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_fits_its_schema(tmp_path: Path) -> None:
    ran = schema_says(DOCKER / "compose.yaml")
    assert ran.returncode == 0, ran.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DOCKER / "compose.yaml").read_text().replace("read_only:", "readonly:"))
    assert schema_says(wrong).returncode == 1


def test_what_compose_builds_is_there() -> None:
    for name, service in compose()["services"].items():
        build = service["build"]
        context = (DOCKER / build["context"]).resolve()
        file = context / build.get("dockerfile", "Dockerfile")
        assert file.is_file(), f"{name}: {file}"
        if "target" in build:
            stages = [rest.split()[-1] for verb, rest in instructions(file.read_text()) if verb == "FROM"]
            assert value(build["target"]) in stages


def test_every_copied_file_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for verb, rest in instructions((DOCKER / "Dockerfile").read_text()):
        if verb == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (TOP / source).exists(), source
                assert any(source == k or source.startswith(f"{k}/") for k in kept), source


def test_no_two_services_share_a_port() -> None:
    taken: dict[int, str] = {}
    for name, service in compose()["services"].items():
        env = {k: value(v) for k, v in service["environment"].items()}
        ports: list[int] = []
        for key, given in env.items():
            if key in ("IVR_SIP__BIND", "KAMAILIO_LISTEN", "KAMAILIO_INSIDE"):
                ports.append(int(given.rpartition(":")[2]))
            elif key == "PBX_PORT":
                ports.append(int(given))
            elif key == "IVR_SIP__RTP_PORTS":
                first, last = map(int, given.split("-"))
                ports += range(first, last + 1)
        if "PBX_RTP_FIRST" in env:
            ports += range(int(env["PBX_RTP_FIRST"]), int(env["PBX_RTP_LAST"]) + 1)
        assert ports, name
        for port in ports:
            assert port not in taken, f"{name} and {taken[port]}: {port}"
            taken[port] = name


def test_every_setting_is_one_that_the_service_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses a misspelt one."""
    blocks = [
        {k: value(v) for k, v in service["environment"].items()}
        for service in compose()["services"].values()
        if "IVR_SIP__BIND" in service["environment"]
    ]
    image = [rest for verb, rest in instructions((DOCKER / "Dockerfile").read_text()) if verb == "ENV"]
    blocks += [dict(pair.split("=", 1) for pair in rest.split()) for rest in image]
    for block in blocks:
        with monkeypatch.context() as patched:
            for key, given in block.items():
                if key.startswith("IVR_"):
                    patched.setenv(key, given)
            settings = load_settings(None, {})
            if "IVR_SIP__BIND" in block:
                assert settings.sip.bind == block["IVR_SIP__BIND"]


def test_the_services_are_closed_in() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"], name
        if "IVR_SIP__BIND" in service["environment"]:
            drain = float(value(service["environment"]["IVR_SIP__DRAIN_S"]))
            assert float(service["stop_grace_period"].removesuffix("s")) > drain, name


def test_scale_has_a_worker_for_every_address_that_kamailio_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    services = compose()["services"]
    workers = {k: value(v) for k, v in services["workers"]["environment"].items()}
    for key, given in workers.items():
        monkeypatch.setenv(key, given)
    settings = load_settings(None, {})
    binds = {f"sip:{worker_sip_options(settings.sip, n, 3).bind}" for n in range(settings.workers.count)}
    assert len(binds) == 3
    assert binds == set(value(services["kamailio"]["environment"]["KAMAILIO_WORKERS"]).split())
    assert services["kamailio"]["depends_on"] == ["workers"]


def test_what_is_opened_to_others_is_opened_for_sound_too() -> None:
    """RTP leaves from the address that SIP is bound to: each such address is a variable."""
    for name, service in compose()["services"].items():
        for key, given in service["environment"].items():
            if key in ("IVR_SIP__BIND", "KAMAILIO_LISTEN", "KAMAILIO_INSIDE", "PBX_BIND", "IVR_ADDRESS"):
                assert str(given).startswith("${"), f"{name}: {key}"


def test_the_models_folder_of_the_image_is_where_the_service_looks() -> None:
    env = next(
        rest for verb, rest in instructions((DOCKER / "Dockerfile").read_text()) if "IVR_CACHE_DIR" in rest
    )
    cache = re.search(r"IVR_CACHE_DIR=(\S+)", env)
    assert cache and ModelStore().models_dir.name == "models"
    text = (DOCKER / "Dockerfile").read_text()
    assert f"{cache.group(1)}/models {cache.group(1)}/models" in text
    assert f"VOLUME {cache.group(1)}/prompts" in text
