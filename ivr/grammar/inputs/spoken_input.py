"""The base class of values that are found also among other words: "my number is …, thanks"."""

from abc import abstractmethod
from typing import ClassVar

from ivr.grammar.inputs.base import BaseInput, TypedValue
from ivr.grammar.inputs.spoken_forms import readings


class SpokenInput(BaseInput):
    """Parses an answer by the first of its readings (see ``spoken_forms``) that says a value."""

    kind: ClassVar[str]
    """The name of the kind, for the words that a recogniser writes wrongly."""

    def parse(self, text: str) -> TypedValue | None:
        for reading in readings(text, self.kind, self.language):
            found = self.parse_words(reading)
            if found is not None:
                return found
        return None

    @abstractmethod
    def parse_words(self, text: str) -> TypedValue | None:
        """Return the value that all words of ``text`` say, or None."""
