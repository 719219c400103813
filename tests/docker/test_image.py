"""The image's steps carried out in clean Debian roots, and what comes of them called (make docker-check)."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore, cache_root
from tests.caller import UserAgent, measure, sounds
from tests.docker.image import Builder, Stage, container
from tests.e2e.running import Service
from tests.ports import free_port, rtp_ports

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]

TOP = Path(__file__).parents[2]
KEPT = cache_root() / "docker"


def _may_build() -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("carrying out the image's steps needs root and debootstrap: apt-get install debootstrap")


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    """The stages of docker/Dockerfile by their names, built from nothing but Debian."""
    _may_build()
    work = tmp_path_factory.mktemp("image")
    own_wheels = KEPT / "cache" / "ivr-wheels"
    own_wheels.mkdir(parents=True, exist_ok=True)
    # A wheel that `make carrier` has made of the same scripts on the same Debian has the same name.
    for wheel in (cache_root() / "wheels").glob("*.whl"):
        if not (own_wheels / wheel.name).exists():
            shutil.copy(wheel, own_wheels)
    builder = Builder(TOP, work, KEPT)
    began = time.monotonic()
    builder.build(TOP / "docker" / "Dockerfile")
    print(f"{len(builder.log)} instructions in {time.monotonic() - began:.0f} s")
    yield builder.stages
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture(scope="module")
def image(stages: dict[str, Stage]) -> Stage:
    """The last stage: what `docker build` without a target makes."""
    return stages["service"]


class Container(Service):
    """``docker run --read-only --network host`` of the image, as compose.yaml does it."""

    def __init__(
        self,
        image: Stage,
        volumes: Path,
        command: Sequence[str] = (),
        shown: Mapping[str, Path] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """``command`` instead of the image's; ``shown`` as in ``container``; more settings."""
        super().__init__([], ready_timeout=90.0)
        self.image = image
        self.env = {
            "IVR_SIP__BIND": f"127.0.0.1:{self.port}",
            "IVR_SIP__PUBLIC_ADDRESS": "127.0.0.1",
            "IVR_SIP__RTP_PORTS": rtp_ports(),
            **(env or {}),
        }
        self.volumes = volumes
        volumes.mkdir(exist_ok=True)
        words = [*image.entrypoint, *(command or image.command)]
        self._command = container(image, volumes, self.env, words, shown)

    def health(self) -> int:
        """Exit code of the image's health check."""
        command = container(self.image, self.volumes, self.env, self.image.health)
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode


def test_the_image_answers_calls_and_drains(image: Stage, tmp_path: Path) -> None:
    assert image.user == "10001:10001" and image.stop_signal == "SIGTERM"
    with Container(image, tmp_path / "volumes") as service, UserAgent() as caller:
        ready = service.find("ready")[0]
        assert ready["build_max_calls"] >= 1000  # the carrier build is in it
        assert service.health() == 0
        uid = Path(f"/proc/{service.process.pid}/status").read_text().split("Uid:")[1].split()[0]
        assert uid == "10001"
        call = caller.call(service.address)
        since = call.media.wait_loud(8, after=call.ack_at)
        time.sleep(1)
        assert len(measure.loud_times(call.media.since(since))) > 25
        assert {host for host, _ in call.media.sources} == {"127.0.0.1"}
        call.media.play(sounds.recording("digits/2")).wait()
        service.wait_event("transcript", 10, call=call.call_id)
        # Stopped: the call goes on, a new one is refused, the end is orderly.
        service.signal(getattr(signal, image.stop_signal))
        service.wait_event("draining", 5)
        assert caller.dial(service.address).answered().status == 503
        assert service.health() == 0  # full or draining is not ill
        assert call.state == "up"
        call.close()
        assert service.wait(15) == 0
    assert service.health() == 1


def test_without_models_it_wants_them_and_with_a_mounted_cache_it_serves_a_mounted_plan(
    stages: dict[str, Stage], models: ModelStore, tmp_path: Path
) -> None:
    """The target slim, as docker/README.md has it."""
    slim = stages["slim"]
    plans = tmp_path / "plans"
    plans.mkdir(mode=0o755)
    plan = "dialplan: 1\nname: desk\nstart: hello\nsteps:\n  hello:\n    - say: Hello from the front desk.\n"
    (plans / "front-desk.yaml").write_text(plan)
    command, shown = ["serve", "/plans/front-desk.yaml"], {"/plans": plans}
    with (
        pytest.raises(TimeoutError, match="ivr models fetch"),
        Container(slim, tmp_path / "volumes", command, shown),
    ):
        pass
    shown["/var/lib/ivr/models"] = models.models_dir
    with Container(slim, tmp_path / "volumes", command, shown) as service, UserAgent() as caller:
        call = caller.call(service.address)
        assert service.wait_event("call_started", call=call.call_id)["plan"] == "desk"
        call.media.wait_loud(8, after=call.ack_at)
        call.hangup()
    assert not (slim.root / "var/lib/ivr/models").is_mount()


def test_three_workers_in_the_image_as_in_the_profile_scale(image: Stage, tmp_path: Path) -> None:
    env = {"IVR_WORKERS__COUNT": "3"}
    with Container(image, tmp_path / "volumes", env=env) as service, UserAgent() as caller:
        addresses = [("127.0.0.1", service.port + n) for n in range(3)]
        ready = service.find("ready")[-1]
        assert ready["addresses"] == [f"{host}:{port}" for host, port in addresses]
        assert service.health() == 0  # of the first one
        calls = [caller.call(address) for address in addresses]
        for call in calls:
            call.media.wait_loud(8, after=call.ack_at)
        service.signal(signal.SIGTERM)
        for worker in range(3):
            service.wait_event("draining", 5, worker=worker)
        assert [call.state for call in calls] == ["up"] * 3
        for call in calls:
            call.hangup()
        assert service.wait(15) == 0


def _others() -> list[tuple[str, dict[str, str]]]:
    pbx, edge, inside = free_port(), free_port(), free_port()
    return [
        (
            "asterisk",
            {"PBX_BIND": "127.0.0.1", "PBX_PORT": str(pbx), "TRUNK_PASSWORD": "a", "PHONE_PASSWORD": "b"},
        ),
        (
            "kamailio",
            {
                "KAMAILIO_LISTEN": f"127.0.0.1:{edge}",
                "KAMAILIO_INSIDE": f"127.0.0.1:{inside}",
                "KAMAILIO_WORKERS": f"sip:127.0.0.1:{free_port()}",
                "KAMAILIO_TRUNKS": "127.0.0.0/8",
                "KAMAILIO_WORKER_NETS": "127.0.0.0/8",
                "KAMAILIO_CHILDREN": "2",
            },
        ),
    ]


@pytest.mark.parametrize(("name", "env"), _others(), ids=[name for name, _ in _others()])
def test_the_images_around_it_run_and_stop(name: str, env: dict[str, str], tmp_path: Path) -> None:
    _may_build()
    context = TOP / "docker" / name
    stage = Builder(context, tmp_path / "image", KEPT).build(context / "Dockerfile")
    volumes = tmp_path / "volumes"
    volumes.mkdir()
    command = container(stage, volumes, env, [*stage.entrypoint, *stage.command])
    output = tmp_path / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        health = container(stage, volumes, env, stage.health)
        deadline = time.monotonic() + 30
        while subprocess.run(health, capture_output=True, timeout=10, check=False).returncode:
            assert process.poll() is None, output.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, output.read_text(errors="replace")[-3000:]
            time.sleep(0.5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert int(status.split("Uid:")[1].split()[0]) != 0
        process.send_signal(getattr(signal, stage.stop_signal))
        assert process.wait(15) == 0
    finally:
        process.kill()


def test_nothing_of_the_root_is_written_to(image: Stage, tmp_path: Path) -> None:
    volumes = tmp_path / "volumes"
    volumes.mkdir()
    looked = (
        "touch /var/lib/ivr/prompts/x /tmp/x && ! touch /etc/ivr/x /opt/ivr/x /var/lib/ivr/models/x; id -u"
    )
    ran = subprocess.run(
        container(image, volumes, {}, ["sh", "-ec", looked]), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0 and ran.stdout.strip() == "10001", ran.stderr
    assert ran.stderr.count("Read-only file system") == 3


def test_no_compiler_and_no_cache_came_along(image: Stage) -> None:
    assert not (image.root / "usr/bin/gcc").exists() and not (image.root / "src").exists()
    assert not list((image.root / "var/lib/apt/lists").glob("*Packages*"))
    assert not (image.root / "opt/ivr/lib/python3.11/site-packages/torch").exists()


def test_it_is_as_large_as_documented(stages: dict[str, Stage]) -> None:
    """1.1 GB unpacked, 0.15 of it models."""
    size = {name: _bytes(stages[name].root) / 1e9 for name in ("slim", "service")}
    assert 1.05 <= size["service"] < 1.15, size
    assert 0.145 <= size["service"] - size["slim"] < 0.155, size


def _bytes(folder: Path) -> int:
    reported = subprocess.run(
        ["du", "-sx", "--block-size=1", folder], capture_output=True, text=True, check=True
    )
    return int(reported.stdout.split()[0])
