"""A plan as a picture: what is in the boxes, which lines there are, how often calls went along them."""

import json
import re
from pathlib import Path

import pytest

from ivr.dialplan import Problem, load_plan
from ivr.dialplan.picture.counts import count_calls
from ivr.dialplan.picture.dot import dot
from ivr.dialplan.picture.model import boxes

from .plans import DEMO, plan

STEPS = """
a:
  - say: Hello & "welcome".
  - gather:
      prompt: Sales or news?
      choices:
        sales: {say: sales, press: [1, 7], goto: sales}
        news: {say: news, goto: b}
        more: {press: 3}
      noinput: {tries: 1, goto: sales}
  - goto: b
b:
  - branch: {if: now.hour > 8, then: sales}
  - call: sub
sub:
  - say: {text: Aside., on_error: b}
sales:
  - transfer: {to: "101", busy: a}
alone:
  - hangup: nobody
"""


def rows(folder: Path, step: str) -> list[tuple[str, str, str | None]]:
    (box,) = [box for box in boxes(plan(folder, STEPS)) if box.name == step]
    return [(row.kind, f"{row.verb} {row.text}".strip(), row.target) for row in box.rows]


def test_a_box_says_what_a_step_does_and_where_it_leads(tmp_path: Path) -> None:
    assert rows(tmp_path, "a") == [
        ("does", 'say Hello & "welcome".', None),
        ("does", "gather Sales or news?", None),
        ("choice", "sales  [1 7]", "sales"),
        ("choice", "news", "b"),
        ("miss", "no input (2 times)", "sales"),
        ("choice", "more  [3]: next", None),
        ("end", "no match (4 times): goodbye", None),
        ("way", "", "b"),
    ]
    assert rows(tmp_path, "b") == [
        ("does", "branch now.hour > 8", None),
        ("way", "if now.hour > 8", "sales"),
        ("does", "call sub", None),
        ("way", "call", "sub"),
        ("end", "the plan ends", None),
    ]
    assert rows(tmp_path, "sub") == [
        ("does", "say Aside.", None),
        ("miss", "on error", "b"),
        ("end", "back to the caller of this step", None),
    ]
    assert ("miss", "busy", "a") in rows(tmp_path, "sales")
    assert rows(tmp_path, "alone") == [("end", "hangup nobody", None)]


@pytest.mark.parametrize("miss", ["exhausted: b", "noinput: {goto: b}", ""])
def test_a_call_ends_at_a_gather_only_where_no_route_is_left(tmp_path: Path, miss: str) -> None:
    steps = f"a:\n  - gather:\n      input: digits\n      into: x\n      {miss}\nb:\n  - hangup:\n"
    box = boxes(plan(tmp_path, steps))[0]
    ended = [row.text.partition(" (")[0] for row in box.rows if row.kind == "end"]
    want = {"exhausted: b": [], "noinput: {goto: b}": ["no match"], "": ["no input", "no match"]}
    assert ended == [*want[miss], "the plan ends"]


def test_an_agent_that_is_not_answered_ends_no_call(tmp_path: Path) -> None:
    steps = "a:\n  - agent: {instructions: Be kind., noinput: Hello?}\n  - hangup:\n"
    (box,) = boxes(plan(tmp_path, steps))
    assert [row.text for row in box.rows if row.kind == "end"] == [""]


def test_what_nothing_leads_to_and_problems_are_marked(tmp_path: Path) -> None:
    loaded = plan(tmp_path, STEPS)
    line = loaded.steps["sales"].line
    found = {box.name: box for box in boxes(loaded, [Problem(line + 1, 5, "it ends nowhere")])}
    assert [name for name, box in found.items() if not box.reached] == ["alone"]
    assert [name for name, box in found.items() if box.problems] == ["sales"]
    text = dot(loaded, [Problem(line + 1, 5, "it ends nowhere")])
    assert "⚠ it ends nowhere" in text and "nothing leads here" in text


def test_lines_are_dashed_where_something_did_not_work(tmp_path: Path) -> None:
    lines = [line for line in dot(plan(tmp_path, STEPS)).splitlines() if re.match(r"  s\d+:r", line)]
    dashed = [line for line in lines if "dashed" in line]
    assert len(lines) == 6 and len(dashed) == 1, "those that lead back are named, not drawn"
    assert "Hello &amp; &quot;welcome&quot;." in dot(plan(tmp_path, STEPS))


def test_counts_of_calls(tmp_path: Path) -> None:
    loaded = plan(tmp_path, STEPS)

    def line(call: str, **event: object) -> str:
        return json.dumps({"call": call, "plan": loaded.name, **event})

    log = [
        line("1", event="step_entered", step="a"),
        line("2", event="step_entered", step="a"),
        line("1", event="choice_matched", choice="sales"),
        line("1", event="step_entered", step="sales"),
        line("2", event="noinput", attempt=1, attempts=2),
        line("2", event="noinput", attempt=2, attempts=2),
        line("2", event="step_entered", step="sales"),
        line("2", event="transfer_failed", outcome="busy"),
        line("2", event="step_entered", step="a"),
        line("1", event="plan_ended", step="sales", reason="transferred"),
        "no JSON",
        "[1]",
        json.dumps({"call": "3", "plan": "another", "event": "step_entered", "step": "a"}),
        line("4", event="step_entered", step="a"),
        line("4", event="step_entered", step="a step of another plan of this name"),
        line("4", event="plan_ended", step="a", reason="hangup"),
    ]
    counts = count_calls(loaded, log)
    assert (counts.calls, counts.other_calls) == (2, 2)
    assert counts.steps == {"a": 3, "sales": 2}
    assert counts.ways == {
        ("a", "sales", "sales"): 1,
        ("a", "noinput", "sales"): 1,
        ("sales", "busy", "a"): 1,
    }
    assert counts.ends == {("sales", "transferred"): 1}
    text = dot(loaded, counts=counts)
    assert 'label="×1"' in text and "busy&#160;↩ a ×1" in text and "ended: transferred ×1" in text


def test_many_steps_that_lead_back_to_a_menu_keep_it_legible(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(60)]
    choices = "".join(f"        {name}: {{press: {n:02d}, goto: {name}}}\n" for n, name in enumerate(names))
    steps = "a:\n  - gather:\n      prompt: Which?\n      choices:\n" + choices
    steps += "".join(f"{name}:\n  - say: Well.\n  - goto: a\n" for name in names)
    lines = [line for line in dot(plan(tmp_path, steps)).splitlines() if re.match(r"  s\d+:r", line)]
    assert len(lines) == 60, "one for each choice, none back"


@pytest.mark.parametrize("name", ["plan.svg", "plan.png"])
def test_the_demo_is_drawn(name: str, tmp_path: Path) -> None:
    from ivr.cli.graph import graph

    graph(DEMO, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    if name.endswith("svg"):
        text = data.decode()
        assert all(f">{step}</text>" in text for step in load_plan(DEMO).steps)
    else:
        assert data.startswith(b"\x89PNG")


def test_without_graphviz_the_remedy_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivr.cli.graph import GraphError, graph

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GraphError, match=r"apt install graphviz\), or name a file that ends in \.dot"):
        graph(DEMO, tmp_path / "plan.svg")
    graph(DEMO, tmp_path / "plan.dot")
    assert (tmp_path / "plan.dot").read_text(encoding="utf-8").startswith("digraph plan {")
    with pytest.raises(GraphError, match=r"ends in \.svg, \.png, \.pdf or \.dot"):
        graph(DEMO, tmp_path / "plan.gif")


def test_what_the_check_finds_is_marked(tmp_path: Path) -> None:
    from ivr.cli.graph import graph

    plan(tmp_path, STEPS)
    graph(tmp_path / "plan.yaml", tmp_path / "plan.dot")
    (alone,) = [
        line for line in (tmp_path / "plan.dot").read_text("utf-8").splitlines() if "<B>alone</B>" in line
    ]
    assert "nothing leads here" in alone and "⚠" in alone and "unreachable" in alone


def test_it_says_what_it_wrote(tmp_path: Path) -> None:
    from ivr.cli.graph import graph

    steps = len(plan(tmp_path, STEPS).steps)
    path, out = tmp_path / "plan.yaml", tmp_path / "plan.dot"
    said = graph(path, out)
    assert said.startswith(f"{out}: the plan 'plan', {steps} steps, ") and said.endswith(" findings")
    log = tmp_path / "log.json"
    entered = [
        {"call": call, "plan": call[:4], "event": "step_entered", "step": "a"} for call in ("plan1", "x")
    ]
    log.write_text("".join(f"{json.dumps(event)}\n" for event in entered), encoding="utf-8")
    assert graph(path, out, [log]).endswith(" findings, 1 call (1 of other plans left out)")
    log.write_text("2026-11-30 step_entered plan=plan\n", encoding="utf-8")
    assert graph(path, out, [log]).endswith(", 0 calls; is it the JSON log of a service that runs this plan?")


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    from ivr.cli.graph import GraphError, graph

    with pytest.raises(GraphError, match="No such file"):
        graph(DEMO, tmp_path / "plan.dot", [tmp_path / "no.log"])
