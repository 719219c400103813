"""Errors of models; every text names the model and the remedy."""

from ivr.errors import IvrError


class ModelError(IvrError):
    """A model cannot be used."""


class ModelMissing(ModelError):
    """The model is in the manifest but not in the cache, or damaged there."""

    def __init__(self, name: str, detail: str = "it is not in the cache") -> None:
        super().__init__(f"model {name!r}: {detail}; run `ivr models fetch {name}`")
        self.name = name


class WrongHash(ModelError):
    """A file is not the one that the manifest names; it has been removed."""

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(
            f"{what}: sha256 is {got}, the manifest says {expected}; the file was refused and removed. "
            "If the source has changed on purpose, update the manifest"
        )
        self.expected = expected
        self.got = got


class ManifestError(ModelError):
    """The manifest is faulty."""
