"""YAML text to a tree that knows lines and columns; the errors of a plan and their wording."""
