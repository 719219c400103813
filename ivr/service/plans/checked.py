"""Plans for a service, loaded and checked: what the rules find is logged, what does not load is refused.

A finding does not keep a service from starting: a line that was answered yesterday is answered after an
upgrade that brought a stricter rule. A running service does not change to a plan with an error, for the one
before goes on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from ivr.dialplan.check.checker import check_plan
from ivr.dialplan.engine.loader import read_plans
from ivr.dialplan.plan.plan import Plan, texts_for_faults
from ivr.dialplan.source.errors import PlanError, Problem
from ivr.service.config.capabilities import capabilities_of, missing_requirements
from ivr.service.config.settings import Settings

log: Any = structlog.get_logger("ivr.plans")

MAX_LOGGED = 20
"""Findings of one plan, before the log says how many more there are."""


def prompts_of(plans: Sequence[Plan], settings: Settings) -> list[str]:
    """Return every text that is known before a call, each once."""
    texts = [text for plan in plans for text in plan.prompts()]
    return list(dict.fromkeys([*texts, *texts_for_faults(settings.session.language)]))


def load_checked(settings: Settings, paths: Sequence[Path], *, refuse: bool = False) -> list[Plan]:
    """``load_plans``, and a line of the log for every finding (``plan_finding``). Raises PlanError; with
    ``refuse`` for a finding that is an error too.
    """
    reads = read_plans(paths)
    capabilities = capabilities_of(settings)
    for read, path in zip(reads, paths, strict=True):
        try:
            findings = check_plan(read, str(path), capabilities)
        except Exception:  # a check is never the reason why nobody answers
            log.exception("plan_check_failed", plan=read.plan.name)
            continue
        errors = [
            Problem(found.line, found.column, f"{found.rule}: {found.message}", found.file)
            for found in findings
            if found.severity == "error"
        ]
        if refuse and errors:
            raise PlanError(str(path), errors)
        for finding in findings[:MAX_LOGGED]:
            log.warning(
                "plan_finding",
                plan=read.plan.name,
                rule=finding.rule,
                severity=finding.severity,
                location=f"{finding.file}:{finding.line}:{finding.column}",
                message=finding.message,
                remedy=finding.remedy,
            )
        if len(findings) > MAX_LOGGED:
            more = len(findings) - MAX_LOGGED
            log.warning(
                "plan_finding", plan=read.plan.name, more=more, remedy=f"see them all: ivr check {path}"
            )
        for placed, missing, remedy in missing_requirements(settings, read.plan):
            log.warning(
                "plan_finding",
                plan=read.plan.name,
                location=f"{placed.file or path}:{placed.line}",
                message=f"{placed.verb.name!r} will fail: {missing}",
                remedy=remedy,
            )
    return [read.plan for read in reads]
