"""The service under test with the plans of this folder, and callers in processes of their own."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from tests.caller import sounds
from tests.e2e.running import Service

Result = TypeVar("Result")

PLANS = Path(__file__).parent / "plans"
PROMPT = ("demo-instruct", "conf-adminmenu", "vm-options", "demo-congrats", "demo-echotest")
"""Recordings that the continuous prompt is made of."""

PHRASES = (
    "activated",
    "all-circuits-busy-now",
    "auth-thankyou",
    "goodbye",
    "hello",
    "hours",
    "one-moment-please",
    "please-try-again",
    "queue-thankyou",
    "vm-goodbye",
    "digits/1",
    "digits/2",
    "digits/3",
)
"""What callers say: recordings of a human voice."""


class Stage:
    """A folder with the plans and their sounds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for plan in PLANS.glob("*.yaml"):
            shutil.copy(plan, folder)
        sounds.write_wav(folder / "continuous.wav", sounds.continuous(PROMPT, 75.0))
        sounds.write_wav(folder / "pause.wav", sounds.silence(0.8))

    def service(self, plan: str, env: Mapping[str, str] | None = None) -> Service:
        """A service with one plan, not started yet: a context manager."""
        return Service(
            [self.folder / f"{plan}.yaml"], env={"IVR_LOG__LEVEL": "info", **(env or {})}, ready_timeout=300
        )


def in_processes(work: Callable[..., Result], arguments: Sequence[Sequence[Any]]) -> list[Result]:
    """Call ``work`` once for each tuple of arguments, each in a process of its own, at the same time.

    Then no caller's clock waits for another caller's interpreter lock.
    """
    with ProcessPoolExecutor(len(arguments), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(work, *given) for given in arguments]
        return [future.result() for future in futures]


def finish(service: Service) -> dict[str, Any]:
    """Stop the service in an orderly way; what it logged about its media."""
    service.signal()
    code = service.wait(60)
    if code != 0:
        raise RuntimeError(f"the service ended with {code}\n{service.tail()}")
    return dict(service.find("media_stats")[0])
