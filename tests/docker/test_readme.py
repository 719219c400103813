"""What docker/README.md says, held against what it speaks of: settings, ports, addresses, its arithmetic."""

import math
import re
import socket
import subprocess
from pathlib import Path

import pytest

from ivr.service.config.settings import load_settings
from ivr.sip.capacity import Capacity
from ivr.sip.options import parse_ports
from tests.caller import UserAgent, sdp
from tests.caller import message as sip
from tests.docker.test_files import DOCKER, compose, value
from tests.e2e.services import Services

README = (DOCKER / "README.md").read_text(encoding="utf-8")
COMPOSE = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
BUILD_MAX_CALLS = 1024


def rows(heading: str) -> dict[str, list[str]]:
    """The table with that first cell in its head: first cell of each row to the others."""
    table = README[README.index(f"\n| {heading} |") + 1 :].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {first: others for first, *others in cells}


def test_the_table_of_variables_has_all_of_them_and_their_defaults() -> None:
    there: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE):
        there.setdefault(name, set()).add(default)
    reported: dict[str, str] = {}
    for first, (defaults, _) in rows("variable").items():
        names = re.findall(r"`(\w+)`", first)
        values = [""] * len(names) if defaults == "none" else defaults.replace("`", "").split(", ")
        reported |= dict(zip(names, values, strict=True))
    assert reported.keys() == there.keys()
    assert not {name: default for name, default in reported.items() if default not in there[name]}


def test_the_commands_name_services_and_profiles_that_there_are() -> None:
    services = compose()["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
    for text in (README, COMPOSE):
        assert set(re.findall(r"--profile (\w+)", text)) <= profiles
        assert set(re.findall(r"up -d (\w+)", text)) <= set(services)
    assert "profiles" not in services["ivr"], "the service alone"
    # A service that is started by its name brings only those it depends on, of its own profile.
    assert set(services["kamailio"]["profiles"]) == set(services["workers"]["profiles"]) == {"scale"}
    assert set(compose()["volumes"]) == {"prompts", "prompts-scale", "kamailio"}
    assert f"docker volume rm {compose()['name']}_kamailio" in README


def test_the_example_of_a_registration_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"# (\[\{.*\}\])", COMPOSE)
    assert example
    monkeypatch.setenv("IVR_SIP__REGISTRATIONS", example[1])
    (account,) = load_settings(None, {}).sip.registrations
    assert account.registrar == f"127.0.0.1:{value(compose()['services']['pbx']['environment']['PBX_PORT'])}"
    assert account.user == "400" and account.password_file == "/run/secrets/trunk"


def test_ranges_of_ports() -> None:
    """They are the compose file's, kept out of the kernel's range, and for as many calls as documented."""
    services = compose()["services"]
    ranges = {
        name: parse_ports(value(services[name]["environment"]["IVR_SIP__RTP_PORTS"]))
        for name in ("ivr", "workers")
    }
    pbx = services["pbx"]["environment"]
    ranges["pbx"] = (int(pbx["PBX_RTP_FIRST"]), int(pbx["PBX_RTP_LAST"]))
    assert "the workers have {}–{}, the PBX {}–{}".format(*ranges["workers"], *ranges["pbx"]) in README
    first, last = ranges["ivr"]
    calls = Capacity(BUILD_MAX_CALLS, last - first + 1).calls
    assert f"{last - first + 1:,} ports are {calls} calls" in README
    kept = {parse_ports(each) for each in re.findall(r"ip_local_reserved_ports=(\S+?)`", README)}
    assert kept == {(min(low for low, _ in ranges.values()), max(high for _, high in ranges.values()))}


# -- what the SDP names


IN_PUBLIC = {"IVR_SIP__STOCK_WHEEL_IN_PUBLIC": "true"}
"""The image has the carrier build; the stock wheel opens no public address by itself."""


@pytest.mark.parametrize("public", ["127.0.0.9", ""])
@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.1"])
def test_the_address_that_callers_receive(bind: str, public: str, services: Services) -> None:
    """The public one; else the one bound to; else the machine's first."""
    options = ["--public-address", public] if public else []
    # The speech engine of an API loads nothing, and nobody speaks.
    env = {"IVR_STT__ORDER": '["openai"]', "IVR_STT__OPENAI__BASE_URL": "http://127.0.0.1:9/v1"}
    service = services.start("main", {**env, "IVR_TURN__NAME": "none", **IN_PUBLIC}, *options)
    # What comes last counts.
    service._command += ["--bind", f"{bind}:{service.port}"]
    with service, UserAgent() as caller:
        call = caller.dial(service.address)
        answer = call.answered()
        reported = sdp.read(answer.body).host
        contact = sip.uri_of(answer.get("Contact")).split("@")[-1].partition(":")[0]
        if public or bind != "0.0.0.0":
            assert reported == contact.partition(";")[0] == (public or bind)
        else:
            with socket.socket(type=socket.SOCK_DGRAM) as mine:
                mine.bind((reported, 0))  # it is an address of this machine
            assert reported != "0.0.0.0"
        call.close()


# -- Linux


@pytest.mark.system
def test_the_kernel_keeps_off_ports_that_are_reserved() -> None:
    """The test runs in a network of its own."""
    reserved = re.search(r"`net\.ipv4\.(ip_local_reserved_ports=\S+?)`", README)
    assert reserved
    low, high = parse_ports(reserved[1].partition("=")[2])
    script = f"""
cd /proc/sys/net/ipv4
echo {low} {high + 50} > ip_local_port_range
echo {reserved[1].partition("=")[2]} > ip_local_reserved_ports
exec python3 -c 'import socket
socks = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(40)]
for each in socks: each.bind(("", 0))
print(min(each.getsockname()[1] for each in socks))'
"""
    command = ["unshare", "--net", "sh", "-ec", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in ran.stderr:
        pytest.skip(f"a network of its own needs root: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > high


@pytest.mark.system
def test_a_file_mounted_by_itself_stays_the_old_one_and_one_in_a_folder_does_not(tmp_path: Path) -> None:
    """Why certificates are to be mounted as a folder: they are renewed by another file of that name."""
    for name in ("here/key.pem", "alone", "folder/none"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    script = """
mount --bind here/key.pem alone
mount --bind here folder
echo new > here/renewed
mv here/renewed here/key.pem
cat alone folder/key.pem
"""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "unshare" in ran.stderr:
        pytest.skip(f"mounting needs root: {ran.stderr.strip()}")
    assert (ran.returncode, ran.stdout) == (0, "oldnew\n"), ran.stderr


# -- what grows


def amount(text: str) -> tuple[float, float]:
    """A cell's number in its smallest unit, and half of its last digit."""
    found = re.match(r"([\d,]+(?:\.(\d+))?)(?: (million|GB|Gbit/s))?", text)
    assert found, text
    unit = {"million": 1e6, "GB": 1000, "Gbit/s": 1000}.get(found[3], 1)
    return float(found[1].replace(",", "")) * unit, 0.5 * 10.0 ** -len(found[2] or "") * unit


def test_the_table_of_growth_follows_from_the_figures() -> None:
    """The assumptions: calls of three minutes, a turn every 15 s, a tenth of the time spoken again, 12
    workers a machine.
    """
    figures = {name: cells[0] for name, cells in rows("figure").items()}

    def figure(name: str, unit: str) -> float:
        found = re.search(rf"([\d.]+) {unit}", figures[name])
        assert found, (name, unit)
        return float(found[1])

    on_ethernet = figure("sound of a call, each way", r"kbit/s on Ethernet")
    kamailio_ms = figure("Kamailio, CPU of a call", "ms")
    kamailio_kb = figure("Kamailio, memory of a call", "kB")
    memory = "memory of a call, its session included; of a worker without one"
    whisper = figure("Whisper `tiny.en`, a turn of the caller", "s of a core")
    smart_turn = figure("smart-turn, a turn of the caller", "s of a core")
    piper = figure("Piper", "of a core")
    engines = 1000 * figure("memory of the engines, once a machine", "GB")
    lines, lines_a_call = figure("lines in the log", "for a prompt"), figure("lines in the log", "a call")
    head = README[README.index("| calls at once |") :].partition("\n")[0].strip("|").split("|")[1:]
    table = rows("calls at once")
    for column, cell in enumerate(head):
        calls, _ = amount(cell.strip())
        workers = math.ceil(calls / 250)
        machines, a_second = math.ceil(workers / 12), calls / 180
        expected = {
            "workers (a process and a core each)": workers,
            "machines for them, and one for the day that one fails": machines,
            "sound on Ethernet, each way": calls * on_ethernet / 1000,
            "the same in packets/s": calls * 50,
            "RTP ports": 2 * min(calls, 3000),
            "new calls/s": a_second,
            "Kamailio, cores": a_second * kamailio_ms / 1000,
            "Kamailio, memory beyond its start": a_second * kamailio_kb * 6 / 1000,
            "recognition by Whisper on such cores": calls * whisper / 15,
            "turn ends by smart-turn, cores": calls * smart_turn / 15,
            "speech by Piper, cores": calls * piper / 10,
            "memory of workers and calls": workers * figure(memory, "MB$") + calls * 0.5,
            "memory of engines": machines * engines,
            "lines in the log a second": calls * (lines / 15 + lines_a_call / 180),
        }
        assert table.keys() - expected.keys() == {
            "proxies",
            "probes a second: each proxy sends, each worker gets",
        }
        for name, value_ in expected.items():
            reported, half = amount(table[name][column])
            # The text rounds; large figures to two or three digits.
            assert abs(reported - value_) <= max(half, 0.03 * value_) + 1e-9, (name, cell, reported, value_)
