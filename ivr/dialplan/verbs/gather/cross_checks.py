"""Mistakes between the fields of a gather, found in the data as written."""

from collections.abc import Iterator
from typing import Any

from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import Ruled, quoted
from ivr.grammar.inputs import INPUTS
from ivr.grammar.matching import content_words

_TYPED = tuple(INPUTS)
_BY_DIGITS = ("digits", "number", "money", "phone", "pattern")
_FIELDS_OF_KINDS: dict[str, tuple[str, ...]] = {
    "pattern": ("pattern",),
    "min_digits": _BY_DIGITS,
    "max_digits": _BY_DIGITS,
    "date_order": ("date",),
    "prefer": ("date",),
    "currency": ("money",),
    "goto": _TYPED,
}
"""Fields that say something about some kinds of input alone."""


def cross_check_fields(data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
    """Yield (path, message) for each mistake. ``data`` may be wrong in any other way too."""
    yield from _given_twice(data.get("choices"), language)
    kind = str(data.get("input", ""))
    if kind == "pattern" and "pattern" not in data:
        yield ("input",), "gather needs 'pattern': a regular expression for input: pattern"
    for field, kinds in _FIELDS_OF_KINDS.items():
        if field in data and kind not in kinds:
            only = " or ".join(f"input: {name}" for name in kinds) if len(kinds) < 4 else "a typed input"
            yield (field,), f"{quoted(field)} is for {only}; this gather has none"
    if kind in INPUTS and not data.keys() & {"into", "details"}:
        yield ("input",), "gather needs 'into': the variable that is given the value"
    confirm = data.get("confirm", "never")
    when = confirm.get("when", "never") if isinstance(confirm, dict) else confirm
    if _on(data.get("sensitive")) and when != "never":
        yield ("confirm",), "a sensitive answer is never said back; leave 'confirm' out"
    least, most = data.get("min_digits"), data.get("max_digits")
    if _whole(least) and _whole(most) and int(str(least)) > int(str(most)):
        yield ("min_digits",), f"no value has at least {least} and at most {most} digits"
    if "keys_only" in data and not _takes_keys(data):
        yield ("keys_only",), "this gather has no keys: give its choices a 'press', or leave it out"


def _takes_keys(data: dict[str, Any]) -> bool:
    kind, choices = str(data.get("input", "")), data.get("choices")
    listed = choices.values() if isinstance(choices, dict) else ()
    pressed = any(isinstance(choice, dict) and "press" in choice for choice in listed)
    return pressed or (kind in INPUTS and INPUTS[kind].accepts_keys)


def _on(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "on"))


def _whole(value: object) -> bool:
    return str(value).isdecimal() and len(str(value)) < 9


def _given_twice(choices: object, language: str) -> Iterator[tuple[Path, str]]:
    keys: dict[str, str] = {}
    phrases: dict[tuple[str, ...], str] = {}
    for name, choice in choices.items() if isinstance(choices, dict) else ():
        if not isinstance(choice, dict):
            continue
        for at, key in _listed(choice.get("press")):
            taken = keys.setdefault(key.strip().upper(), name)
            if taken != name:
                message = f"the key {quoted(key)} is already that of {quoted(taken)}"
                yield ("choices", name, "press", *at), Ruled(message, "same-answer")
        for at, phrase in _listed(choice.get("say")):
            taken = phrases.setdefault(content_words(phrase, language), name)
            if taken != name:
                message = f"the phrase {quoted(phrase)} already means {quoted(taken)}"
                yield ("choices", name, "say", *at), Ruled(message, "same-answer")


def _listed(value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, list):
        yield from (((at,), item) for at, item in enumerate(value) if isinstance(item, str))
