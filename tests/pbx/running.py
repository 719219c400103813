"""Asterisk as a process: ``docker/asterisk/start.sh`` in its chroot, bound to loopback."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FILES = Path(__file__).parents[2] / "docker" / "asterisk"
TRUNK_PASSWORD = "trunk-secret"
PHONE_PASSWORD = "phone-secret"
CHROOT_TIMEOUT_S = 600


class NoPbx(Exception):
    """The chroot cannot be made here; the text says why."""


def chroot() -> Path:
    """The Debian root with Asterisk, made if need be. Raises NoPbx."""
    if os.geteuid() != 0:
        raise NoPbx("running Asterisk in a chroot needs root")
    made = subprocess.run(
        [FILES / "chroot.sh"], capture_output=True, text=True, timeout=CHROOT_TIMEOUT_S, check=False
    )
    if made.returncode == 3:
        raise NoPbx(made.stderr.strip().splitlines()[-1])
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


class Pbx:
    """One Asterisk. Use as a context manager; it answers once entered."""

    def __init__(
        self,
        root: Path,
        service_port: int,
        port: int,
        *,
        etc: Path = FILES / "etc",
        rtp_ports: int = 200,
        options: Sequence[str] = ("-n", "-v"),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``etc``: the templates of its configuration; ``options`` of its command line; ``settings``:
        variables of start.sh.
        """
        self.root = root
        self._etc, self._options = etc, options
        self.port = port
        self.address = ("127.0.0.1", self.port)
        self.lines: list[str] = []
        """What it printed."""
        self._name = f"pbx-{self.port}"
        self._home = root / "srv" / self._name
        first = random.randrange(30_000, 60_000 - rtp_ports) & ~1
        self.rtp_ports = range(first, first + rtp_ports)
        self._env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PBX_DIR": f"/srv/{self._name}/data",
            "PBX_BIND": "127.0.0.1",
            "PBX_PORT": str(self.port),
            "PBX_RTP_FIRST": str(first),
            "PBX_RTP_LAST": str(self.rtp_ports[-1]),
            "IVR_ADDRESS": "127.0.0.1",
            "IVR_PORT": str(service_port),
            "TRUNK_PASSWORD": TRUNK_PASSWORD,
            "PHONE_PASSWORD": PHONE_PASSWORD,
            "PHONE_EXPIRES_MIN": "5",
            **(settings or {}),
        }
        self.files: dict[str, bytes] = {}
        """What else is to lie in its folder (PBX_DIR) when it starts."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> "Pbx":
        data = self._home / "data"
        data.mkdir(parents=True)
        shutil.copy(FILES / "start.sh", self._home)
        shutil.copytree(self._etc, self._home / "etc")
        (user, group) = next(
            (int(f[2]), int(f[3]))
            for line in (self.root / "etc" / "passwd").read_text().splitlines()
            if (f := line.split(":"))[0] == "asterisk"
        )
        os.chown(data, user, group)
        for name, content in self.files.items():
            (data / name).write_bytes(content)
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            error.add_note("the end of Asterisk's log:\n" + "\n".join(self.lines[-40:]))
        self.close()

    def start(self, timeout: float = 30.0) -> None:
        self._process = subprocess.Popen(
            [*self._inside(), f"/srv/{self._name}/start.sh", *self._options],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.wait(lambda: "fully booted" in self.ask("core waitfullybooted"), timeout, "Asterisk to boot")

    def kill(self, forget: bool = False) -> None:
        """End it as a crash does. ``forget``: its registrations are gone too."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
        if forget:
            for file in (self._home / "data" / "lib").glob("astdb*"):
                file.unlink()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def ask(self, command: str) -> str:
        """The answer of its command line."""
        assert self._process is not None
        if self._process.poll() is not None:
            end = "\n".join(self.lines[-20:])
            raise RuntimeError(f"Asterisk ended with {self._process.returncode}\n{end}")
        conf = f"{self._env['PBX_DIR']}/etc/asterisk.conf"
        ran = subprocess.run(
            [*self._inside(), "asterisk", "-C", conf, "-rx", command],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
        )
        return ran.stdout

    def wait(self, look: Callable[[], object], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not look():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout:g} s for {what}\n" + "\n".join(self.lines[-20:]))
            time.sleep(0.1)

    def contacts(self, aor: str) -> list[str]:
        """Addresses at which an AOR is registered."""
        lines = self.ask("pjsip show contacts").splitlines()
        rows = [f for line in lines if (f := line.split())[:1] == ["Contact:"]]
        return [f[1].partition("/")[2] for f in rows if f[1].startswith(f"{aor}/")]

    def channel(self, prefix: str) -> str:
        """The name of the one channel that begins so."""
        names = [line.split("!")[0] for line in self.ask("core show channels concise").splitlines()]
        found = [name for name in names if name.startswith(f"PJSIP/{prefix}-")]
        assert len(found) == 1, names
        return found[0]

    def sockets(self) -> set[tuple[str, int]]:
        """Addresses and ports that its process has bound for UDP or listens at for TCP; IPv4."""
        assert self._process is not None
        inodes = set()
        for descriptor in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        found = set()
        for table in ("udp", "tcp"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    host, _, port = fields[1].partition(":")
                    found.add((".".join(str(b) for b in bytes.fromhex(host)[::-1]), int(port, 16)))
        return found

    def _inside(self) -> list[str]:
        return ["chroot", "--userspec=asterisk:asterisk", str(self.root)]

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
