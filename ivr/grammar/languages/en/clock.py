"""English ways to say a time: "half past three", "a quarter to four", "ten minutes past noon"."""

from collections.abc import Sequence

PAST = frozenset(["past", "after"])
TO = frozenset(["to", "till", "til", "before", "of"])


def clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return the hour and the minutes after it (negative: before it), or None."""
    match [part for part in parts if part != "minutes"]:
        case ["half", str(past), int(hour)] if past in PAST:
            return hour, 30
        case ["half", int(hour)]:
            return hour, 30  # as the British say it
        case ["quarter", str(past), int(hour)] if past in PAST:
            return hour, 15
        case ["quarter", str(to), int(hour)] if to in TO:
            return hour, -15
        case [int(minutes), str(past), int(hour)] if past in PAST and minutes < 60:
            return hour, minutes
        case [int(minutes), str(to), int(hour)] if to in TO and 0 < minutes < 60:
            return hour, -minutes
    return None
