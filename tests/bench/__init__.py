"""Measurements at the wire: ``python -m tests.bench [ROW ...]``, one row for each figure of the README."""
