"""text: whatever was said, as it was understood."""

from typing import ClassVar

from ivr.grammar.inputs.base import MAX_SAID, Base, Typed


class FreeText(Base):
    """The value is a text."""

    free: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = False

    def parse(self, text: str) -> Typed | None:
        said = " ".join(text[:MAX_SAID].split())
        return Typed(said, said) if any(character.isalnum() for character in said) else None
