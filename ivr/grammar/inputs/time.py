"""time: a time of day: "half past three", "15:30", "three pm", "quinze heures trente"; by keys HHMM.

Where the caller does not say which half of the day, 7 to 11 are in the morning, 12 is noon, and 1 to 6 are in
the afternoon: office hours. Words that say it ("at night", "du matin") and the hours from 13 on decide it.
"""

import re
from collections.abc import Sequence
from datetime import time

from ivr.grammar import reading
from ivr.grammar.inputs.base import TypedValue
from ivr.grammar.inputs.spoken_forms import date_and_time
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import each_number, tokens
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary


class TimeInput(SpokenInput):
    """Parses a time of day. The value is a ``time``."""

    kind = "time"

    def parse(self, text: str) -> TypedValue | None:
        found = super().parse(text)
        if found is not None:
            return found
        # "Next Tuesday at half past three", "in the evening": the date is another question.
        parts = registry.vocabulary(self.language).parts
        half = " ".join(token for token in tokens(text) if token in parts)
        for pieces in date_and_time(text, self.language):
            for each in reversed(pieces):
                found = super().parse(each) and super().parse(f"{each} {half}")
                if found is not None:
                    return found
        return None

    def parse_words(self, text: str) -> TypedValue | None:
        words = registry.vocabulary(self.language)
        found = tokens(
            re.sub(r"(?<=\d)\s*h(?=\d|\b)", ":", text.casefold()).replace(": ", ":00 "), ordinals=False
        )
        found = [each.rstrip(":") for each in found]
        half = next(
            (words.parts[token] for token in found if token in words.parts and token not in words.noon), ""
        )
        night = any(token in words.night for token in found)
        rest = [token for token in found if token not in words.parts or token in words.noon]
        moment = _moment(rest, words)
        return self._typed(*_settled(moment, half, night)) if moment is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        if not keys.isdecimal() or len(keys) not in (3, 4):
            return None
        return self._typed(int(keys[:-2]), int(keys[-2:]))

    def accepts_more_keys(self, keys: str) -> bool:
        return (keys.isdecimal() or not keys) and len(keys) < 4

    def _typed(self, hour: int, minute: int) -> TypedValue | None:
        if not (0 <= hour <= 23 and 0 <= minute <= 59):
            return None
        at = time(hour, minute)
        return TypedValue(at, reading.clock(at, self.language))


def _settled(moment: tuple[int, int, bool], half: str, night: bool) -> tuple[int, int]:
    """Return the hour and minute of a moment (hour, minute, whether the hour is certain)."""
    hour, minute, sure = moment
    if hour > 12 or hour == 0:
        return hour, minute
    if half == "am" or (night and hour < 5):
        return hour % 12, minute
    if half == "pm":
        return (0 if night and hour == 12 else hour % 12 + 12), minute
    return (hour + 12 if not sure and hour < 7 else hour), minute


def _moment(found: Sequence[str], words: Vocabulary) -> tuple[int, int, bool] | None:
    found = [token for token in found if token not in words.noise or token in words.clock_words]
    numbers: list[int | str] = []
    for each in each_number(found, words):
        figures = re.fullmatch(r"(\d{1,2})[:.,](\d{2})", each) if isinstance(each, str) else None
        numbers += [int(figures[1]), int(figures[2])] if figures else [each]
    fixed = [12 if each in words.noon else 0 if each in words.midnight else each for each in numbers]
    named = any(each in words.noon or each in words.midnight for each in numbers)
    parts = [each for each in fixed if each not in words.hour_words]
    match parts:
        case [int(hour)] if hour > 24 or (
            len(found) == 1 and len(found[0]) in (3, 4) and found[0].isdecimal()
        ):
            return (*divmod(hour, 100), len(found[0]) == 4 and found[0][0] == "0")
        case [int(hour)]:
            return hour, 0, named
        case [int(hour), int(minute)]:
            return hour, minute, named
        case [int(hour), str(oh), int(minute)] if oh in words.oh and minute < 10:
            return hour, minute, named
    phrase = words.clock_phrase(parts)
    if phrase is None:
        return None
    hour, minutes = phrase
    return (hour, minutes, named) if minutes >= 0 else _before(hour, -minutes, named)


def _before(hour: int, minutes: int, named: bool) -> tuple[int, int, bool] | None:
    if not 0 <= hour <= 24:
        return None
    if hour <= 1 and not named:
        return (12 if hour else 23), 60 - minutes, False
    return (hour - 1) % 24, 60 - minutes, named
