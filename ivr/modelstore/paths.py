"""Where downloaded and generated files live."""

import os
from pathlib import Path


def cache_root() -> Path:
    """The cache folder: ``$IVR_CACHE_DIR``, else ``$XDG_CACHE_HOME/ivr``, else ``~/.cache/ivr``.

    Models are in ``models/`` under it, synthesised prompts in ``prompts/``. It may not exist yet.
    """
    own = os.environ.get("IVR_CACHE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    # The XDG base directory specification: a relative path is to be ignored.
    if xdg and Path(xdg).is_absolute():
        return Path(xdg) / "ivr"
    return Path.home() / ".cache" / "ivr"
