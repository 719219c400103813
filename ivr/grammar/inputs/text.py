"""text: anything that was said, as the recogniser wrote it."""

from typing import ClassVar

from ivr.grammar.inputs.base import MAX_SAID, BaseInput, TypedValue


class TextInput(BaseInput):
    """Accepts any words. The value is a text."""

    free_form: ClassVar[bool] = True
    accepts_keys: ClassVar[bool] = False

    def parse(self, text: str) -> TypedValue | None:
        said = " ".join(text[:MAX_SAID].split())
        return TypedValue(said, said) if any(character.isalnum() for character in said) else None
