"""Texts with values in them, in one language or in several."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.expressions import Expression, ExpressionError, Template
from ivr.dialplan.values.fields import OneOrMany, check_address, known_language, refuse
from ivr.dialplan.values.markup import MarkupError, check_markup, has_markup, pieces, without_markup
from ivr.text import clean_text


class Spoken:
    """A text to say, per language where the plan has several."""

    __slots__ = ("_default", "_texts")

    def __init__(self, texts: Mapping[str, Template]) -> None:
        """``texts``: language to text; the first is said where a language has none. Not empty."""
        self._texts = dict(texts)
        self._default = next(iter(self._texts.values()))

    def in_language(self, language: str) -> Template:
        """``language`` is a tag such as ``en``; ``en-GB`` falls back on ``en``."""
        found = self._texts.get(language) or self._texts.get(language.partition("-")[0])
        return found or self._default

    @property
    def languages(self) -> tuple[str, ...]:
        """Those it has a text for; ("",): one text for all."""
        return tuple(self._texts)

    @property
    def leaves(self) -> tuple[Template, ...]:
        """The texts of all languages."""
        return tuple(self._texts.values())

    @property
    def names(self) -> frozenset[str]:
        """Every variable that it reads."""
        return frozenset().union(*(text.names for text in self._texts.values()))

    @property
    def needed(self) -> frozenset[str]:
        """Names that must have a value."""
        return frozenset().union(*(text.needed for text in self._texts.values()))

    def literals(self) -> Iterator[str]:
        """What it says word for word whatever happens: texts that can be made ready before a call."""
        for language, text in self._texts.items():
            if text.literal is None:
                continue
            if not has_markup(text.literal):
                yield text.literal
            elif language or "<say-as" not in text.literal:
                yield from (piece for piece in pieces(text.literal, language) if isinstance(piece, str))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spoken) and other._texts == self._texts

    def __hash__(self) -> int:
        return hash(tuple(self._texts.items()))

    def __repr__(self) -> str:
        return f"Spoken({ {name: text.source for name, text in self._texts.items()} })"


def say(text: str) -> Spoken:
    """Return a built-in text, one for all languages."""
    return Spoken({"": Template(text, finalize=without_markup)})


def _template(text: Any, finalize: Callable[[Any], str] | None = None) -> Template:
    if not isinstance(text, str):
        raise refuse("expected a text")
    shown = " ".join(text.split())
    if not shown:
        raise refuse("expected a text, found an empty one")
    try:
        return Template(shown, finalize)
    except ExpressionError as error:
        raise refuse(f"the text {quoted(shown)} has a mistake in its {{{{ }}}}: {error}") from None


def _said(text: Any) -> Template:
    found = _template(text, without_markup)
    try:
        # What is in {{ }} may hold a < or > of its own.
        check_markup(re.sub(r"\{\{.*?\}\}", "0", found.source))
    except MarkupError as error:
        raise refuse(f"the text {quoted(found.source)} has a mistake in its markup: {error}") from None
    return found


def _spoken(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, Spoken):
        return value
    if isinstance(value, str):
        return Spoken({"": _said(value)})
    if not isinstance(value, dict) or not value:
        raise refuse("expected a text, or a mapping of languages to texts such as {en: Hello, fr: Bonjour}")
    for language in value:
        known_language(language, info)
    return Spoken({language: _said(text) for language, text in value.items()})


def _expression(value: Any) -> Any:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, str):
        raise refuse('expected an expression such as tries > 2 or "a text" (in quotes of its own)')
    try:
        return Expression(value)
    except ExpressionError as error:
        raise refuse(f"the expression {quoted(value)} has a mistake: {error}") from None


def _plain_template(value: Any) -> Any:
    return value if isinstance(value, Template) else _template(value)


def _target(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    # With a host in it, what a value holds cannot be another one.
    names_host = isinstance(value, str) and "@" in re.sub(r"\{\{.*?\}\}", "", value)
    template = _template(value, _part_of_address if names_host else None)
    if template.literal is not None:
        check_address(template.literal)
    return template


def _part_of_address(value: Any) -> str:
    """``value`` as part of a SIP address whose host the plan names: no delimiter of the address stays one."""
    text = clean_text(str(value))
    if re.fullmatch(r"\[[0-9A-Fa-f:.]+\](:\d+)?", text):
        return text  # a host of IPv6
    return quote(text, safe="-_.!~*'()&=+$,:")


Said = Annotated[
    Spoken,
    BeforeValidator(_spoken),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
    ),
]
"""A text to say, values in ``{{ }}``; or a mapping of languages to such texts."""

PromptTexts = Annotated[
    tuple[Said, ...],
    OneOrMany(str, dict, at_least_one=True),
]
"""One text, or a list of them."""

Expr = Annotated[
    Expression, BeforeValidator(_expression), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
"""A value worked out from variables, without ``{{ }}``."""

TemplateText = Annotated[Template, BeforeValidator(_plain_template), WithJsonSchema({"type": "string"})]
"""A text that is not said (an address, a URL, a tag), values in ``{{ }}``."""

Target = Annotated[Template, BeforeValidator(_target), WithJsonSchema({"type": "string"})]
"""An address to call, as ``Address``; values in ``{{ }}``."""

Targets = Annotated[tuple[Target, ...], OneOrMany(str, dict, at_least_one=True)]
"""One, or a list of them."""
