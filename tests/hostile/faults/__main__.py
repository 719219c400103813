"""Run every fault once and print the table of ``docs/faults.md``: ``python -m tests.hostile.faults``.

Some ten minutes. A disk of its own needs root, the clock a C compiler; without them those rows are
left out, which is said.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.hostile.faults import cases
from tests.hostile.faults.cases import Outcome
from tests.hostile.faults.rig import LIMIT_S, FaultService

Row = tuple[str, Callable[[], Outcome]]


def main() -> int:
    """Run the groups that were asked for; the exit code is 1 when a silence was too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.faults", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all when none is given")
    chosen = parser.parse_args().groups or list(GROUPS)
    print("| fault | longest silence | log | the call |\n|---|---|---|---|", flush=True)
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="ivr-faults-") as folder:
        for group in chosen:
            for name, case in GROUPS[group](Path(folder)):
                try:
                    found = case()
                except (AssertionError, LookupError, OSError, TimeoutError) as error:
                    print(f"| {name} | failed | {str(error).splitlines()[0]} | |", flush=True)
                    worst = float("inf")
                    continue
                events = ", ".join(f"`{event}`" for event in found.events)
                print(f"| {name} | {found.silence_s:.1f} s | {events} | {found.heard} |", flush=True)
                worst = max(worst, found.silence_s)
    return int(worst > LIMIT_S)


def engines(folder: Path) -> Iterator[Row]:
    """Each engine fails in each way."""
    kinds = {"Whisper": cases.recogniser, "Piper": cases.voice, "smart-turn": cases.turn_detector}
    with FaultService() as service:
        for label, case in kinds.items():
            for fault in ("killed", "stopped", "slow", "out of memory"):
                yield f"{label} {fault}", partial(case, service, fault)
        yield "Piper killed within a prompt", lambda: cases.voice_breaks_off(service)


def host(folder: Path) -> Iterator[Row]:
    """The engine host of workers fails."""
    with FaultService("--workers", "1") as service:
        for fault in ("killed", "stopped"):
            yield f"engine host {fault}", partial(cases.engine_host, service, fault)


def detector(folder: Path) -> Iterator[Row]:
    """The network of the detector fails."""
    with FaultService(env=shim_environment(folder / "fault")) as service:
        yield "detector (VAD) fails", lambda: cases.detector(service, folder / "fault")


def disks(folder: Path) -> Iterator[Row]:
    """Disk full, disk read-only."""
    if os.geteuid() != 0:
        print("disks: left out, as mounting one needs root", file=sys.stderr)
        return
    for fault in ("full", "read-only"):
        with (
            cases.small_disk(folder / "disk") as disk,
            FaultService(env=disk_settings(disk, folder)) as service,
        ):
            yield f"disk {fault}", partial(cases.disk, service, disk, fault)


def system(folder: Path) -> Iterator[Row]:
    """Descriptors used up, log pipe unread and closed, registrar's name not found."""
    with FaultService() as service:

        def no_descriptors() -> Outcome:
            status, found = cases.descriptors(service)
            assert status == 503, f"a new call got {status}"
            return found

        yield "descriptors used up", no_descriptors
    for fault in ("not read", "closed"):
        yield f"log pipe {fault}", partial(unread_pipe, fault)
    yield "registrar's name not found", lambda: cases.registrar_lost(registering(folder), folder / "fault")


def clocks(folder: Path) -> Iterator[Row]:
    """The clock is set in mid-call."""
    environment = cases.clock_environment(folder)
    if environment is None:
        print("clock: left out, as there is no C compiler", file=sys.stderr)
        return
    with FaultService(env=environment) as service:
        for name, offset_s in (("back", -3600), ("forward", 86_400)):

            def jump(offset_s: int = offset_s) -> Outcome:
                waited, found = cases.clock(service, folder / "clock", offset_s)
                assert 3.5 < waited < 6.5, f"4 s of waiting took {waited:.1f} s"
                return found

            yield f"clock set {name}", jump


def shim_environment(file: Path) -> dict[str, str]:
    """Environment of a service in which ``shim/sitecustomize.py`` makes faults."""
    return {"PYTHONPATH": f"{cases.SHIM}:{Path.cwd()}", "FAULT_FILE": str(file)}


def disk_settings(disk: Path, folder: Path) -> dict[str, str]:
    """Settings of a service that keeps everything on ``disk``."""
    return {
        "IVR_FILES__FOLDER": str(disk / "files"),
        "IVR_RECORDING__DEBUG": "true",
        "IVR_RECORDING__FOLDER": str(disk / "recordings"),
        "IVR_CACHE_DIR": str(cases.cache_on(disk, folder / "cache")),
    }


def registering(folder: Path) -> FaultService:
    """A service with a registrar that has a name. Requests to it are answered by nobody."""
    settings = folder / "registrar.toml"
    settings.write_text(
        '[sip]\nstock_wheel_in_public = true\naccept_from = ["loopback"]\n'
        '[[sip.registrations]]\nregistrar = "pbx.example:9"\nuser = "100"\npassword = "s3cret"\nretry_s = 1\n'
    )
    service = FaultService("--config", str(settings), env=shim_environment(folder / "fault"))
    service.bind("0.0.0.0")
    return service


def unread_pipe(fault: str) -> Outcome:
    """A call to a service whose log nobody reads."""
    pipe = cases.UnreadPipe(FaultService())
    try:
        pipe.wait_ready()
        if fault == "closed":
            pipe.stop_reading()
        else:
            cases.ask_until_full(pipe)
        return Outcome(pipe.silence_of_call(), ["log_lines_lost"], "one → ask; call goes on")
    finally:
        pipe.close()


GROUPS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "engines": engines,
    "host": host,
    "detector": detector,
    "disks": disks,
    "system": system,
    "clocks": clocks,
}

if __name__ == "__main__":
    sys.exit(main())
