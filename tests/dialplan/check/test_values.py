"""Values with a verb of the tests' own: sensitive ones, and those that only some ways out of a verb set."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from ivr.dialplan.check.checker import check_file
from ivr.dialplan.check.finding import Finding
from ivr.dialplan.engine import registry
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import StepName, Switch, VariableName
from ivr.dialplan.values.texts import TemplateText
from tests.dialplan.check.cases import write


class Ask(Verb):
    """Sets ``into`` unless it goes to ``missed``."""

    name: ClassVar[str] = "ask"

    into: VariableName
    sensitive: Switch = False
    missed: StepName | None = None
    url: TemplateText | None = None

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        if self.missed is not None:
            yield "missed", self.missed

    def sets(self) -> Iterator[str]:
        yield self.into

    def sets_when(self, why: str) -> Iterator[str]:
        return iter(()) if why == "missed" else self.sets()


@pytest.fixture(autouse=True)
def _ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_BUILT_IN", (*registry._BUILT_IN, Ask))
    registry.all_verbs.cache_clear()
    yield
    registry.all_verbs.cache_clear()


def found(folder: Path, steps: str) -> list[Finding]:
    return check_file(
        write(folder, f"dialplan: 1\nstart: a\nsteps:\n{steps}\n  bye: [say: Bye., hangup: ]\n")
    )


ASKED = "  a:\n    - ask: {into: pin, sensitive: true}\n"


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ('log: "PIN {{ pin }}"', "the log"),
        ("tag: {pin: pin}", "the call's record"),
        ('hangup: "{{ pin }}"', "'reason'"),
        ('ask: {into: x, url: "http://bank.example/?pin={{ pin }}"}', "'url'"),
    ],
)
def test_a_sensitive_value_is_not_shown(tmp_path: Path, verb: str, where: str) -> None:
    hits = found(tmp_path, f"{ASKED}    - {verb}\n    - goto: bye")
    (hit,) = [each for each in hits if each.rule == "sensitive-shown"]
    assert hit.line == 6
    assert where in hit.message
    near = verb.replace("{{ pin }}", "{{ call.id }}").replace("pin: pin", "pin: call.id")
    assert "sensitive-shown" not in {
        hit.rule for hit in found(tmp_path, f"{ASKED}    - {near}\n    - goto: bye")
    }


def test_what_is_made_of_a_sensitive_value_is_sensitive(tmp_path: Path) -> None:
    steps = ASKED + (
        '    - set: {first: "pin[0]"}\n    - call: {step: sub, with: {given: first}}\n    - goto: bye\n'
        '  sub:\n    params: [given]\n    do:\n      - log: "{{ given }}"'
    )
    (hit,) = found(tmp_path, steps)
    assert (hit.rule, hit.line, hit.step) == ("sensitive-shown", 12, "sub")


def test_what_is_not_sensitive_may_be_shown(tmp_path: Path) -> None:
    steps = '  a:\n    - ask: {into: pin}\n    - log: "{{ pin }}"\n    - goto: bye'
    assert not found(tmp_path, steps)


def test_the_message_has_a_way_on_which_it_is_not_set(tmp_path: Path) -> None:
    steps = (
        "  a:\n    - branch: {if: call.to == '1', then: b}\n    - set: {x: 1}\n    - goto: c\n"
        "  b: [goto: c]\n  c:\n    - say: '{{ x }}'\n    - goto: bye"
    )
    (hit,) = found(tmp_path, steps)
    assert hit.message.endswith("such as that through 'a', 'b', 'c'")


def test_a_way_out_that_sets_nothing(tmp_path: Path) -> None:
    steps = (
        "  a:\n    - ask: {into: x, missed: b}\n    - goto: b\n  b:\n    - say: '{{ x }}'\n    - goto: bye"
    )
    (hit,) = found(tmp_path, steps)
    assert (hit.rule, hit.line, hit.column) == ("unset-variable", 8, 12)
    assert not found(tmp_path, steps.replace("missed: b", "missed: bye"))


def test_what_a_request_answers_is_there_where_it_succeeded(tmp_path: Path) -> None:
    steps = (
        "  a:\n    - request: {url: /x, into: {n: body.n}, on: {404: b, 2xx: c}}\n"
        "  b: [say: 'No {{ n }}.', goto: bye]\n  c: [say: 'It is {{ n }}.', goto: bye]"
    )
    hits = [hit for hit in found(tmp_path, steps) if hit.rule == "unset-variable"]
    assert [(hit.line, hit.step) for hit in hits] == [(6, "b")]


def test_what_an_agent_hears_in_confidence_is_sensitive(tmp_path: Path) -> None:
    tool = "ask: {description: a number, params: {pin: {description: the PIN, sensitive: true}}, goto: b}"
    agent = f"{{instructions: Be kind., tools: {{{tool}}}, on: {{down: bye}}}}"
    steps = f"  a:\n    - agent: {agent}\n    - goto: bye\n"
    hits = found(tmp_path, steps + '  b: [log: "{{ pin }}", goto: bye]')
    assert [hit.rule for hit in hits] == ["sensitive-shown"]
