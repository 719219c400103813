"""A further language is new files and one call: numbers, dates, menus, backchannels, reading, prompts."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.dialplan import PlanError, load_plan
from ivr.dialplan.check.checker import check_file
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import load_dialogues
from ivr.grammar import reading
from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import InputSpec, make_input
from ivr.grammar.languages import registry
from ivr.grammar.matching import Matcher
from ivr.grammar.transcripts import is_backchannel, is_unfinished
from tests.dialplan.plans import write
from tests.grammar import esperanto


@pytest.fixture(autouse=True)
def esperanto_is_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_languages", dict(registry._languages))
    registry.register(esperanto.LANGUAGE)
    make_input.cache_clear()
    yield
    make_input.cache_clear()


@pytest.mark.parametrize(
    ("kind", "said", "value", "read_back"),
    [
        ("number", "dudek tri", 23, "dudek tri"),
        ("number", "cent dek unu", 111, "111"),
        ("number", "minus sep", -7, "-sep"),
        ("number", "3,5", 3.5, "tri,5"),
        ("digits", "kvar sep unu naŭ", "4719", "4 7 1 9"),
        ("date", "la kvin de majo", "2027-05-05", "la kvina de majo"),
        ("date", "post du semajnoj", "2027-03-24", "la dudek kvara de marto"),
        ("date", "morgaŭ", "2027-03-11", "la dek unua de marto"),
        ("time", "tri kaj duono", "15:30:00", "la dek kvina horo"),
        ("money", "dek du eŭroj", 12, "dek du eŭroj"),
        ("yes_no", "jes", True, "jes"),
        ("yes_no", "ne", False, "ne"),
        ("name", "mia nomo estas Zamenhof", "Zamenhof", "Zamenhof"),
    ],
)
def test_typed_values(kind: str, said: str, value: Any, read_back: str) -> None:
    typed = make_input(InputSpec(kind=kind, language="eo", today="2027-03-10")).parse(said)
    assert typed is not None
    assert (typed.value if isinstance(value, bool | int | float) else str(typed.value)) == value
    assert typed.read_back == read_back


def test_keys_for_yes_and_no_are_read_back_in_it() -> None:
    asked = make_input(InputSpec(kind="yes_no", language="eo"))
    yes, no = asked.parse_keys("1"), asked.parse_keys("2")
    assert yes is not None and no is not None and (yes.read_back, no.read_back) == ("jes", "ne")


def test_turns() -> None:
    assert is_backchannel("Mhm, bone.", "eo") and not is_backchannel("Mhm, fakturo.", "eo")
    assert is_unfinished("mia nomo kaj", "eo") and not is_unfinished("mia nomo", "eo")


def test_menus() -> None:
    choices = {"bill": (("fakturo",), ("1",)), "both": (("vendo",), ("2",))}
    matcher = Matcher(choices, "eo")
    for said, choice in (("Mi volas la fakturo, bonvolu", "bill"), ("du", "both"), ("ne vendo", None)):
        found = matcher.match(said)
        assert (found.choice if found is not None else None) == choice
    assert expected_answers({"yes": (("jes",), ()), "no": (("ne",), ())}, language="eo").kind == "yes_no"


def test_the_check_knows_which_built_in_prompts_are_missing(tmp_path: Path) -> None:
    """One language has some of them, and one has all."""
    path = tmp_path / "eo.yaml"
    path.write_text(PLAN.replace("noinput: {tries: 1}", "exhausted: ask"), encoding="utf-8")

    def missing() -> list[str]:
        return [finding.message for finding in check_file(path) if finding.rule == "missing-text"]

    assert missing() and all("is missing in eo" in message for message in missing())
    texts = dict.fromkeys(registry._languages["en"].texts, "Jes?")
    registry.register(dataclasses.replace(esperanto.LANGUAGE, texts=texts))
    assert not missing()


def test_reading_aloud() -> None:
    assert reading.number(42, "eo") == "kvardek du"
    assert reading.money(3, "eo") == "tri eŭroj"


PLAN = """
dialplan: 1
name: eo
languages: [eo]
start: ask
steps:
  ask:
    - gather:
        prompt: Kiom da pomoj?
        input: number
        noinput: {tries: 1}
        confirm: always
        into: n
    - hangup:
"""

DIALOGUES = """
test: 1
dialogues:
  - name: In Esperanto
    turns:
      - hears: Kiom da pomoj?
      - silent
      - hears: Ĉu vi ankoraŭ estas tie?
      - hears: Kiom da pomoj?
      - says: dudek tri
      - hears: You said dudek tri. Is that right?
      - says: jes
      - sets: {n: 23}
      - hung_up
"""


def test_a_plan_in_it(tmp_path: Path) -> None:
    """Its own words, its own built-in texts, and the English text for the one that it does not have."""
    (tmp_path / "eo.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "eo.test.yaml").write_text(DIALOGUES, encoding="utf-8")
    (outcome,) = run_in_memory(load_dialogues(tmp_path / "eo.yaml"))
    assert outcome.failure is None, outcome.failure


@pytest.mark.parametrize(
    ("language", "phrases", "alike"),
    [
        ("eo", ("loko du", "loko 2"), True),
        ("en", ("loko du", "loko 2"), False),
        ("en", ("desk two", "desk 2"), True),
        ("eo", ("desk two", "desk 2"), False),
    ],
)
def test_phrases_are_compared_by_the_rules_of_the_plans_language(
    language: str, phrases: tuple[str, str], alike: bool, tmp_path: Path
) -> None:
    """Universals and the choices of a gather alike."""
    named = "{{{}: {{say: {}, {}}}, {}: {{say: {}, {}}}}}"
    universals = named.format("x", phrases[0], "do: back", "y", phrases[1], "do: main")
    choices = named.format("x", phrases[0], "goto: a", "y", phrases[1], "goto: a")
    top = f"dialplan: 1\nstart: a\nlanguages: [{language}]\n"
    gather = f"  a:\n    - gather: {{prompt: Where?, choices: {choices}}}\n    - hangup:\n"
    for text in (
        f"{top}universals: {universals}\nsteps: {{a: [hangup: x]}}\n",
        f"{top}steps:\n{gather}",
    ):
        plan = write(tmp_path, text)
        if alike:
            with pytest.raises(PlanError, match="already means 'x'"):
                load_plan(plan)
        else:
            load_plan(plan)
