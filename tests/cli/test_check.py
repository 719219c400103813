"""``ivr check`` and ``ivr schema``, as a user runs them; what ``ivr serve`` logs of a plan."""

import json
from pathlib import Path

import pytest
import structlog

from ivr.dialplan import PlanError, load_plan
from ivr.dialplan.check.subject import ServiceCapabilities
from ivr.service.config.capabilities import capabilities_of, settings_for_plan
from ivr.service.config.settings import Settings, load_settings
from ivr.service.plans import checked as plan_check
from ivr.service.plans.checked import load_checked
from tests.cli.test_cli import PLAN, ROOT, ivr

LOST = """dialplan: 1
start: a
steps:
  a:
    - say: Hello {{ nme }}.
    - hangup:
  lost:
    - hangup:
"""


def write(folder: Path, text: str, name: str = "plan.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_findings_have_a_place_a_quoted_line_and_a_remedy(tmp_path: Path) -> None:
    write(tmp_path, LOST)
    done = ivr("check", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.split("\n\n")[0].split("\n") == [
        "plan.yaml:5:12: unknown-variable: nothing sets the variable 'nme'",
        "    5 |     - say: Hello {{ nme }}.",
        "      |            ^",
        "      = set it before, or correct the name",
    ]
    assert "plan.yaml:7:3: unreachable-step: warning: nothing leads to the step 'lost'" in done.stdout
    assert done.stderr == "1 plan checked: 1 error, 1 warning\n"


def test_warnings_alone_fail_only_where_that_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, LOST.replace("{{ nme }}", "you"))
    assert ivr("check", "plan.yaml", cwd=tmp_path).returncode == 0
    assert ivr("check", "--strict", "plan.yaml", cwd=tmp_path).returncode == 1


def test_json_has_all_of_it_also_of_a_plan_that_does_not_load(tmp_path: Path) -> None:
    write(tmp_path, LOST)
    write(tmp_path, LOST.replace("say:", "sai:"), "other.yaml")
    done = ivr("check", "--json", "plan.yaml", "other.yaml", "absent.yaml", cwd=tmp_path)
    reported = json.loads(done.stdout)
    assert (done.returncode, reported["errors"], reported["warnings"]) == (1, 3, 1)
    assert reported["plans"] == ["plan.yaml", "other.yaml", "absent.yaml"]
    first = reported["findings"][0]
    assert (first["file"], first["line"], first["column"], first["rule"]) == (
        "plan.yaml",
        5,
        12,
        "unknown-variable",
    )
    assert (first["severity"], first["step"], first["verb"]) == ("error", "a", 0)
    assert first["source"] == "    - say: Hello {{ nme }}." and first["remedy"]
    assert [each["rule"] for each in reported["findings"]][2:] == ["schema", "schema"]
    assert reported["findings"][-1]["remedy"] == "give the path of a plan's YAML file"


def test_a_finding_is_said_once(tmp_path: Path) -> None:
    """The same for a file that two plans include, and of a plan that is named beside its tests."""
    write(
        tmp_path,
        "library: 1\nsteps:\n  b:\n    - say: Hi {{ nme }}.\n    - say: Bye.\n    - hangup:\n",
        "lib.yaml",
    )
    for name in ("one", "two"):
        write(tmp_path, "dialplan: 1\nstart: a\ninclude: lib.yaml\nsteps:\n  a: [goto: b]\n", f"{name}.yaml")
    done = ivr("check", "one.yaml", "./two.yaml", "one.yaml", cwd=tmp_path)
    assert done.stdout.count("nothing sets the variable") == 1 and done.stderr == "3 plans checked: 1 error\n"
    write(tmp_path, LOST.replace("say:", "sai:"))
    write(tmp_path, "test: 1\ndialogues: [{name: it, turns: [hung_up]}]\n", "plan.test.yaml")
    done = ivr("check", "plan.yaml", "plan.test.yaml", cwd=tmp_path)
    assert done.stdout.count("there is no verb 'sai'") == 1, done.stdout


def test_the_form_of_a_plans_tests_is_checked_too(tmp_path: Path) -> None:
    write(tmp_path, LOST)
    write(tmp_path, "test: 1\ndialogues:\n  - name: one\n    trns: []\n", "plan.test.yaml")
    done = ivr("check", "plan.test.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "plan.test.yaml:4:5: schema: 'trns' is not a field of" in done.stdout


def test_the_examples_pass(tmp_path: Path) -> None:
    plans = sorted((ROOT / "dialplans").rglob("*.yaml"))
    done = ivr("check", *plans, cwd=tmp_path)
    assert PLAN in plans and done.returncode == 0, done.stdout


def test_settings_that_cannot_be_read_are_wrong_use(tmp_path: Path) -> None:
    write(tmp_path, LOST.replace("{{ nme }}", "you"))
    wrong = ivr("check", "--config", "absent.toml", "plan.yaml", cwd=tmp_path)
    assert wrong.returncode == 2 and "absent.toml" in wrong.stderr


def test_what_the_default_settings_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = capabilities_of(load_settings(None, {}))
    assert found.speech_in and found.speech_out
    assert found.voices == {"en-US"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert capabilities_of(load_settings(None, {})) == ServiceCapabilities(speech_in=False, speech_out=False)


def test_a_service_logs_what_the_rules_find_and_refuses_what_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(None, {})
    path = write(tmp_path, LOST)
    with structlog.testing.capture_logs() as logged:
        (plan,) = load_checked(settings, [path])
    assert plan.name == "plan"
    reported = [(entry["event"], entry["rule"], entry["severity"], entry["location"]) for entry in logged]
    assert reported == [
        ("plan_finding", "unknown-variable", "error", f"{path}:5:12"),
        ("plan_finding", "unreachable-step", "warning", f"{path}:7:3"),
    ]
    monkeypatch.setattr(plan_check, "MAX_LOGGED", 1)
    with structlog.testing.capture_logs() as logged:
        load_checked(settings, [path])
    assert logged[-1]["more"] == 1 and f"ivr check {path}" in logged[-1]["remedy"]
    with pytest.raises(PlanError):
        load_checked(settings, [write(tmp_path, LOST.replace("say:", "sai:"))])


def test_a_service_logs_what_verbs_will_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = "hook: {mail: {to: desk@example.org}}"
    verbs = ["agent: {instructions: Be kind.}", f"record: {{{hook}}}", "record:", "say: Bye.", "hangup:"]
    steps = "".join(f"    - {verb}\n" for verb in verbs)
    path = write(tmp_path, f"dialplan: 1\nstart: a\nsteps:\n  a:\n{steps}")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    def reported(settings: Settings) -> list[str]:
        with structlog.testing.capture_logs() as logged:
            load_checked(settings, [path])
        return [f"{entry['location']} {entry['message']}; {entry['remedy']}" for entry in logged]

    model, folder, mail = reported(load_settings(environ={}))
    assert model.startswith(f"{path}:5 'agent' will fail: no language model; ") and "OPENAI_API_KEY" in model
    assert folder.startswith(f"{path}:6 'record' will fail: no folder") and "files.folder" in folder
    assert mail == f"{path}:6 'record' will fail: no mail server; set mail.host in the settings"
    there = {"FILES__FOLDER": str(tmp_path), "MAIL__HOST": "mail.example", "AGENT__API_KEY": "k"}
    assert reported(load_settings(environ={f"IVR_{name}": value for name, value in there.items()})) == []


def test_a_running_service_does_not_change_to_a_plan_with_an_error(tmp_path: Path) -> None:
    settings = load_settings(None, {})
    with pytest.raises(PlanError, match=r":5:12: unknown-variable: nothing sets the variable 'nme'"):
        load_checked(settings, [write(tmp_path, LOST)], refuse=True)
    assert load_checked(settings, [write(tmp_path, LOST.replace("{{ nme }}", "you"))], refuse=True)


def test_a_check_that_fails_itself_keeps_nobody_from_calling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken by the test")

    monkeypatch.setattr(plan_check, "check_plan", broken)
    with structlog.testing.capture_logs() as logged:
        assert len(load_checked(load_settings(None, {}), [write(tmp_path, LOST)])) == 1
    assert [entry["event"] for entry in logged] == ["plan_check_failed"]


def test_schema_prints_or_writes(tmp_path: Path) -> None:
    printed = ivr("schema", cwd=tmp_path)
    assert printed.returncode == 0
    assert printed.stdout == (ROOT / "dialplans" / "plan.schema.json").read_text(encoding="utf-8")
    page = ivr("schema", "--reference", "-o", tmp_path, cwd=tmp_path)
    assert page.stdout == f"{tmp_path / 'README.md'}\n"
    assert (tmp_path / "README.md").read_bytes() == (ROOT / "dialplans" / "README.md").read_bytes()


@pytest.mark.parametrize(
    ("languages", "service", "session"),
    [("languages: [fr, en]", "en", "fr"), ("languages: [en, fr]", "fr", "en"), ("", "fr", "fr")],
)
def test_callers_speak_the_language_that_the_plan_begins_in(
    tmp_path: Path, languages: str, service: str, session: str
) -> None:
    """It says which words are backchannels."""
    plan = load_plan(write(tmp_path, LOST.replace("start: a", f"start: a\n{languages}")))
    settings = load_settings(environ={"IVR_SESSION__LANGUAGE": service})
    chosen = settings_for_plan(settings, plan)
    assert chosen.session.language == session
    assert chosen.decisive()["session"]["language"] == session
    assert chosen.session.barge_in == settings.session.barge_in
