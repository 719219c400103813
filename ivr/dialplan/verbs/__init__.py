"""The verbs by name. A new verb is a file here and its class in this list."""

from ivr.dialplan.verbs.base import Verb
from ivr.dialplan.verbs.gather import Gather
from ivr.dialplan.verbs.goto import Goto
from ivr.dialplan.verbs.hangup import Hangup
from ivr.dialplan.verbs.play import Play
from ivr.dialplan.verbs.say import Say
from ivr.dialplan.verbs.transfer import Transfer

VERBS: dict[str, type[Verb]] = {verb.name: verb for verb in (Say, Play, Gather, Transfer, Goto, Hangup)}

__all__ = ["VERBS", "Verb"]
