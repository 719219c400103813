"""The commands as a user runs them: in a process of their own."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests.caller.authority import Authority
from tests.e2e.secure import needs_carrier, needs_stock

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "dialplans" / "demo.yaml"


def ivr(*arguments: object, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "OPENAI_"))}
    if "IVR_CACHE_DIR" in os.environ:
        kept["IVR_CACHE_DIR"] = os.environ["IVR_CACHE_DIR"]
    return subprocess.run(
        [sys.executable, "-m", "ivr.cli", *map(str, arguments)],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version(tmp_path: Path) -> None:
    done = ivr("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"ivr {importlib.metadata.version('interruptible-ivr')}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required: COMMAND"),
        (("srve",), "invalid choice: 'srve'"),
        (("serve", "--bnd", "x"), "unrecognized arguments: --bnd"),
        (("serve",), "no dialplan: name one"),
        (("serve", "absent.yaml"), "absent.yaml"),
        (("serve", PLAN, "--bind", "5060"), "--bind: sip.bind = '5060': must be HOST:PORT"),
        (("serve", PLAN, "--rtp-ports", "7"), "--rtp-ports: sip.rtp_ports = '7': must be FIRST-LAST"),
        (("serve", PLAN, "--vad-threshold", "2"), "--vad-threshold: vad.threshold"),
        (("serve", PLAN, "--rtp-timeout", "soon"), "--rtp-timeout: sip.rtp_timeout_s must be a number"),
        (("serve", PLAN, "--drain", "-3"), "--drain: sip.drain_s = '-3': must not be negative"),
        (("serve", PLAN, "--stt", "wisper"), "there is no speech-to-text engine 'wisper'"),
        (("serve", PLAN, "--tts", "pipper"), "there is no text-to-speech engine 'pipper'"),
        (("serve", PLAN, "--log", "xml"), "--log: log.format must be one of console, json"),
        (("serve", PLAN, "--config", "absent.toml"), "absent.toml: No such file"),
        (("talk", PLAN), "--in"),
        (("talk", PLAN, "--in", "absent.wav"), "absent.wav: No such file"),
        (("talk", PLAN, "--in", PLAN), "demo.yaml"),
        (("talk", "absent.yaml", "--in", PLAN), "absent.yaml"),
        (("serve", PLAN, "--drain", "nan"), "--drain: sip.drain_s = 'nan': must be a finite number"),
        (("serve", PLAN, PLAN), f"{PLAN}:1:1: its name 'demo' is that of {PLAN} too"),
        (("serve", PLAN, PLAN, "--workers", "2"), f"{PLAN}:1:1: its name 'demo' is that of {PLAN} too"),
        (("models", "fetch", "wisper-tiny.en"), "did you mean 'whisper-tiny.en'"),
        (("doctor", "--bind", "x"), "--bind: sip.bind = 'x'"),
    ],
)
def test_wrong_use_is_reported_in_a_line(tmp_path: Path, arguments: tuple[object, ...], words: str) -> None:
    done = ivr(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ivr")


def test_a_wrong_variable_or_file_is_reported_likewise(tmp_path: Path) -> None:
    done = ivr("serve", PLAN, cwd=tmp_path, IVR_SIP__BNID="x")
    assert done.returncode == 2
    assert done.stderr == "ivr: environment: IVR_SIP__BNID is not a setting; did you mean IVR_SIP__BIND?\n"
    (tmp_path / "ivr.toml").write_text("[sip]\nbnd = 'x'")
    done = ivr("serve", PLAN, cwd=tmp_path)
    assert done.stderr == "ivr: ivr.toml:2: sip.bnd is not a setting; did you mean sip.bind?\n"


def test_a_plan_with_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("dialplan: 1\nname: x\nstart: a\nsteps:\n  a:\n    - sy: hello\n")
    done = ivr("serve", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("ivr: plan.yaml:6:7: ")


@pytest.mark.parametrize(("table", "workers"), [("[tts.piper]", "1"), ("[vad]", "0")])
def test_a_model_of_ones_own_that_is_not_there(tmp_path: Path, table: str, workers: str) -> None:
    (tmp_path / "ivr.toml").write_text(f'{table}\nmodel = "/nosuch.onnx"\n')
    done = ivr("serve", PLAN, "--workers", workers, "--bind", "127.0.0.1:5998", cwd=tmp_path)
    assert done.returncode == 2, done
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ivr: ") and "/nosuch.onnx" in last and "`ivr doctor`" in last
    assert table != "[vad]" or "vad.model: /nosuch.onnx: no such file; name a Silero VAD" in last
    assert "Traceback" not in done.stderr


ENCRYPTED = ("IVR_SIP__TLS_BIND=127.0.0.1:5960", "IVR_SIP__SRTP=required")


@needs_stock
@pytest.mark.parametrize(("setting", "workers"), list(zip(ENCRYPTED, ("0", "2"), strict=True)))
def test_the_stock_wheel_is_asked_for_no_encryption_it_cannot_do(
    tmp_path: Path, setting: str, workers: str
) -> None:
    """It is refused before engines are loaded, with the reason and the remedy; by the doctor too."""
    name, _, value = setting.partition("=")
    done = ivr("serve", PLAN, "--workers", workers, "--bind", "127.0.0.1:5998", cwd=tmp_path, **{name: value})
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ivr: sip.") and "needs TLS" in last and "OpenSSL 1.0.2" in last
    assert "make carrier" in last and "process_ready" not in done.stderr and "Traceback" not in done.stderr
    reported = ivr("doctor", "--bind", "127.0.0.1:5998", cwd=tmp_path, **{name: value}).stdout
    assert re.search(r"FAIL +encryption +sip\.", reported) and "make carrier" in reported


@needs_carrier
@pytest.mark.parametrize("workers", ["0", "2"])
def test_files_of_tls_are_looked_at_before_engines_are_loaded(tmp_path: Path, workers: str) -> None:
    own, other = (Authority(tmp_path / name).issue("ivr", "DNS:ivr") for name in ("own", "other"))
    (tmp_path / "ivr.toml").write_text(
        f'[sip]\ntls_bind = "127.0.0.1:5960"\ntls_certificate_file = "{own.certificate}"\n'
        f'tls_key_file = "other/ivr.key"\n'
    )
    done = ivr("serve", PLAN, "--workers", workers, "--bind", "127.0.0.1:5990", cwd=tmp_path)
    assert done.returncode == 2 and "process_ready" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "is not the key of the certificate" in last and str(other.key.name) in last


def test_a_folder_for_the_sound_is_refused_before_the_conversation(
    tmp_path: Path, models: ModelStore
) -> None:
    from ivr.audio.wav import encode_wav

    (tmp_path / "in.wav").write_bytes(encode_wav(bytes(3200), 8000))
    empty = str(tmp_path / "empty")  # with engines it would say that their models are missing
    done = ivr("talk", PLAN, "--in", "in.wav", "--out", tmp_path, cwd=tmp_path, IVR_CACHE_DIR=empty)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ivr: {tmp_path}: this is a folder; name a file\n"


def test_models_are_listed(tmp_path: Path, models: ModelStore) -> None:
    done = ivr("models", "list", cwd=tmp_path)
    assert done.returncode == 0
    for model in models.manifest.models.values():
        assert f"{model.name}  " in done.stdout
        assert model.license in done.stdout
        assert str(models.path(model.name)) in done.stdout


def test_models_that_are_there_are_fetched_at_once(tmp_path: Path, models: ModelStore) -> None:
    done = ivr("models", "fetch", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = ivr("models", "fetch", "silero", cwd=tmp_path)
    assert done.stdout.startswith("silero: is there (")


def test_verify_reports_what_is_missing(tmp_path: Path) -> None:
    done = ivr("models", "verify", "silero", cwd=tmp_path, IVR_CACHE_DIR=str(tmp_path / "empty"))
    assert done.returncode == 1
    assert "run `ivr models fetch silero`" in done.stderr


def test_a_missing_model_names_the_remedy(tmp_path: Path, models: ModelStore) -> None:
    from ivr.audio.wav import encode_wav

    (tmp_path / "in.wav").write_bytes(encode_wav(bytes(3200), 8000))
    done = ivr("talk", PLAN, "--in", "in.wav", cwd=tmp_path, IVR_CACHE_DIR=str(tmp_path / "empty"))
    assert done.returncode == 2
    assert "run `ivr models fetch" in done.stderr and "Traceback" not in done.stderr


def test_the_doctor_finds_a_faulty_place(tmp_path: Path) -> None:
    done = ivr(
        "doctor",
        "--bind",
        "127.0.0.1:5999",
        cwd=tmp_path,
        IVR_CACHE_DIR=str(tmp_path / "empty"),
        IVR_STT__ORDER="openai",
        IVR_TTS__ORDER="openai",
        IVR_STT__OPENAI__API_KEY="sk-never-to-be-shown",
        IVR_STT__OPENAI__BASE_URL="http://127.0.0.1:9/v1",
    )
    assert done.returncode == 1, done
    assert "FAIL  model" in done.stdout and "-> ivr models fetch silero" in done.stdout
    assert "FAIL  stt openai" in done.stdout
    assert "sk-never-to-be-shown" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
