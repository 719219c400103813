"""The verbs by name. A new verb is a file here and its class in this list."""

from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.verbs.agent import Agent
from ivr.dialplan.verbs.branch import Branch, Switch
from ivr.dialplan.verbs.call import Call, Return
from ivr.dialplan.verbs.dtmf import Dtmf
from ivr.dialplan.verbs.gather import Gather
from ivr.dialplan.verbs.goto import Goto
from ivr.dialplan.verbs.hangup import Hangup, Reject
from ivr.dialplan.verbs.language import Language
from ivr.dialplan.verbs.pause import Pause
from ivr.dialplan.verbs.play import Play
from ivr.dialplan.verbs.python import Python
from ivr.dialplan.verbs.queue import Queue
from ivr.dialplan.verbs.record import Record
from ivr.dialplan.verbs.request import Request
from ivr.dialplan.verbs.say import Say
from ivr.dialplan.verbs.set import Log, Set, Tag
from ivr.dialplan.verbs.transfer import Transfer

_ALL: tuple[type[Verb], ...] = (
    Say,
    Play,
    Gather,
    Transfer,
    Dtmf,
    Record,
    Queue,
    Request,
    Agent,
    Python,
    Set,
    Branch,
    Switch,
    Goto,
    Call,
    Return,
    Pause,
    Hangup,
    Reject,
    Tag,
    Language,
    Log,
)
VERBS: dict[str, type[Verb]] = {verb.name: verb for verb in _ALL}

__all__ = ["VERBS", "Verb"]
