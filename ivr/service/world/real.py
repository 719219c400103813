"""The real world of the plans: back ends, mail, a language model, a folder. One per process."""

from ivr.dialplan.runtime.world import World
from ivr.service.config.settings import Settings
from ivr.service.world.http_client import HttpClient
from ivr.service.world.language_model import OpenAIModel
from ivr.service.world.mail import SmtpMail


class RealWorld:
    """``world`` is for the plans, until ``aclose``."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing, and does not raise: the verb that needs it gets an error."""
        self._http, self._model = HttpClient(settings.http), OpenAIModel(settings.agent)
        self.world = World(
            http=self._http,
            mail=SmtpMail(settings.mail) if settings.mail.host else None,
            model=self._model,
            files=settings.files.folder,
        )

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._model.aclose()
