"""The language's reference page: prose by hand, tables and rules from the models."""

from ivr.dialplan.reference.page import FILE, page

__all__ = ["FILE", "page"]
