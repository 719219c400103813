"""say, play, pause, language: what the caller hears, and in which language."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from ivr.dialplan.plan.verb import Next, SpeakingVerb, Verb
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.fields import Duration, PlanLanguage, SoundFiles, Switch
from ivr.dialplan.values.prompting import PROTECTED, TAPER, tapered
from ivr.dialplan.values.texts import PromptTexts
from ivr.session.types import silence


class Say(SpeakingVerb):
    """Speak a text, or several in their order, and wait until it was heard or interrupted.

    Values are read as a person would by the filters ``number``, ``ordinal``, ``digits``, ``spell``,
    ``phone``, ``date``, ``time`` and ``money``: ``{{ amount | money("EUR") }}``. A small part of SSML is
    carried out: ``<break time="500ms"/>``, ``<say-as interpret-as="characters">``, ``<emphasis>``, ``<p>``,
    ``<s>``.
    """

    name: ClassVar[str] = "say"
    short_field: ClassVar[str | None] = "text"

    text: PromptTexts = Field(
        description="a text to speak, values in {{ }}; or a list of them; or one for each language",
    )
    loop: int = Field(default=1, ge=1, le=100, description="how many times")
    taper: Switch = TAPER

    def prompts(self) -> Iterator[str]:
        for text in self.text:
            yield from text.literals()

    async def run(self, run: "Run") -> Next:
        texts = tapered(self.text, run.visits()) if self.taper else self.text
        for _ in range(self.loop):
            for text in texts:
                await run.prompt(text, self)
        return None


class Play(SpeakingVerb):
    """Play a WAV file, or several in their order, and wait until it was heard or interrupted."""

    name: ClassVar[str] = "play"
    short_field: ClassVar[str | None] = "file"

    file: SoundFiles = Field(description="a WAV file, or a list of them; the path is relative to the plan")
    loop: int = Field(default=1, ge=1, le=100, description="how many times")
    taper: Switch = TAPER

    async def run(self, run: "Run") -> Next:
        files = tapered(self.file, run.visits()) if self.taper else self.file
        for _ in range(self.loop):
            for file in files:
                await run.prompt(run.plan.sounds[file], self)
        return None


class Pause(Verb):
    """Wait, saying nothing. What the caller says meanwhile is not listened to."""

    name: ClassVar[str] = "pause"
    short_field: ClassVar[str | None] = "length"

    length: Duration = Field(description="how long, such as 1s")

    async def run(self, run: "Run") -> Next:
        # Silence that is played is counted in samples, as everything in a call is.
        await run.prompt(silence(self.length), PROTECTED)
        return None


class Language(Verb):
    """Go on in another language: texts, numbers and dates, and the voice and the recogniser where the service
    has some for it.
    """

    name: ClassVar[str] = "language"
    short_field: ClassVar[str | None] = "to"
    before_answer: ClassVar[bool] = True

    to: PlanLanguage = Field(description="one of the plan's languages, such as fr")

    async def run(self, run: "Run") -> Next:
        run.set_language(self.to)
        run.log.info("language_changed", language=self.to)
        return None
