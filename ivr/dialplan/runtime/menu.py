"""A few answers that a verb other than ``gather`` waits for: by voice, by key."""

from ivr.dialplan.runtime.run import Run
from ivr.grammar.answers import Choices, expected_answers
from ivr.grammar.expectation import Expectation
from ivr.grammar.matching import Matcher

INTER_DIGIT_S = 2.0
"""Seconds to wait for another key where one is possible."""


class Menu:
    """The answers of one verb, for all calls. ``choices``: name to (phrases, keys)."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._by_language: dict[str, tuple[Matcher, Expectation]] = {}
        self._by_keys = {keys: name for name, (_, presses) in choices.items() for keys in presses}

    def expectation(self, language: str) -> Expectation:
        """Return what a caller is expected to say in a language."""
        return self._in_language(language)[1]

    def _in_language(self, language: str) -> tuple[Matcher, Expectation]:
        made = self._by_language.get(language)
        if made is None:
            matcher = Matcher(self._choices, language)
            made = matcher, expected_answers(self._choices, matcher, language=language)
            self._by_language[language] = made
        return made

    async def answer(self, run: Run, timeout_s: float) -> str | None:
        """Return the name of the caller's choice; None for no answer within ``timeout_s`` and for an answer
        that is none of the choices. Await it inside ``run.expecting(menu.expectation(run.language))``.
        Raises SessionEnded.
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
                match = self._in_language(run.language)[0].match(turn.text, turn.confidence)
                return match.choice if match is not None else None
            else:
                return self._by_keys.get(pressed)
