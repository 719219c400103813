"""What nobody ever comes to."""

from collections.abc import Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.source.errors import quoted

UNREACHABLE_STEP = Rule(
    "unreachable-step",
    "warning",
    "a step that nothing leads to",
    "No call can come to it: not from the plan's start, a route's start, on_error or on_hangup, by no "
    "goto, choice, route or call. Steps of included files are not looked at, for a library has more than "
    "one plan uses.",
    "lead to it with a goto, or take it out",
)
UNREACHABLE_VERB = Rule(
    "unreachable-verb",
    "warning",
    "a verb that is never done",
    "What stands before it in its step always goes elsewhere or ends the call, or enters a subroutine "
    "that never comes back.",
    "take it out, or put it before the verb that leaves the step",
)
RULES = (UNREACHABLE_STEP, UNREACHABLE_VERB)


def check(subject: Subject) -> Iterator[Finding]:
    reached = subject.graph.reached
    for name, step in subject.plan.steps.items():
        if (name, 0) not in reached:
            if not step.file:
                yield subject.at_step(UNREACHABLE_STEP, name, f"nothing leads to the step {quoted(name)}")
            continue
        for index in range(1, len(step.verbs)):
            if (name, index) not in reached:
                before = step.verbs[index - 1].verb.name
                verb = quoted(step.verbs[index].verb.name)
                message = f"{verb} is never done: {quoted(before)} does not go on to it"
                yield subject.at_verb(UNREACHABLE_VERB, (name, index), message)
                break  # what follows is not reached either
