"""Faults that no signal can make, in a process that has this folder in PYTHONPATH. While there is a file with
the name in FAULT_FILE and ".vad" after it, the detector's network fails; with ".names", no name is found.
"""

import importlib.abc
import importlib.machinery
import os
import socket
import sys
from typing import Any


def _wanted(what: str) -> bool:
    return os.path.exists(f"{os.environ['FAULT_FILE']}.{what}")  # noqa: PTH110


class _AfterImport(importlib.abc.MetaPathFinder):
    """Changes one module once it is imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "ivr.vad.silero":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            run = module.SileroModel.run

            def failing(self: Any, *arguments: Any) -> Any:
                if _wanted("vad"):
                    raise MemoryError("injected")
                return run(self, *arguments)

            module.SileroModel.run = failing

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _no_names() -> None:
    find = socket.getaddrinfo

    def failing(host: Any, *arguments: Any, **options: Any) -> Any:
        if _wanted("names") and str(host).endswith(".example"):
            raise socket.gaierror(socket.EAI_AGAIN, "injected: no name server")
        return find("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    socket.getaddrinfo = failing


if "FAULT_FILE" in os.environ:
    sys.meta_path.insert(0, _AfterImport())
    _no_names()
