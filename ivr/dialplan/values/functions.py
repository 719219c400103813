"""Functions of a plan's author: found by entry point or in a file beside the plan, called without trust.

They run in the service's own process and loop. What they raise stays in the verb that called them; what they
block, blocks every call, so how long they hold the loop is watched.
"""

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

from ivr.dialplan.source.errors import did_you_mean, listed, quoted
from ivr.dialplan.values.fields import LoadContext, refuse

GROUP = "ivr.functions"
"""The entry points of installed packages."""
HELD_S = 0.1
"""Longer than this without an ``await`` is a warning in the log: meanwhile no call of the process moves."""

_IN_FILE = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class FunctionError(Exception):
    """A function cannot be used. The message says why and what to do."""


class Function:
    """An async function by the name a plan has for it. Made once when the plan is loaded, and again in each
    process that serves it.
    """

    __slots__ = ("_function", "folder", "spec")

    def __init__(self, spec: str, folder: Path) -> None:
        """``spec`` is ``file.py:function``, the file relative to ``folder``, or an entry point's name. Raises
        FunctionError.
        """
        self.spec, self.folder = spec, folder
        self._function = _found(spec, folder)

    @property
    def path(self) -> Path | None:
        """The file it is in; None for one of an installed package."""
        in_file = _IN_FILE.fullmatch(self.spec)
        return self.folder / in_file["file"] if in_file is not None else None

    def check_arguments(self, names: Iterable[str]) -> None:
        """It takes a context and these by name. Raises FunctionError."""
        try:
            inspect.signature(self._function).bind(None, **dict.fromkeys(names))
        except TypeError as error:
            raise FunctionError(
                f"{self.spec} takes {_taken(self._function)}; with the call's context and what is in 'with': "
                f"{error}"
            ) from None

    def __call__(self, context: Any, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Any]:
        return self._function(context, **arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and (other.spec, other.folder) == (self.spec, self.folder)

    def __hash__(self) -> int:
        return hash((self.spec, self.folder))

    def __repr__(self) -> str:
        return f"Function({self.spec!r})"

    def __reduce__(self) -> tuple[Callable[[str, Path], "Function"], tuple[str, Path]]:
        return _again, (self.spec, self.folder)  # code is found again, not copied


def _again(spec: str, folder: Path) -> Function:
    """Find a function again in another process. One that is missing there fails when it is called; the
    process goes on.
    """
    try:
        return Function(spec, folder)
    except FunctionError as error:
        reason = error

    async def gone(context: Any, **arguments: Any) -> None:
        raise reason

    function = Function.__new__(Function)
    function.spec, function.folder, function._function = spec, folder, gone
    return function


def _found(spec: str, folder: Path) -> Callable[..., Coroutine[Any, Any, Any]]:
    in_file = _IN_FILE.fullmatch(spec)
    if in_file is not None:
        module = _module(folder / in_file["file"], in_file["file"])
        function = getattr(module, in_file["name"], None)
        if function is None:
            names = [name for name, value in vars(module).items() if inspect.iscoroutinefunction(value)]
            hint = did_you_mean(in_file["name"], names) or (f"; there are {listed(names)}" if names else "")
            raise FunctionError(f"there is no {quoted(in_file['name'])} in {in_file['file']}{hint}")
    elif _NAMED.fullmatch(spec):
        function = _entry_point(spec)
    else:
        raise FunctionError(
            f"expected file.py:function, or the name of an entry point of the group {GROUP}, "
            f"found {quoted(spec)}"
        )
    if not inspect.iscoroutinefunction(function):
        raise FunctionError(f"{spec} is no async function: write 'async def'")
    found: Callable[..., Coroutine[Any, Any, Any]] = function
    return found


_Stamp = tuple[int, int]
_loaded: dict[Path, tuple[_Stamp, types.ModuleType]] = {}
"""Several verbs share a file's module, and so its globals; a file that was changed is a new one."""


def _module(path: Path, shown: str) -> types.ModuleType:
    try:
        path = path.resolve(strict=True)
        status = path.stat()
    except OSError as error:
        raise FunctionError(f"the file {quoted(shown, 80)} cannot be read: {error.strerror}") from None
    stamp = (status.st_mtime_ns, status.st_size)
    before = _loaded.get(path)
    if before is not None and before[0] == stamp:
        return before[1]
    name = f"ivr_functions_{path.stem}_{sha256(str((path, stamp)).encode()).hexdigest()[:8]}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise FunctionError(f"the file {quoted(shown, 80)} is not Python")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses and pickle look for it there
    try:
        # Compiled here: the loader would trust a cached file by its time in seconds.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise FunctionError(f"{shown} cannot be loaded: {described(error)}{_line_of(error, path)}") from None
    if before is not None:
        sys.modules.pop(before[1].__name__, None)
    _loaded[path] = (stamp, module)
    return module


def _entry_point(name: str) -> Any:
    points = importlib.metadata.entry_points(group=GROUP)
    point = next((point for point in points if point.name == name), None)
    if point is None:
        names = [point.name for point in points]
        known = did_you_mean(name, names) or (f"; there are {listed(names)}" if names else "")
        raise FunctionError(
            f"no installed package has a function {quoted(name)} (entry points of {GROUP}){known}; for a "
            f"file beside the plan write file.py:function"
        )
    try:
        return point.load()
    except Exception as error:
        raise FunctionError(f"{name} ({point.value}) cannot be loaded: {described(error)}") from None


def described(error: BaseException) -> str:
    """Format an error on one line, with its class."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _line_of(error: BaseException, path: Path) -> str:
    place, line = error.__traceback__, 0
    while place is not None:
        if place.tb_frame.f_code.co_filename == str(path):
            line = place.tb_lineno
        place = place.tb_next
    return f" (line {line})" if line else ""


def raised_at(error: BaseException) -> str:
    """``file.py:12`` of where it was raised."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""


def _taken(function: Callable[..., Any]) -> str:
    return str(inspect.signature(function)).partition(" ->")[0]


class WatchedCoroutine:
    """Awaits ``work`` and reports when it blocked the loop for too long."""

    def __init__(self, work: Coroutine[Any, Any, Any], on_held: Callable[[float], None]) -> None:
        """``on_held(seconds)`` is called after each stretch of more than ``HELD_S``. Tasks that the work
        starts itself are not watched.
        """
        self._work, self._on_held = work, on_held
        self._given_up = False

    def give_up(self) -> None:
        """Close the coroutine at the next cancellation: it has ignored an earlier one."""
        self._given_up = True

    def __await__(self) -> Generator[Any, Any, Any]:
        send: Any = None
        error: BaseException | None = None
        while True:
            if error is not None and self._given_up:
                with contextlib.suppress(RuntimeError):  # it ignored this too
                    self._work.close()
                raise error
            began = time.perf_counter()
            try:
                waits_for = self._work.send(send) if error is None else self._work.throw(error)
            except StopIteration as stop:
                return stop.value
            finally:
                held = time.perf_counter() - began
                if held > HELD_S:
                    self._on_held(held)
            send, error = None, None
            try:
                send = yield waits_for
            except BaseException as thrown:  # a cancellation, on its way in
                error = thrown


async def outcome_of(work: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """What it returned, or raised. Only our own cancellation is raised on: neither ``sys.exit`` nor a
    CancelledError that the function made itself reaches the loop.
    """
    try:
        return await work, None
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return None, error
    except BaseException as error:
        return None, error


def _function(value: str, info: ValidationInfo) -> Any:
    spec = value.strip()
    context = info.context
    if not isinstance(context, LoadContext):
        return Function(spec, Path())
    # A file's name is relative to the file that names it.
    key = f"{context.folder}\0{spec}"
    if key not in context.functions:
        if context.in_call:
            raise refuse("functions cannot be named in an answer: put it into a step of the plan")
        try:
            context.functions[key] = Function(spec, context.folder)
        except FunctionError as error:
            raise refuse(str(error)) from None
    return context.functions[key]


FunctionName = Annotated[str, AfterValidator(_function), WithJsonSchema({"type": "string"})]
"""``file.py:function``, relative to the file that names it, or an entry point. The value is a Function."""
