"""The base of the package's exceptions. The hierarchy is drawn in the docstring of ``ivr``."""


class IvrError(Exception):
    """An error whose text is for the person who runs the service: what happened, where, what to do."""
