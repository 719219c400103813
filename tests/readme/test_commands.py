"""Every command of the top README, run as it is printed, with the README's own files."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from ivr.service.config.settings import load_settings
from ivr.sip.options import parse_bind, parse_ports
from tests.readme.readme import README, ROOT, TEXT, blocks, commands, make_folder, run, run_line

CHECK = ".venv/bin/ivr check front-desk.yaml"
SIMULATE = ".venv/bin/ivr simulate front-desk.yaml"
TEST = ".venv/bin/ivr test front-desk.yaml"
GRAPH = ".venv/bin/ivr graph front-desk.yaml -o front-desk.svg"
TALK = ".venv/bin/ivr talk dialplans/demo.yaml --in dialplans/sounds/caller.wav --out heard.wav"
DOCTOR = ".venv/bin/ivr doctor"
SERVE = ".venv/bin/ivr serve front-desk.yaml --watch"
SERVE_ALL = (
    ".venv/bin/ivr serve front-desk.yaml --bind 0.0.0.0:5060 --accept-from 192.0.2.0/24"
    " --rtp-ports 16384-16583"
)
INIT = ".venv/bin/ivr init front-desk"
CALL = ".venv/bin/ivr call front-desk.yaml 101"
PROGRAM = ".venv/bin/python"
BARESIP = "baresip -e '/uanew sip:me@127.0.0.1;regint=0' -e '/dial sip:demo@127.0.0.1:5060'"
MAKE = {"make run", "make bench", "make carrier", "make test", "make lint"}

RUN_ELSEWHERE = {SERVE, BARESIP, PROGRAM}
"""Those of test_service.py and test_program.py."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def test_every_command_is_run_by_a_test() -> None:
    here = {CHECK, SIMULATE, TEST, GRAPH, TALK, DOCTOR, SERVE_ALL, INIT, CALL}
    assert commands() == here | RUN_ELSEWHERE | MAKE


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= 200


def test_every_file_that_it_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    paths = re.findall(r"`((?:ivr|dialplans|docker|models|tests|docs)/[\w./-]+)`", TEXT)
    assert links and paths
    assert not [name for name in (*links, *paths) if not (ROOT / name).exists()]


def test_the_plan_has_no_finding(folder: Path) -> None:
    checked = run(folder, CHECK)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dialogues_pass(folder: Path) -> None:
    tested = run(folder, TEST)
    assert tested.returncode == 0 and "2 dialogues" in tested.stdout, tested.stdout + tested.stderr
    assert re.search(r"\d+ of \d+ covered", run_line(folder, TEST + " --coverage").stdout)


@pytest.mark.system
def test_the_dialogues_pass_over_sip(folder: Path, models: ModelStore) -> None:
    assert "`--sip` runs the same dialogues over real SIP" in TEXT
    tested = run_line(folder, TEST + " --sip -k hours")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_caller_at_the_terminal(folder: Path) -> None:
    simulated = run(folder, SIMULATE, "when are you open\n")
    assert simulated.returncode == 0, simulated.stderr
    assert "We are open from nine to five" in simulated.stdout


def test_the_fourth_miss_is_the_last(folder: Path) -> None:
    """The comment at ``exhausted``: the question is asked once and repeated three times."""
    assert "the question is repeated three times; the fourth miss goes here" in blocks("yaml")[0]
    simulated = run(folder, SIMULATE, "\n" * 4)
    assert simulated.stdout.count("Say sales or opening hours") == 4
    assert "I will put you through" in simulated.stdout
    assert "I will put you through" not in run(folder, SIMULATE, "\n" * 3).stdout


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_the_picture(folder: Path) -> None:
    drawn = run(folder, GRAPH)
    assert drawn.returncode == 0, drawn.stderr
    assert "<svg" in (folder / "front-desk.svg").read_text(encoding="utf-8")


@pytest.mark.integration
def test_a_recording_is_the_caller(folder: Path, models: ModelStore) -> None:
    """The shipped caller is understood, interrupts twice and ends the call."""
    talked = run(folder, TALK)
    assert talked.returncode == 0, talked.stderr
    assert "When are you open" in talked.stdout and talked.stdout.count("interrupted") == 2
    assert talked.stdout.splitlines()[-1].endswith("the plan demo ended: hangup")
    assert (folder / "heard.wav").stat().st_size > 40_000


@pytest.mark.integration
def test_doctor_says_what_it_finds(folder: Path, models: ModelStore) -> None:
    examined = run(folder, DOCTOR)
    assert examined.returncode in (0, 1) and not examined.stderr, examined.stderr
    assert len(examined.stdout.splitlines()) > 5


@pytest.mark.parametrize("command", [SERVE, SERVE_ALL, CALL])
def test_options_exist(folder: Path, command: str) -> None:
    _, name, *arguments = command.split()
    shown = run_line(folder, f".venv/bin/ivr {name} --help").stdout
    assert not [option for option in arguments if option.startswith("--") and option not in shown]


def test_addresses_and_ports_for_calls_from_elsewhere() -> None:
    arguments = SERVE_ALL.split()
    assert parse_bind(arguments[arguments.index("--bind") + 1]) == ("0.0.0.0", 5060)
    first, last = parse_ports(arguments[arguments.index("--rtp-ports") + 1])
    assert last - first + 1 == 200


def test_a_folder_to_begin_with(folder: Path) -> None:
    made = run(folder, INIT)
    assert made.returncode == 0, made.stderr
    kinds = {path.name for path in (folder / "front-desk").iterdir()}
    assert kinds == {"front-desk.yaml", "front-desk.test.yaml", "ivr.toml", "ivr.service"}
    assert run_line(folder / "front-desk", "../.venv/bin/ivr test front-desk.yaml").returncode == 0


def test_the_account_is_accepted(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (row,) = tomllib.loads(text)["sip"]["registrations"]
    (tmp_path / "pbx").write_text("secret\n")
    (tmp_path / "ivr.toml").write_text(text.replace(row["password_file"], str(tmp_path / "pbx")))
    (account,) = load_settings(tmp_path / "ivr.toml", environ={}).sip.registrations
    assert (account.registrar, account.user) == ("pbx.example.org", "400")


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    missing = [target for target in MAKE if not re.search(rf"^{target[5:]}:", makefile, re.MULTILINE)]
    assert not missing
    assert "dialplans/demo.yaml" in makefile and README.exists()
