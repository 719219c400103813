"""text: whatever was said, as it was understood."""

from typing import ClassVar

from ivr.grammar.inputs.base import MAX_SAID, BaseInput, TypedValue


class TextInput(BaseInput):
    """The value is a text."""

    free: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = False

    def parse(self, text: str) -> TypedValue | None:
        said = " ".join(text[:MAX_SAID].split())
        return TypedValue(said, said) if any(character.isalnum() for character in said) else None
