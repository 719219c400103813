"""Addresses with values in them: what a value holds cannot change where a request goes."""

import re
from typing import Annotated, Any
from urllib.parse import quote, unquote

from pydantic import BeforeValidator, WithJsonSchema

from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.expressions import ExpressionError, Template
from ivr.dialplan.values.fields import refuse
from ivr.text import clean_text

_SCHEMES = ("http://", "https://", "/")


def _escaped(value: Any) -> str:
    """``value`` as part of an address (RFC 3986, 2.1): nothing in it is a delimiter."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return quote(clean_text(text, lines=True), safe="")


def _url(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    if not isinstance(value, str) or not value.strip():
        raise refuse("expected an address such as https://crm.example.org/customers/{{ number }}")
    text = value.strip()
    if not text.startswith(_SCHEMES):
        raise refuse(
            f"expected an address that begins with http:// or https://, or with / for one below "
            f"http.base_url of the settings, found {quoted(text)}"
        )
    host = text.partition("://")[2].partition("/")[0] if "://" in text else ""
    if "{{" in host:
        raise refuse(
            f"the host cannot depend on a value, found {quoted(host)}: write it out, or use a switch"
        )
    if "@" in host:
        raise refuse("a user and a password do not belong into an address: use a header")
    if re.search(r"\s", re.sub(r"\{\{.*?\}\}", "", text)):
        raise refuse(f"expected an address without blanks in it, found {quoted(text)}")
    try:
        return Template(text, finalize=_escaped)
    except ExpressionError as error:
        raise refuse(f"the address {quoted(text)} has a mistake in its {{{{ }}}}: {error}") from None


def leads_elsewhere(url: str) -> bool:
    """A value was made to climb out of the address's path: one of its parts is ``..`` (RFC 3986, 5.2.4)."""
    path = url.partition("://")[2] if "://" in url else url
    return any(unquote(part) in (".", "..") for part in re.split(r"[?#]", path)[0].split("/"))


Url = Annotated[Template, BeforeValidator(_url), WithJsonSchema({"type": "string"})]
"""An http or https address, values in ``{{ }}``, which are escaped."""
