"""The services that the tests share, each started when first asked for and kept to the end."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.caller import sounds
from tests.e2e.running import Service

PLANS = Path(__file__).parent / "plans"
PROMPT = ("conf-adminmenu", "vm-options", "demo-instruct")
"""Recordings that the continuous prompt is made of."""

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"

SETTINGS: dict[str, dict[str, str]] = {
    "main": {},
    "ringing": {"IVR_SIP__RING_S": "1.0"},
    "demo": {},
    "impatient": {"IVR_SIP__RTP_TIMEOUT_S": "2"},
}
"""Service by name, and what is set for it beyond the defaults. ``demo`` serves the plan of that name."""

RELOADED_PLAN = """
dialplan: 1
name: {name}
start: prompt
steps:
  prompt:
    - play: continuous.wav
    - say: {text}
    - hangup:
"""
"""A plan with a name and a text to be changed while it is served, beside the sound that it plays."""


class Services:
    """``get`` for a shared one, ``start`` for one of a test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, Service] = {}
        for plan in PLANS.glob("*.yaml"):
            shutil.copy(plan, folder)
        sounds.write_wav(folder / "continuous.wav", sounds.continuous(PROMPT, 45.0))
        sounds.write_wav(folder / "short.wav", sounds.continuous(PROMPT, 3.0))

    def plan(self, name: str) -> Path:
        """A plan of the tests, with its sounds beside it."""
        return self._folder / f"{name}.yaml"

    def get(self, name: str = "main") -> Service:
        """The shared service of that name, running."""
        if name in self._running and not self._running[name].running:
            raise RuntimeError(f"the service {name} has died\n{self._running[name].tail()}")
        if name not in self._running:
            self._running[name] = self.start(name).__enter__()
        return self._running[name]

    def start(self, name: str = "main", env: Mapping[str, str] | None = None, *options: str) -> Service:
        """Another one with the same settings and more, not started yet: a context manager."""
        settings = {**SETTINGS[name], **(env or {})}
        plan = DEMO if name == "demo" else self.plan("test")
        return Service([plan], *options, env=settings)

    def close(self) -> None:
        for service in self._running.values():
            if service.running:
                service.signal()
        for service in self._running.values():
            service.__exit__()
