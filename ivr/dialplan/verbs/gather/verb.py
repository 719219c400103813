"""gather: ask, listen, and go where the answer leads."""

from ivr.dialplan.plan.verb import Next
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.verbs.gather.asking import GatherRun
from ivr.dialplan.verbs.gather.model import GatherFields


class Gather(GatherFields):
    """Ask, listen for one of the choices or a typed value, by voice or by key, and go where it leads.

    After a miss its text and the prompt are said again, ``tries`` times; no-input and no-match are
    counted apart.
    """

    async def run(self, run: Run) -> Next:
        return await GatherRun(run, self).ask()
