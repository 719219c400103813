"""How calls end: with a hangup or a person, after a goodbye, or never."""

from collections.abc import Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.plan.graph import Place, components
from ivr.dialplan.plan.verb import SpeakingVerb
from ivr.dialplan.source.errors import listed, quoted

ENDS_NOWHERE = Rule(
    "ends-nowhere",
    "error",
    "a path that ends neither in a hangup nor in a transfer",
    "The step ends and nothing follows, so the call is cut off there. That is rarely intended: usually a "
    "goto is missing, or the case in which a transfer fails.",
    "add the missing goto or hangup",
)
ENDLESS_LOOP = Rule(
    "endless-loop",
    "error",
    "a loop with no counter and no way out",
    "No path leads from there to the end of the call, or the only ways out depend on values that nothing "
    "in the loop changes. Callers stay in the loop until they hang up, or until the service ends the call "
    "with an apology. A failure (on_error) does not count as a way out; the clock, opening hours and every"
    " verb that listens to the caller do.",
    "count the rounds with set and leave with branch, or add a choice or a noinput that leads out",
)
NO_GOODBYE = Rule(
    "no-goodbye",
    "error",
    "a step from which no path leads to a person or a goodbye",
    "Whatever happens after it, the call ends without a word. A goodbye is a text between the caller's last "
    "answer and the hangup; a transfer, the goodbye of a gather that gives up and a reject count too.",
    "say something before the hangup, or transfer to a person",
)
RULES = (ENDS_NOWHERE, ENDLESS_LOOP, NO_GOODBYE)

_CLOCK = frozenset({"now", "hours"})


def check(subject: Subject) -> Iterator[Finding]:
    yield from _ends_nowhere(subject)
    endless = _endless_places(subject)
    yield from _endless(subject, endless)
    yield from _stuck(subject, endless)
    yield from _no_goodbye(subject, endless)


def _ends(subject: Subject) -> list[Place]:
    """Return the verbs with which a plan may end."""
    graph = subject.graph
    return [place for place in graph.places if any(edge.kind == "end" for edge in graph.edges(place))]


def _ends_nowhere(subject: Subject) -> Iterator[Finding]:
    graph = subject.graph
    for place in graph.places:
        if place not in graph.top or not any(edge.kind == "return" for edge in graph.edges(place)):
            continue
        step, index = place
        if graph.verb(place) is not None:
            yield subject.at_verb(ENDS_NOWHERE, place, "there is nothing to return to: no call led here")
            continue
        message = f"the step {quoted(step)} ends here, and the call is cut off"
        yield subject.at_verb(ENDS_NOWHERE, (step, index - 1), message)


def _endless_places(subject: Subject) -> frozenset[Place]:
    """Return the places that are reached and from which no call ends."""
    graph = subject.graph
    ends = _ends(subject)
    returns = [place for place in graph.places if any(edge.kind == "return" for edge in graph.edges(place))]
    finite = graph.reaching(ends, "next", "goto", "call") | graph.reaching(returns, "next", "goto")
    return graph.reached - finite


def _endless(subject: Subject, endless: frozenset[Place]) -> Iterator[Finding]:
    graph = subject.graph
    after = {place: list(graph.successors(place, "next", "goto", "call")) for place in endless}
    inner: set[Place] = set()  # those that lead to a loop that was reported
    for component in components(sorted(endless, key=graph.order.__getitem__), after):
        if any(target in inner for place in component for target in after[place]):
            inner.update(component)
            continue
        inner.update(component)
        inside = sorted(component, key=graph.order.__getitem__)
        steps = dict.fromkeys(name for name, _ in inside)
        message = f"nothing leads out of this loop: {listed(map(quoted, steps))}"
        yield subject.at_verb(ENDLESS_LOOP, inside[0], message)


def _stuck(subject: Subject, endless: frozenset[Place]) -> Iterator[Finding]:
    """Report loops whose only ways out are conditions that nothing in the loop changes."""
    graph = subject.graph
    places = [place for place in graph.places if place in graph.reached and place not in endless]
    after = {place: list(graph.successors(place, "next", "goto")) for place in places}
    ending = graph.reaching(_ends(subject), "next", "goto", "call")
    for component in components(places, after):
        inside = set(component)
        if len(component) == 1 and component[0] not in after[component[0]]:
            continue
        changed = _changed(subject, inside)
        ways_out: list[tuple[Place, frozenset[str]]] = []
        for place in component:
            placed = graph.verb(place)
            if not any(
                edge.target not in inside and (edge.kind != "call" or edge.target in ending)
                for edge in graph.edges(place)
                if edge.kind != "error"
            ):
                continue
            reads = frozenset(placed.verb.reads()) if placed is not None else frozenset()
            if placed is None or not placed.verb.decided_by_values or reads & changed or reads & _CLOCK:
                break
            ways_out.append((place, reads))
        else:
            if ways_out:
                place, reads = min(ways_out, key=lambda way: (way[0][0], way[0][1]))
                what = (
                    f"{listed(map(quoted, sorted(reads)))} does not change in the loop"
                    if reads
                    else "is fixed"
                )
                message = f"this condition is the only way out of the loop, but {what}"
                yield subject.at_verb(ENDLESS_LOOP, place, message)


def _changed(subject: Subject, places: set[Place]) -> set[str]:
    """Return the variables that those verbs, and the subroutines that they enter, change."""
    graph = subject.graph
    entered = {target for place in places for target in graph.successors(place, "call")}
    inner = graph.reach(entered, calls=True) | places
    return {name for place in inner if (placed := graph.verb(place)) for name in placed.verb.sets()}


def _no_goodbye(subject: Subject, endless: frozenset[Place]) -> Iterator[Finding]:
    graph = subject.graph
    ends = _ends(subject)
    kind = {place: placed.verb for place, placed in subject.verbs.items()}
    good = {place for place in ends if kind[place].ends_politely}
    good.update(place for place, verb in kind.items() if verb.reaches_a_person)
    # A hangup before which something was said since the caller was last listened to.
    quiet_end = _reaching_quietly(subject, {place for place in ends if place not in good})
    said = {
        place
        for place in _saying(subject)
        if any(to in quiet_end for to in graph.successors(place, "next", "goto", "call"))
    }
    fine = graph.reaching(good | said, "next", "goto", "call")
    comes_back = graph.can_return
    for name in subject.plan.steps:
        entry = (name, 0)
        if entry in fine or entry in endless or entry not in graph.top | graph.entered:
            continue
        if entry not in graph.top and entry in comes_back:
            continue  # what happens to the call is up to whoever called the subroutine
        message = f"from the step {quoted(name)} no path leads to a person or a goodbye"
        yield subject.at_step(NO_GOODBYE, name, message)


def _reaching_quietly(subject: Subject, ends: set[Place]) -> frozenset[Place]:
    """Return ``ends``, and the places that lead to one of them without listening."""
    graph = subject.graph
    before: dict[Place, list[Place]] = {}
    for place in graph.places:
        for target in graph.successors(place, "next", "goto", "call"):
            before.setdefault(target, []).append(place)
    todo = list(ends)
    found = set(todo)
    while todo:
        for earlier in before.get(todo.pop(), ()):
            placed = graph.verb(earlier)
            if earlier not in found and placed is not None and not placed.verb.listens:
                found.add(earlier)
                todo.append(earlier)
    return frozenset(found)


def _saying(subject: Subject) -> set[Place]:
    """Return the verbs that say something, also in a subroutine, and do not listen."""
    graph = subject.graph
    speaking = [place for place, placed in subject.verbs.items() if isinstance(placed.verb, SpeakingVerb)]
    leading = graph.reaching(speaking, "next", "goto", "call")
    saying = {place for place in speaking if not subject.verbs[place].verb.listens}
    saying.update(
        place for place in subject.verbs if any(to in leading for to in graph.successors(place, "call"))
    )
    return saying
