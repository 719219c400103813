"""Carries out a Dockerfile without Docker: every stage is a folder, made by debootstrap, entered by chroot.

For the instructions and options that our Dockerfiles use; anything else is refused, so that nothing is
passed over. What a container engine adds is done by hand here: cache mounts, the read-only root, the
writable volumes, the user. Needs root; namespaces of its own keep the mounts away from the machine.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BASES = {"debian:bookworm-slim": "bookworm", "debian:sid-slim": "sid"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
MACHINE = {
    Path("/etc/resolv.conf"): "/etc/resolv.conf",
    Path("/etc/hosts"): "/etc/hosts",
    CERTIFICATES: "/tmp/machine.crt",
    Path("/etc/pip.conf"): "/tmp/pip.conf",
}
"""What a build needs of the machine to reach the package registries, and where it is shown to it."""
MACHINE_ENV = re.compile(r"PIP_(INDEX|EXTRA|TRUSTED|PROXY|DEFAULT_TIMEOUT)|.*_proxy$|.*_PROXY$")


class Unknown(Exception):
    """An instruction or option that this does not know."""


@dataclass
class Stage:
    """One FROM, with what applies to the commands after it."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"


def instructions(text: str) -> list[tuple[str, str]]:
    """Name and rest of every instruction, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            found.append((name.upper(), rest.strip()))
    return found


def inside(stage: Stage, command: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> list[str]:
    """The command line that runs a shell command in a stage; its mounts are gone when it ends.

    ``before`` and ``after``: more of them, made before and after those of /proc and /tmp.
    """
    root = shlex.quote(str(stage.root))
    steps = [
        *before,
        f"mount -t proc proc {root}/proc",
        f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
        *after,
    ]
    there = f"cd {stage.workdir} && {command}"
    steps.append(f"exec chroot --userspec={stage.user} {root} /bin/sh -c {shlex.quote(there)}")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join(steps)]


class Builder:
    """Builds into a folder; bases and caches are kept in another between runs."""

    def __init__(self, context: Path, work: Path, kept: Path) -> None:
        self.context, self.work, self.kept = context, work, kept
        self.stages: dict[str, Stage] = {}
        self.log: list[str] = []
        """One line an instruction."""

    def build(self, dockerfile: Path, target: str = "") -> Stage:
        """Carry out the file up to a stage's end; the last stage unless one is named."""
        stage: Stage | None = None
        name = ""
        for verb, rest in instructions(dockerfile.read_text(encoding="utf-8")):
            if verb == "FROM":
                if target and name == target:
                    break
                base, name = self._from_words(rest)
                stage = self._from(base, name)
                self.stages[name] = stage
            else:
                assert stage is not None, f"{verb} before FROM"
                self._carry_out(stage, verb, rest)
            self.log.append(f"{name}: {verb} {rest[:70]}")
        assert stage is not None
        return stage

    @staticmethod
    def _from_words(rest: str) -> tuple[str, str]:
        words = rest.split()
        return words[0], words[2] if len(words) == 3 and words[1].upper() == "AS" else words[0]

    def _from(self, base: str, name: str) -> Stage:
        root = self.work / name
        if base in self.stages:
            old = self.stages[base]
            _copy_tree(old.root, root)
            return Stage(**{**vars(old), "root": root, "env": dict(old.env), "volumes": list(old.volumes)})
        if base not in BASES:
            raise Unknown(f"FROM {base}")
        _copy_tree(self._base(BASES[base]), root)
        if not _checks_dates():
            conf = root / "etc/apt/apt.conf.d/99-as-the-machine"
            conf.write_text('Acquire::Check-Valid-Until "false";\n')
        return Stage(root, {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})

    def _base(self, suite: str) -> Path:
        base = self.kept / suite
        if not (base / ".made").exists():
            shutil.rmtree(base, ignore_errors=True)
            self.kept.mkdir(parents=True, exist_ok=True)
            made = ["debootstrap", "--variant=minbase", suite, str(base), mirror()]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
            (base / ".made").touch()
        return base

    def _carry_out(self, stage: Stage, verb: str, rest: str) -> None:
        if verb == "RUN":
            self._run(stage, rest)
        elif verb == "COPY":
            self._copy(stage, rest)
        elif verb == "ENV":
            for pair in shlex.split(rest):
                key, _, value = pair.partition("=")
                stage.env[key] = value
        elif verb == "WORKDIR":
            stage.workdir = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif verb == "USER":
            stage.user = rest if ":" in rest else f"{rest}:{rest}"
        elif verb == "VOLUME":
            stage.volumes.append(rest)
        elif verb == "STOPSIGNAL":
            stage.stop_signal = rest
        elif verb == "ENTRYPOINT":
            stage.entrypoint, stage.command = json.loads(rest), []
        elif verb == "CMD":
            stage.command = json.loads(rest)
        elif verb == "HEALTHCHECK":
            stage.health = json.loads(rest[rest.index("CMD") + 3 :])
        elif verb != "EXPOSE":
            raise Unknown(f"{verb} {rest}")

    def _run(self, stage: Stage, rest: str) -> None:
        mounts: list[str] = []
        while rest.startswith("--"):
            option, _, rest = rest.partition(" ")
            rest = rest.strip()
            given = dict(p.partition("=")[::2] for p in option.removeprefix("--mount=").split(","))
            if not option.startswith("--mount=") or given.get("type") != "cache":
                raise Unknown(option)
            cache = self.kept / "cache" / given["id"]
            cache.mkdir(parents=True, exist_ok=True)
            place = stage.root / given["target"].lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            mounts.append(f"mount --bind {shlex.quote(str(cache))} {shlex.quote(str(place))}")
        shown = []
        for path, at in MACHINE.items():
            place = stage.root / at.lstrip("/")
            if path.exists() and (place.exists() or at.startswith("/tmp/")):
                to = shlex.quote(str(place))
                shown.append(f"test -e {to} || touch {to}")
                shown.append(f"mount --bind {shlex.quote(str(path.resolve()))} {to}")
        env = {k: v for k, v in os.environ.items() if MACHINE_ENV.match(k)}
        env |= {"PIP_CONFIG_FILE": MACHINE[Path("/etc/pip.conf")]} if Path("/etc/pip.conf").exists() else {}
        env |= {"PIP_CERT": MACHINE[CERTIFICATES], "DEBIAN_FRONTEND": "noninteractive"} | stage.env
        command = inside(stage, rest, mounts, shown)
        ran = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if ran.returncode:
            end = ran.stdout.decode("utf-8", "replace")[-4000:]
            raise RuntimeError(f"RUN {rest}\nended with {ran.returncode}:\n{end}")

    def _copy(self, stage: Stage, rest: str) -> None:
        words = rest.split()
        origin, owner = self.context, None
        while words[0].startswith("--"):
            option, _, value = words.pop(0).partition("=")
            if option == "--from":
                origin = self.stages[value].root
            elif option == "--chown":
                owner = value
            else:
                raise Unknown(option)
        *sources, target = words
        place = stage.root / target.lstrip("/")
        for source in (origin / s.lstrip("/") for s in sources):
            if source.is_dir():  # a folder's content, as Docker has it
                place.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-a", f"{source}/.", str(place)], check=True)
            else:
                to = place / source.name if target.endswith("/") else place
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, to)
        # From the context, files belong to root, whoever has them checked out.
        if owner or origin == self.context:
            subprocess.run(["chown", "-R", owner or "0:0", str(place)], check=True)


def container(
    stage: Stage,
    volumes: Path,
    env: dict[str, str],
    command: list[str],
    shown: Mapping[str, Path] | None = None,
) -> list[str]:
    """The command line of a container with a read-only root, its volumes writable, the image's user.

    ``shown``: folders of the machine mounted there, read-only (``-v FOLDER:THERE:ro``). Its mounts are
    its own; its network is the machine's, as with ``network_mode: host``.
    """
    root = shlex.quote(str(stage.root))
    mounts = [f"mount --bind {root} {root}", f"cd {root}"]
    for number, volume in enumerate(stage.volumes):
        kept = volumes / str(number)
        if not kept.exists():  # a new volume begins as the image's folder, with its owner
            subprocess.run(["cp", "-a", str(stage.root / volume.lstrip("/")), str(kept)], check=True)
        mounts.append(f"mount --bind {shlex.quote(str(kept))} {root}{volume}")
    for there, folder in (shown or {}).items():
        (stage.root / there.lstrip("/")).mkdir(parents=True, exist_ok=True)
        mounts.append(f"mount --bind {shlex.quote(str(folder))} {root}{there}")
        mounts.append(f"mount -o remount,ro,bind {root}{there}")
    mounts.append(f"mount -o remount,ro,bind {root} {root}")
    both = stage.env | env
    words = ["exec", "env", "-i", *(f"{k}={v}" for k, v in both.items()), *command]
    return inside(stage, shlex.join(words), mounts)


def mirror() -> str:
    """The Debian mirror of this machine's apt."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    rows = [line.split() for line in listed.splitlines() if "security" not in line]
    found = [row[1] for row in rows if row[0] == "Debian"]
    if not found:
        raise RuntimeError("this machine's apt names no Debian mirror")
    return found[0]


def _checks_dates() -> bool:
    """Whether this machine's apt refuses an index that has run out; one with a frozen mirror does not."""
    command = ["apt-config", "shell", "said", "Acquire::Check-Valid-Until/b"]
    return "false" not in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _copy_tree(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
