"""``ivr models``: list, fetch and verify the models."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ivr.cli.common import Command

if TYPE_CHECKING:
    from ivr.modelstore import Model, ModelStore


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "List, fetch or verify the models."
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, text in (
        ("list", _list, "list the models, and whether each is in the cache"),
        ("fetch", _fetch, "download the models that are missing into the cache"),
        ("verify", _verify, "hash every file again; a wrong file is removed"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        if name != "list":
            action.add_argument(
                "names", nargs="*", metavar="NAME", help="a model; all that any plan needs when none is named"
            )
        if name == "fetch":
            action.add_argument("--quiet", action="store_true", help="print nothing when nothing is missing")
        action.set_defaults(run=run)


def _list(arguments: argparse.Namespace) -> int:
    from ivr.modelstore import ModelStore

    store = ModelStore()
    for model in store.manifest.models.values():
        status = store.status(model)
        print(f"{model.name}  {model.size / 1e6:.1f} MB  {status.state}")
        print(f"    {model.purpose}")
        print(f"    licence: {model.license}; source: {model.source}")
        if status.state == "ready":
            print(f"    {store.entry(model)}")
        elif status.state == "damaged":
            print(f"    {status.detail}; run `ivr models fetch {model.name}`")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from ivr.modelstore import ModelStore, fetch

    store = ModelStore()
    for model in _chosen(store, arguments.names):
        if not fetch(store, model.name) and not arguments.quiet:
            print(f"{model.name}: is there ({store.entry(model)})")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from ivr.modelstore import ModelMissing, ModelStore, WrongHash

    store = ModelStore()
    wrong = 0
    for model in _chosen(store, arguments.names):
        try:
            store.verify(model.name)
            print(f"{model.name}: right")
        except (ModelMissing, WrongHash) as error:
            wrong += 1
            print(f"{error}", file=sys.stderr)
    return 1 if wrong else 0


def _chosen(store: "ModelStore", names: Sequence[str]) -> "list[Model]":
    """Return the models of these names; without names all but those that only some plans need, where they
    are not in the cache."""
    if names:
        return [store.manifest.get(name) for name in names]
    models = store.manifest.models.values()
    return [each for each in models if not each.on_demand or store.status(each).state != "missing"]


COMMANDS = {"models": Command("list, fetch or verify the models", _configure)}
