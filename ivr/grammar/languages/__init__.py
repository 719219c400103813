"""One folder per language, and the registry of them.

A new language is a new folder whose ``LANGUAGE`` is listed in ``registry.BUILT_IN``. It says as much as it
can: ``language.Language`` lists the parts, and all of them are optional.
"""
