"""What goes wrong with models; every text names the model and the remedy."""

from ivr.errors import IvrError


class ModelError(IvrError):
    """A model could not be had."""


class ModelMissing(ModelError):
    """The model is in the manifest but not (or not rightly) in the cache."""

    def __init__(self, name: str, detail: str = "it is not in the cache") -> None:
        super().__init__(f"model {name!r}: {detail}; run `ivr models fetch {name}`")
        self.name = name


class WrongHash(ModelError):
    """What was received or found is not what the manifest names; it has been removed."""

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(
            f"{what}: sha256 is {got}, the manifest says {expected}; the file was refused and removed. "
            "If the source has really changed, the manifest must be changed with it"
        )
        self.expected = expected
        self.got = got


class ManifestError(ModelError):
    """The manifest is not in order."""
