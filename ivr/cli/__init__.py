"""The ``ivr`` command: ``main`` runs one command; each group of commands has a file of its own here."""

from ivr.cli.main import main

__all__ = ["main"]
