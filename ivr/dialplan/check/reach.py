"""Steps and verbs that no call reaches."""

from collections.abc import Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.source.errors import quoted

UNREACHABLE_STEP = Rule(
    "unreachable-step",
    "warning",
    "a step that nothing leads to",
    "No call can reach it: neither the start of the plan or of a route, nor on_error or on_hangup, nor a "
    "goto, choice, route or call leads to it. The rule does not examine steps of included files, because "
    "no plan uses all of a library.",
    "lead to it with a goto, or remove it",
)
UNREACHABLE_VERB = Rule(
    "unreachable-verb",
    "warning",
    "a verb that never runs",
    "A verb before it in the step always goes to another step or ends the call, or enters a subroutine that "
    "never returns.",
    "remove it, or put it before the verb that leaves the step",
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
                message = f"{verb} never runs: {quoted(before)} does not continue with it"
                yield subject.at_verb(UNREACHABLE_VERB, (name, index), message)
                break  # what follows is not reached either
