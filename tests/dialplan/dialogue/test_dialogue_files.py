"""Files of dialogues: what is refused, and where; nothing that is written in one ends in a traceback."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.dialplan import PlanError
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import load_dialogues
from tests.dialplan.dialogues import dialogues
from tests.dialplan.plans import DEMO, write

PLAN = """
dialplan: 1
start: a
steps:
  a:
    - say: Hello.
"""
HEAD = "test: 1\ndialogues:\n  - name: it\n    turns:\n"
STUBS = "test: 1\ndialogues:\n  - name: it\n    requests:\n"


def refused(folder: Path, text: str) -> str:
    write(folder, PLAN)
    write(folder, text, "plan.test.yaml")
    with pytest.raises(PlanError) as error:
        load_dialogues(folder / "plan.yaml")
    return str(error.value).replace(str(folder / "plan.test.yaml"), "file")


WRONG = {
    "no dialogue": ("test: 1\n", "file:1:1: test needs 'dialogues': a list of dialogues"),
    "another version": ("test: 2\ndialogues: []\n", "file:1:7: 'test': expected 1, the only version"),
    "an unknown field": (
        HEAD + "      - sais: yes\n",
        "file:5:9: 'sais' is not a field of turn; expected says",
    ),
    "an unknown field of one of a list": (
        HEAD + "      - hears: {contain: Hello}\n",
        "file:5:9: 'contain' is not a field of hears; expected text, contains, pattern, file; did you mean "
        "'contains'?",
    ),
    "a wrong word in a short form": (
        "test: 1\ndialogues:\n  - name: it\n    transfers: {'100': bussy}\n    turns: [silent]\n",
        "found 'bussy'; did you mean 'busy'?",
    ),
    "no such step": (HEAD + "      - goes_to: b\n", "file:5:18: 'goes_to': there is no step 'b'"),
    "wrong keys": (HEAD + "      - presses: one\n", "file:5:18: 'presses': expected keys out of 0-9"),
    "two turns in one": (
        HEAD + "      - {says: yes, hears: Hello.}\n",
        "file:5:9: 'turn': 'says' is a turn of its own: put 'hears' into the next",
    ),
    "no turn": (HEAD + "      - within: 3s\n", "'turn': a turn is one of says, presses"),
    "a bare word": (
        HEAD + "      - listens\n",
        "file:5:9: expected a turn such as says: billing, found 'listens'",
    ),
    "no expression": (HEAD + "      - hears: {pattern: '('}\n", "'(' is no regular expression"),
    "both ways": (
        HEAD + "      - hears: {text: a, contains: b}\n",
        "one of text, contains, pattern and file",
    ),
    "two interruptions": (
        HEAD + "      - interrupts: {says: a, presses: 1}\n",
        "an interruption has either 'says' or 'presses'",
    ),
    "no file": (HEAD + "      - plays: me.wav\n", "there is no file 'me.wav' beside the plan"),
    "no zone": (
        "test: 1\ndialogues:\n  - name: it\n    now: 2026-03-30T09:00\n    turns: [silent]\n",
        "file:4:10: 'now': expected a time with its zone",
    ),
    "a name twice": (
        "test: 1\ndialogues:\n  - {name: it, turns: [silent]}\n  - {name: it, turns: [silent]}\n",
        "file:4:1: there is a dialogue 'it' on line 3 already",
    ),
    "a wrong status": (
        STUBS + "      - {url: x, status: 9}\n    turns: [silent]\n",
        "file:5:26: 'status': expected 100 or more, found '9'",
    ),
    "two answers": (
        STUBS + "      - {url: x, json: 1, body: x}\n    turns: [silent]\n",
        "a request is answered with 'json' or with 'body'",
    ),
    "no outcome": (
        "test: 1\ndialogues:\n  - name: it\n    transfers: {'101': engaged}\n    turns: [silent]\n",
        "expected one of transferred, busy, noanswer, failed, found",
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, text)


def test_a_plan_without_dialogues_is_reported_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"plan\.test\.yaml:1:1: there is no such file; the dialogues of the plan must be in"
    ):
        load_dialogues(write(tmp_path, PLAN))


def test_the_plans_own_mistakes_are_reported(tmp_path: Path) -> None:
    write(tmp_path, PLAN.replace("say", "sya"))
    write(tmp_path, HEAD + "      - silent\n", "plan.test.yaml")
    with pytest.raises(PlanError, match=r"plan\.yaml:5:7: there is no verb 'sya'"):
        load_dialogues(tmp_path / "plan.yaml")


def test_another_plan_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, PLAN)
    write(
        tmp_path,
        HEAD.replace("test: 1", "test: 1\nplan: plan.yaml") + "      - hears: Hello.\n",
        "x.test.yaml",
    )
    file = load_dialogues(tmp_path / "x.test.yaml")
    assert file.plan.name == "plan" and run_in_memory(file)[0].failure is None


def test_json_keeps_its_types(tmp_path: Path) -> None:
    facts = """
    requests:
      - {url: one, json: {n: 12.5, yes: true, no: null, text: "12", list: [1, x]}}
      - {url: two, json: '{"n": "12"}'}
      - {url: three, json: '[1]', times: 1}
    """
    file = dialogues(tmp_path, "a:\n  - say: Hello.\n", "- hears: Hello.\n", facts=facts)
    one, two, three = file.dialogues[0].requests
    assert one.json_ == {"n": 12.5, "yes": True, "no": None, "text": "12", "list": [1, "x"]}
    assert two.json_ == {"n": "12"} and three.json_ == [1]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_mutated_file_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    text = DEMO.with_name("demo.test.yaml").read_text(encoding="utf-8")
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        piece = text[chance.randrange(len(text)) :][: chance.randint(0, 12)]
        kept = text[at + chance.randint(0, 6) :]
        text = text[:at] + chance.choice([piece, "", "- ", ": ", "{", "]", "\n", "'", "~", "*", "&a "]) + kept
    path = tmp_path / "demo.test.yaml"
    path.write_text(text.replace("test: 1", f"test: 1\nplan: {DEMO}", 1), encoding="utf-8")
    try:
        file = load_dialogues(path)
    except PlanError as error:
        assert all(problem.line > 0 and problem.message for problem in error.problems)
        return
    for outcome in run_in_memory(file):
        assert outcome.failure is None or outcome.failure.message
