"""agent: a conversation by a language model."""

from ivr.dialplan.plan.verb import GoTo, Next
from ivr.dialplan.runtime.language_model import ModelFailed
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.verbs.agent.conversation import Conversation
from ivr.dialplan.verbs.agent.model import AgentFields


class Agent(AgentFields):
    """Let a language model talk with the caller, and let it use the tools you declare.

    It speaks sentence by sentence as it writes; text cut off by an interruption is not kept in the history.
    Its tools are verbs of the plan. It has one more, ``done``, for the end of the conversation.
    """

    async def run(self, run: Run) -> Next:
        if run.world.model is None:
            return self._down(run, "this service has no language model: see [agent] in the settings")
        known = run.variables.scope()
        for name in self.sets():  # what a tool that was never used would have set is none
            if name not in known:
                run.variables.set(name, None)
        try:
            return await Conversation(self, run, run.world.model).run()
        except ModelFailed as error:
            return self._down(run, str(error))

    def _down(self, run: Run, reason: str) -> Next:
        """Raises VerbFailed where there is no route."""
        if self.on.down is None:
            raise VerbFailed("model_down", reason)
        run.log.error("model_down", error=run.variables.redact(reason))
        run.stop_skipping()
        return GoTo(self.on.down)
