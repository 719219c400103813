"""A few answers that a verb other than ``gather`` waits for: by voice, by key."""

from ivr.dialplan.runtime.run import Run
from ivr.grammar.answers import Choices, expected_answers
from ivr.grammar.matching import Matcher

INTER_DIGIT_S = 2.0
"""How long another key is waited for where one is possible."""


class Menu:
    """Made once for a verb. ``choices``: name to (phrases, keys)."""

    def __init__(self, choices: Choices) -> None:
        self._matcher = Matcher(choices)
        self.expected = expected_answers(choices, self._matcher)
        self._by_keys = {keys: name for name, (_, presses) in choices.items() for keys in presses}

    async def answer(self, run: Run, timeout_s: float) -> str | None:
        """The name of what the caller chose; None for nothing within ``timeout_s`` and for what fits nothing.
        To be awaited inside ``run.expecting(menu.expected)``. Raises SessionEnded.
        """
        pressed = ""
        while True:
            turn = await run.listen(INTER_DIGIT_S if pressed else timeout_s)
            if turn.reason == "dtmf":
                pressed += turn.text
                longer = any(keys.startswith(pressed) and keys != pressed for keys in self._by_keys)
                if not longer:
                    return self._by_keys.get(pressed)
            elif turn.reason == "speech":
                match = self._matcher.match(turn.text, turn.confidence)
                return match.choice if match is not None else None
            else:
                return self._by_keys.get(pressed)
