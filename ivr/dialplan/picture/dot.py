"""Writes boxes and ways in Graphviz's language (``dot``): a table for each step, a line for each way."""

import html
import math
from collections.abc import Iterable, Iterator

from ivr.dialplan.picture.counts import Counts
from ivr.dialplan.picture.model import Box, Row, boxes, entries
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.source.errors import Problem

INK, QUIET, LINE = "#1f2933", "#65727f", "#52606d"
HEAD, START, BAD, BAD_PAPER, UNREACHED = "#dbe7f3", "#cdeccd", "#c62828", "#fdecea", "#eeeeee"
END_INK, MISS_INK, CHOICE_INK = "#8a2be2", "#b45309", "#0b5394"
FONT = "Helvetica,Arial,sans-serif"
LEGEND = (
    "Solid lines: choices and gotos. Dashed: no input, no match, a failure."
    " ■ the call may end here. ↩ back, or to a step that many lead to."
)


def dot(plan: Plan, problems: Iterable[Problem] = (), counts: Counts | None = None) -> str:
    """Return a plan in Graphviz's language, with ``problems`` at their steps and ``counts`` at the ways."""
    found = boxes(plan, problems)
    title = plan.name if counts is None else f"{plan.name}: {counts.calls} calls"
    lines = [
        "digraph plan {",
        f"  graph [rankdir=LR, ranksep=0.9, nodesep=0.28, splines=spline, fontname={_text(FONT)},"
        f" fontsize=12, fontcolor={_text(QUIET)}, labelloc=b, label={_text(f'{title}. {LEGEND}')}];",
        f"  node [shape=plain, fontname={_text(FONT)}, fontsize=11, fontcolor={_text(INK)}];",
        f"  edge [fontname={_text(FONT)}, fontsize=10, color={_text(LINE)}, fontcolor={_text(INK)},"
        " arrowsize=0.7];",
    ]
    ids = {box.name: f"s{at}" for at, box in enumerate(found)}
    for at, (what, step) in enumerate(entries(plan)):
        look = f"margin=0.03, style=filled, fillcolor={_text(START)}, color={_text(LINE)}"
        lines.append(f"  e{at} [shape=ellipse, label={_text(what)}, fontsize=10, width=0.4, {look}];")
        lines.append(f"  e{at} -> {ids[step]}:head:w [penwidth=1.6];")
    for box in found:
        lines.append(f"  {ids[box.name]} [label=<{_table(box, counts)}>];")
    for box in found:
        lines.extend(_ways(box, ids, counts))
    return "\n".join([*lines, "}", ""])


def _table(box: Box, counts: Counts | None) -> str:
    colour = BAD if box.problems else LINE
    head = START if box.start else HEAD if box.reached else UNREACHED
    name = f"<B>{_escape(box.name)}</B>"
    if counts is not None:
        name += f'  <FONT COLOR="{QUIET}">×{counts.steps[box.name]}</FONT>'
    if not box.reached:
        name += f'  <FONT COLOR="{QUIET}"><I>nothing leads here</I></FONT>'
    rows = [f'<TR><TD PORT="head" BGCOLOR="{head}" ALIGN="LEFT" CELLPADDING="4">{name}</TD></TR>']
    rows += [_row(at, row, _gone(box, row, counts)) for at, row in enumerate(box.rows)]
    rows += [
        f'<TR><TD ALIGN="LEFT" BGCOLOR="{BAD_PAPER}"><FONT COLOR="{BAD}">⚠ {_escape(_folded(text))}</FONT>'
        "</TD></TR>"
        for text in box.problems
    ]
    if counts is not None:
        over = sorted((reason, n) for (step, reason), n in counts.ends.items() if step == box.name)
        rows += [
            f'<TR><TD ALIGN="LEFT"><FONT COLOR="{QUIET}">ended: {_escape(reason)} ×{n}</FONT></TD></TR>'
            for reason, n in over
        ]
    width = 2.5 if box.problems else 1
    return (
        f'<TABLE BORDER="{width:g}" COLOR="{colour}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"'
        f' BGCOLOR="white">{"".join(rows)}</TABLE>'
    )


def _gone(box: Box, row: Row, counts: Counts | None) -> str:
    """Return how often calls went a way that is not drawn."""
    if counts is None or row.drawn or row.target is None:
        return ""
    return f" ×{counts.ways[box.name, row.why, row.target]}"


def _row(at: int, row: Row, gone: str) -> str:
    text = _escape(row.text)
    where = f"&#160;↩ {_escape(row.target)}{gone}" if row.target is not None and not row.drawn else ""
    if row.kind == "way" and not text and row.drawn:
        text = "→"
    match row.kind:
        case "does":
            inner = f'<FONT COLOR="{QUIET}">{_escape(row.verb)}&#160;&#160;</FONT>{text}'
        case "end":
            verb = f"{_escape(row.verb)} " if row.verb else ""
            inner = f'<FONT COLOR="{END_INK}">■ {verb}{text}</FONT>'
        case "miss":
            inner = f'<FONT COLOR="{MISS_INK}"><I>{text}{where}</I></FONT>'
        case _:
            inner = f'<FONT COLOR="{CHOICE_INK}">{text}{where}</FONT>'
    side = "RIGHT" if row.target is not None and row.drawn else "LEFT"
    return f'<TR><TD PORT="r{at}" ALIGN="{side}">{inner}</TD></TR>'


def _ways(box: Box, ids: dict[str, str], counts: Counts | None) -> Iterator[str]:
    most = max(counts.ways.values(), default=1) if counts is not None else 1
    for at, row in enumerate(box.rows):
        if row.target is None or not row.drawn:
            continue
        style = ["style=dashed", f"color={_text(MISS_INK)}"] if row.kind == "miss" else []
        if counts is not None:
            n = counts.ways[box.name, row.why, row.target]
            style.append(f"label={_text(f'×{n}')}")
            style.append(f"penwidth={0.6 + 3.4 * math.sqrt(n / most):.2f}" if n else "penwidth=0.5")
        if row.target == box.name:
            yield f"  {ids[box.name]}:r{at}:e -> {ids[row.target]}:head:e [{', '.join(style)}];"
        else:
            yield f"  {ids[box.name]}:r{at}:e -> {ids[row.target]}:head:w [{', '.join(style)}];"


def _folded(text: str) -> str:
    return text if len(text) <= 70 else text[:69] + "…"


def _escape(text: str) -> str:
    return html.escape("".join(c if c.isprintable() else " " for c in text), quote=True)


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
