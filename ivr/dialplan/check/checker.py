"""Checks one plan by all rules."""

import os

from ivr.dialplan.check import (
    choices,
    dates,
    endings,
    engines,
    hours,
    ignores,
    languages,
    none_values,
    reach,
    schema,
    values,
)
from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import ServiceCapabilities, Subject
from ivr.dialplan.engine.loader import ReadPlan, read_plan
from ivr.dialplan.source.errors import PlanError

FAMILIES = (reach, endings, choices, values, dates, none_values, languages, engines, hours)
"""One module per family of rules: ``RULES``, and ``check``, which yields findings."""

RULES: dict[str, Rule] = {rule.id: rule for family in (schema, *FAMILIES, ignores) for rule in family.RULES}
"""Every rule by id, in the order of the reference."""


def check_plan(
    read: ReadPlan, file: str | None = None, capabilities: ServiceCapabilities | None = None
) -> list[Finding]:
    """Return the findings in a plan that was loaded, sorted by place. ``file`` is its name in messages."""
    name = file or str(read.sources[0].path)
    subject = Subject(read, name, capabilities)
    found = (finding for family in FAMILIES for finding in family.check(subject))
    texts = {source.shown or name: source.text for source in read.sources}
    return sorted(set(ignores.silence(found, texts, RULES)))


def check_file(
    path: str | os.PathLike[str], capabilities: ServiceCapabilities | None = None
) -> list[Finding]:
    """Return the findings in the plan of a file. Never raises for a mistake of the plan."""
    file = os.fspath(path)
    try:
        read = read_plan(path)
    except PlanError as error:
        return sorted(schema.findings_of(error, RULES))
    return check_plan(read, file, capabilities)
