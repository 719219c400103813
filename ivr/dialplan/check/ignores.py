"""``# check: ignore RULE-ID reason``: comments that silence a finding."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import lines_of
from ivr.dialplan.source.errors import did_you_mean, quoted

IGNORE_WITHOUT_REASON = Rule(
    "ignore-without-reason",
    "error",
    "a rule is silenced without a reason",
    "The next reader of the plan must be able to judge whether the reason still applies.",
    "write the reason after the rule: # check: ignore unreachable-step used from March on",
)
IGNORE_UNKNOWN = Rule(
    "ignore-unknown",
    "error",
    "a rule is silenced that does not exist, or that cannot be silenced",
    "Findings of the loader cannot be silenced: the plan does not load.",
    "correct the id of the rule",
)
IGNORE_UNUSED = Rule(
    "ignore-unused",
    "warning",
    "a rule is silenced where it finds nothing",
    "Usually the mistake was corrected and the comment stayed; it would hide the next mistake.",
    "remove the comment",
)
RULES = (IGNORE_WITHOUT_REASON, IGNORE_UNKNOWN, IGNORE_UNUSED)

_COMMENT = re.compile(r"(?:^|(?<=\s))# *check: *ignore\b[ \t]*([\w-]*)[ \t]*(.*)$")


@dataclass(frozen=True, slots=True)
class _Ignore:
    """A comment. ``target`` is the line that it silences: its own, or the next line that is not empty if the
    comment is alone on its line.
    """

    rule: str
    reason: str
    line: int
    column: int
    target: int
    source: str


def silence(
    findings: Iterable[Finding], texts: Mapping[str, str], rules: Mapping[str, Rule]
) -> Iterator[Finding]:
    """Return the findings that no comment silences, and the mistakes of the comments. ``texts`` are those of
    the plan's files by their names in messages.
    """
    ignores = {file: list(_ignores(text)) for file, text in texts.items()}
    used: set[tuple[str, _Ignore]] = set()
    for finding in findings:
        by = [
            each
            for each in ignores.get(finding.file, ())
            if each.rule == finding.rule and each.target == finding.line and each.reason
        ]
        if not by:
            yield finding
        used.update((finding.file, each) for each in by)
    for file, found in ignores.items():
        for each in found:
            rule = rules.get(each.rule)
            if rule is None or rule.in_schema:
                hint = did_you_mean(each.rule, (name for name, known in rules.items() if not known.in_schema))
                what = "cannot be silenced" if rule is not None else f"is not the id of a rule{hint}"
                yield _finding(IGNORE_UNKNOWN, file, each, f"{quoted(each.rule)} {what}")
            elif not each.reason:
                message = f"no reason is given for silencing {quoted(each.rule)}"
                yield _finding(IGNORE_WITHOUT_REASON, file, each, message)
            elif (file, each) not in used:
                message = f"{quoted(each.rule)} finds nothing here"
                yield _finding(IGNORE_UNUSED, file, each, message)


def _finding(rule: Rule, file: str, ignore: _Ignore, message: str) -> Finding:
    place = (file, ignore.line, ignore.column)
    return Finding(*place, rule.id, message, rule.severity, rule.remedy, ignore.source)


def _ignores(text: str) -> Iterator[_Ignore]:
    if "check:" not in text:
        return
    lines = lines_of(text)
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if found is None:
            continue
        target = number
        while target <= len(lines) and lines[target - 1].lstrip()[:1] in ("#", ""):
            target += 1
        yield _Ignore(found[1], found[2].strip(), number, found.start() + 1, target, line)
