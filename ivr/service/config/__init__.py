"""The settings: their declaration, their sources (flags, environment, TOML file), their reference, and what
changes while the service runs.

``declaration.py`` reads the options classes of the rooms. ``settings.py`` puts them together and loads them
from ``sources.py``, with the checks of ``checks.py``. ``flags.py`` names the flags. ``reference.py`` writes
the page, the commented file and the JSON Schema. ``reload.py`` compares old and new settings.
``capabilities.py`` says what the settings offer to a plan.
"""
