"""Every verb by its name: those that are built in, and those of installed packages.

A package adds a verb with an entry point of the group ``ivr.verbs``, named as the verb; see
``ivr/dialplan/verbs/README.md``.
"""

import functools
import importlib.metadata
import types
from collections.abc import Mapping

from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.verbs.agent.verb import Agent
from ivr.dialplan.verbs.control_flow import Branch, Call, Goto, Return, Switch
from ivr.dialplan.verbs.dtmf import Dtmf
from ivr.dialplan.verbs.gather.verb import Gather
from ivr.dialplan.verbs.hangup import Hangup, Reject
from ivr.dialplan.verbs.prompts import Language, Pause, Play, Say
from ivr.dialplan.verbs.python import Python
from ivr.dialplan.verbs.queue import Queue
from ivr.dialplan.verbs.record import Record
from ivr.dialplan.verbs.request import Request
from ivr.dialplan.verbs.transfer import Transfer
from ivr.dialplan.verbs.variables import Log, Set, Tag
from ivr.errors import IvrError

GROUP = "ivr.verbs"
"""The group of entry points by which packages add verbs."""

_BUILT_IN: tuple[type[Verb], ...] = (
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


class VerbPackageError(IvrError):
    """An installed package adds a verb that cannot be used. The message names the package and the remedy."""


@functools.cache
def all_verbs() -> Mapping[str, type[Verb]]:
    """Return every verb by its name, the built-in ones first. Packages are imported at the first call.
    Raises VerbPackageError.
    """
    verbs = {verb.name: verb for verb in _BUILT_IN}
    packages = dict.fromkeys(verbs, "")
    points = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        package = _package(point)
        if point.name in verbs:
            raise VerbPackageError(_clash(point.name, package, packages[point.name]))
        verbs[point.name] = _loaded(point, package)
        packages[point.name] = package
    return types.MappingProxyType(verbs)


def _package(point: importlib.metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.module


def _clash(name: str, package: str, other: str) -> str:
    if not other:
        return (
            f"the package {package} adds the verb {quoted(name)}, which is built in: uninstall the package, "
            f"or have its author rename the verb"
        )
    return f"the packages {other} and {package} both add the verb {quoted(name)}: uninstall one of them"


def _loaded(point: importlib.metadata.EntryPoint, package: str) -> type[Verb]:
    where = f"the verb {quoted(point.name)} of the package {package} ({point.value})"
    try:
        verb = point.load()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise VerbPackageError(
            f"{where} cannot be imported: {reason}; repair, upgrade or uninstall the package"
        ) from error
    if not (isinstance(verb, type) and issubclass(verb, Verb)) or verb.run is Verb.run:
        raise VerbPackageError(
            f"{where} is no subclass of ivr.dialplan.Verb with a method run: upgrade or uninstall the package"
        )
    if getattr(verb, "name", None) != point.name:
        raise VerbPackageError(
            f"{where} calls itself {quoted(getattr(verb, 'name', ''))}: the class attribute name and the "
            f"entry point's name must be equal; upgrade or uninstall the package"
        )
    return verb
