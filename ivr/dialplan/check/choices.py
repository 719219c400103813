"""Answers: choices that cannot be chosen or are easily confused, and gathers that give up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.plan.graph import Place
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import quoted
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.registry import matching_rules
from ivr.grammar.matching import Matcher, content_words
from ivr.grammar.word_similarity import DIFFERENT, closeness

SAME_ANSWER = Rule(
    "same-answer",
    "error",
    "a key or a phrase of two choices",
    "It could choose only one of them.",
    "give it to only one of them",
    in_schema=True,
)
NEVER_WINS = Rule(
    "never-wins",
    "error",
    "a phrase that is never understood as its choice",
    "The rule matches the phrase against the choices as it is written, as if a recogniser had understood "
    "every word, and the result is another choice, or none. `voicemail` is such a phrase if another choice"
    " has `voice mail`, because two words count more than one; a text without words is another.",
    "change the phrase, or the phrase of the other choice",
)
KEY_PREFIX = Rule(
    "key-prefix",
    "error",
    "a key that begins another key and cannot be ended",
    "If 1 and 12 are choices, # after 1 says that no key follows. If 1# is a choice itself, it does not, "
    "and 1 is chosen only after a pause.",
    "choose keys that do not begin another key",
)
CONFUSABLE = Rule(
    "confusable",
    "warning",
    "phrases of two choices that sound alike",
    "A recogniser on a telephone line confuses them; when both match equally well the caller is asked again.",
    "choose words that sound different, or remove one of the phrases",
)
NO_EXHAUSTION_ROUTE = Rule(
    "no-exhaustion-route",
    "warning",
    "a gather without a route when all tries are used up",
    "A caller who does not answer, or not with one of the choices, hears a goodbye after all `tries`, and "
    "the call ends. Often a person could still help.",
    "give noinput and nomatch a goto, for example to an operator",
)
RULES = (SAME_ANSWER, NEVER_WINS, KEY_PREFIX, CONFUSABLE, NO_EXHAUSTION_ROUTE)

MAX_COMPARED = 120
"""Phrases of one verb up to which every pair is compared; of more only those with the same sound."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    choice: str
    text: str
    path: Path
    words: tuple[str, ...]


def check(subject: Subject) -> Iterator[Finding]:
    for place, placed in subject.verbs.items():
        verb = placed.verb
        if verb.may_give_up():
            message = f"{quoted(verb.name)} has no route for a caller who never answers: the call ends"
            yield subject.at_verb(NO_EXHAUSTION_ROUTE, place, message)
        answers = answers_of(verb)
        if answers:
            yield from _phrases(subject, place, answers)
            yield from _keys(subject, place, answers)


Answers = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Name to (phrases, keys)."""


def answers_of(verb: Verb) -> Answers:
    """Return the choices of a verb, or an empty mapping."""
    choices = getattr(verb, "choices", None)
    if not isinstance(choices, dict):
        return {}
    return {
        name: (tuple(getattr(choice, "say", ())), tuple(getattr(choice, "press", ())))
        for name, choice in choices.items()
    }


def _phrases(subject: Subject, place: Place, answers: Answers) -> Iterator[Finding]:
    language = subject.plan.languages[0]
    phrases = [
        _Phrase(name, text, ("choices", name, "say", at), content_words(text, language))
        for name, (say, _) in answers.items()
        for at, text in enumerate(say)
    ]
    many = len(phrases) > MAX_COMPARED
    matcher = None if many else Matcher(answers, language)
    for phrase in phrases:
        # With very many phrases the rule only looks whether this one can be understood at all.
        found = (matcher or Matcher({phrase.choice: ((phrase.text,), ())}, language)).match(phrase.text)
        if found is None or found.choice != phrase.choice:
            instead = (
                f"it means {quoted(found.choice)}" if found is not None else "it means none of the choices"
            )
            message = (
                f"the phrase {quoted(phrase.text)} is never understood as {quoted(phrase.choice)}: {instead}"
            )
            yield subject.at_verb(NEVER_WINS, place, message, phrase.path)
    for one, other in _alike(phrases, many, matching_rules(language)):
        message = (
            f"{quoted(other.text)} ({other.choice}) is easily confused with {quoted(one.text)} ({one.choice})"
        )
        yield subject.at_verb(CONFUSABLE, place, message, other.path)


def _alike(phrases: Sequence[_Phrase], many: bool, rules: MatchingRules) -> Iterator[tuple[_Phrase, _Phrase]]:
    """Return pairs of phrases of two choices whose words are close, but not the same. Each phrase comes at
    most once as the second one.
    """
    if many:
        heard: dict[tuple[str, ...], _Phrase] = {}
        for phrase in phrases:
            first = heard.setdefault(tuple(rules.sound(rules.stem(word)) for word in phrase.words), phrase)
            if first.choice != phrase.choice and first.words != phrase.words:
                yield first, phrase
        return
    for at, other in enumerate(phrases):
        for one in phrases[:at]:
            if one.choice == other.choice or len(one.words) != len(other.words) or one.words == other.words:
                continue
            if all(
                closeness(a, b, rules) != DIFFERENT or closeness(b, a, rules) != DIFFERENT
                for a, b in zip(one.words, other.words, strict=True)
            ):
                yield one, other
                break


def _keys(subject: Subject, place: Place, answers: Answers) -> Iterator[Finding]:
    keys = {key: (name, at) for name, (_, press) in answers.items() for at, key in enumerate(press)}
    beginnings = {key[:size] for key in keys for size in range(1, len(key) + 1)}
    for key, (name, at) in keys.items():
        if f"{key}#" in beginnings:
            message = (
                f"the key {quoted(key)} is chosen only after a pause, because {quoted(key + '#')} may follow"
            )
            yield subject.at_verb(KEY_PREFIX, place, message, ("choices", name, "press", at))
