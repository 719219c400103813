"""The JSON Schema: valid itself, current in the repository, and as wide as the loader."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from ivr.dialplan import PlanError, load_plan
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.engine.schema import FILE, plan_schema, schema_text
from tests.dialplan.check.cases import CASES, write

ROOT = Path(__file__).resolve().parents[3]
PLANS = sorted(path for path in (ROOT / "dialplans").rglob("*.yaml") if not path.name.endswith(".test.yaml"))
COMMENT = "# yaml-language-server: $schema="


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def data(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def test_the_file_in_the_repository_is_current() -> None:
    written = (ROOT / "dialplans" / FILE).read_text(encoding="utf-8")
    assert written == schema_text(), "run: ivr schema -o dialplans"
    assert json.loads(written)["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_an_example_is_valid_and_names_the_schema(path: Path, validator: Any) -> None:
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data(path))] == []
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith(COMMENT)
    assert (path.parent / first.removeprefix(COMMENT)).resolve() == ROOT / "dialplans" / FILE


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.name}")
def test_what_the_loader_accepts_the_schema_accepts(case: Any, validator: Any, tmp_path: Path) -> None:
    for text in (case.trips, case.near):
        path = write(tmp_path, text)
        try:
            load_plan(path)
        except PlanError:
            continue
        assert [error.json_path for error in validator.iter_errors(data(path))] == []


FORMS = """
- say: 5
- say: [one, {en: two}]
- say: {text: {en: Hello}, barge_in: none, protect: 2, hotword: [stop], duck_db: 3}
- play: beep.wav
- play: {file: [beep.wav], loop: 2}
- gather: {choices: {a: {press: 1}, b: {say: [x, "yes"], press: ["2", 34]}}, hotword: true, backchannels: off,
    noinput: {tries: 0, say: Hm?}}
- transfer: 100
- transfer: {to: sip:a@b.example, busy: a, noanswer: {say: No.}, timeout: 1m}
- set: {n: 1, flag: true, text: "'x'"}
- branch: {if: true, then: a, else: a, on_error: a}
- switch: {on: call.to, cases: {1: a}, default: a}
- goto: a
- call: a
- call: {step: a}
- return:
- pause: 1.5
- hangup:
- hangup: done
- reject:
- reject: busy
- tag: {n: n}
- log: hello
- log: {message: hello, level: debug}
- request: http://backend.example/{{ call.id }}
- request: {url: /x, json: {a: call.id, b: [1, "'x'"]}, on: {404: a, timeout: a}, into: {n: body.n}}
- request: {url: /x, filler: [Wait., Please.], query: {n: 1}, headers: {X-A: b}, retries: 0}
- record: {review: true, finish_on_key: none, hook: http://backend.example/}
- record: {review: {prompt: Well?, save: {press: 1}}, hook: {mail: {to: a@b.example}}}
- queue: {agents: 201, leave: {press: 1, goto: a}, too_long: a}
- queue: {agents: [201, 202], leave: [{say: call me back, goto: a}], music: beep.wav}
- agent: {instructions: Be kind., greeting: {en: Hello}, on: {done: a}, tools: {
    bye: {description: the end, hangup: }, desk: {description: a person, transfer: "100"},
    ask: {description: a number, params: {n: the number, m: {description: more, type: digits}}, goto: a}}}
"""


def test_every_form_of_a_verb(validator: Any, tmp_path: Path) -> None:
    steps = "".join(f"  {line}\n" for line in FORMS.strip().split("\n"))
    path = write(tmp_path, f"dialplan: 1\nstart: a\nsteps:\n  a:\n{steps}")
    load_plan(path)
    assert [f"{error.json_path}: {error.context}" for error in validator.iter_errors(data(path))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "steps: {a: [say: {txt: x}]}",
        "steps: {a: [sing: x]}",
        "steps: {a: [{say: x, goto: a}]}",
        "steps: {a: []}",
        "steps: {a: [goto: ]}",
        "steps: {a: [gather: {choices: {}}]}",
        "steps: {a: [gather: {choices: {a: {press: 1}}, timeout: soon}]}",
        "steps: {a: [say: {text: x, barge_in: sometimes}]}",
        "steps: {a: [set: {}]}",
        "steps: {a: [play: {file: x.wav, loop: 0}]}",
        "steps: {a: [return: x]}",
        "colour: red\nsteps: {a: [say: x]}",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(wrong: str, validator: Any, tmp_path: Path) -> None:
    path = write(tmp_path, f"dialplan: 1\nstart: a\n{wrong}\n")
    assert list(validator.iter_errors(data(path)))
    with pytest.raises(PlanError):
        load_plan(path)


def test_a_library_is_reported_from_a_plan(validator: Any) -> None:
    steps = {"a": [{"say": "Hello."}]}
    assert validator.is_valid({"library": 1, "steps": steps})
    assert not validator.is_valid({"library": 1, "start": "a", "steps": steps})
    assert not validator.is_valid({"dialplan": 1, "steps": steps})


def test_every_verb_has_a_description_for_the_editor() -> None:
    verbs = plan_schema()["$defs"]["verb"]["properties"]
    assert set(verbs) == set(all_verbs()) and all(len(verb["description"]) > 5 for verb in verbs.values())
