"""The ways through a plan: edges, subroutines that return or not, what is reached."""

from pathlib import Path

from ivr.dialplan import load_plan
from ivr.dialplan.plan.graph import Edge, Graph, components
from tests.dialplan.plans import plan


def test_edges_say_why_and_where_to(tmp_path: Path) -> None:
    graph = Graph(
        plan(
            tmp_path,
            """
            a:
              - say: Hello.
              - gather: {choices: {yes: {say: "yes", goto: b}, no: {say: "no"}}, nomatch: {goto: b}}
              - transfer: {to: "100", busy: b}
            b:
              - hangup:
            """,
        )
    )
    assert graph.edges(("a", 0)) == (Edge(("a", 0), ("a", 1), "next"),)
    assert set(graph.edges(("a", 1))) == {
        Edge(("a", 1), ("b", 0), "goto", "yes"),
        Edge(("a", 1), ("b", 0), "goto", "nomatch"),
        Edge(("a", 1), None, "end", "gather"),  # noinput names no step
        Edge(("a", 1), ("a", 2), "next"),  # no
    }
    assert Edge(("a", 2), ("b", 0), "goto", "busy") in graph.edges(("a", 2))
    assert graph.edges(("a", 3)) == (Edge(("a", 3), None, "return", "end of step"),)
    assert graph.edges(("b", 0)) == (Edge(("b", 0), None, "end", "hangup"),)
    assert ("b", 1) not in graph.reached
    assert graph.verb(("b", 1)) is None


def test_what_follows_a_subroutine_is_reached_only_if_it_returns(tmp_path: Path) -> None:
    graph = Graph(
        plan(
            tmp_path,
            """
            a:
              - call: through
              - call: never
              - say: Not reached.
            through:
              - call: leaf
              - goto: more
            more: [say: More.]
            leaf: [return: ]
            never:
              - call: never
              - return:
            """,
        )
    )
    assert ("a", 1) in graph.top and ("a", 2) not in graph.reached
    assert {("more", 0), ("leaf", 0), ("never", 0)} <= graph.entered - graph.top
    assert ("through", 0) in graph.can_return and ("never", 0) not in graph.can_return


def test_what_follows_a_failure_and_a_hang_up_is_reached(tmp_path: Path) -> None:
    head = "dialplan: 1\nstart: a\non_error: sorry\non_hangup: left\nsteps:\n"
    steps = "  a: [say: A, hangup: ]\n  sorry: [hangup: ]\n  left: [log: Gone.]\n  own: [hangup: ]\n"
    path = tmp_path / "plan.yaml"
    path.write_text(head + steps.replace("say: A", "say: {text: A, on_error: own}"))
    graph = Graph(load_plan(path))
    assert Edge(("a", 0), ("own", 0), "error", "error") in graph.edges(("a", 0))
    assert {("sorry", 0), ("own", 0)} <= graph.top
    assert ("left", 0) in graph.reached - graph.top


def test_components_come_with_the_last_first() -> None:
    a, b, c, d = (("s", n) for n in range(4))
    after = {a: [b], b: [a, c], c: [d], d: [c]}
    assert [set(found) for found in components([a, b, c, d], after)] == [{c, d}, {a, b}]
    assert list(components([a], {a: [b]})) == [(a,)]


def test_a_long_plan_costs_no_recursion() -> None:
    chain = [("s", n) for n in range(20_000)]
    after = {place: [("s", place[1] + 1)] for place in chain[:-1]}
    assert sum(1 for _ in components(chain, after)) == len(chain)
