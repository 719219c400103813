"""baresip, a real softphone: configured in a folder, dials or is called, speaks a WAV file, keeps what it
heard.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.caller import sounds
from tests.ports import free_port, rtp_ports

MODULES = Path("/usr/lib/baresip/modules")

CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
call_max_calls {calls}
audio_source aufile,{spoken}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp_ports}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
snd_path {folder}
{more}
module_tmp account.so
module_app menu.so
"""


class Softphone:
    """One call of baresip, or two with a transfer."""

    def __init__(
        self,
        folder: Path,
        spoken: bytes,
        calls: int = 1,
        *,
        transport: str = "udp",
        encryption: str = "",
        authority: Path | None = None,
        certificate: Path | None = None,
    ) -> None:
        """``spoken`` is PCM16 at 8 kHz, heard by the other side from the moment the call is up.

        ``encryption`` of the sound: ``srtp``, ``srtp-mand`` or ``dtls_srtp``. ``authority`` signs what it
        trusts over TLS (baresip 1.0 does not look); ``certificate``, with its key in it, is what it shows;
        without one it cannot be called over TLS.
        """
        program = shutil.which("baresip")
        assert program, "baresip is not installed (Debian: baresip-core)"
        self.program = program
        self.folder = folder
        self.transport = transport
        self.log = ""
        self._waiting: subprocess.Popen[bytes] | None = None
        wav = sounds.write_wav(folder / "spoken.wav", spoken)
        more = ["module srtp.so", "module dtls_srtp.so"] if encryption else []
        if transport == "tls":
            more.append(f"sip_cafile {authority}")
        if certificate is not None:
            more.append(f"sip_certificate {certificate}")
        self.port = free_port()
        config = CONFIG.format(
            port=self.port,
            rtp_ports=rtp_ports(),
            calls=calls,
            spoken=wav,
            modules=MODULES,
            folder=folder,
            more="\n".join(more),
        )
        (folder / "config").write_text(config, encoding="ascii")
        account = f"<sip:softphone@127.0.0.1;transport={transport}>;regint=0;answermode=auto"
        account += f";mediaenc={encryption}" if encryption else ""
        (folder / "accounts").write_text(account + "\n", encoding="ascii")
        (folder / "contacts").touch()

    def dial(self, uri: str, seconds: int) -> None:
        """Call and stay for so many seconds; then it hangs up and ends."""
        command = [*self._command, "-e", f"/dial {uri}", "-t", str(seconds)]
        ran = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + 15,
            check=False,
        )
        self.log = ran.stdout.decode("utf-8", "replace")

    @contextmanager
    def waiting(self, limit_s: int = 90) -> Iterator[str]:
        """Answer whoever calls, until ``stop`` or the end; the address to dial."""
        trace = self.folder / "trace"
        with trace.open("wb") as out:
            self._waiting = subprocess.Popen(
                [*self._command, "-t", str(limit_s)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + 10
            while b"baresip is ready" not in trace.read_bytes():
                assert self._waiting.poll() is None and time.monotonic() < deadline, "baresip does not start"
                time.sleep(0.05)
            # baresip listens for TLS one port further on.
            yield (
                f"sip:softphone@127.0.0.1:{self.port + 1};transport=tls"
                if self.transport == "tls"
                else f"sip:softphone@127.0.0.1:{self.port}"
            )
            self.stop()
        finally:
            if self._waiting.poll() is None:
                self._waiting.kill()
                self._waiting.wait()
            self.log = trace.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """Hang up and end."""
        assert self._waiting is not None
        self._waiting.terminate()
        self._waiting.wait(10)

    @property
    def _command(self) -> list[str]:
        return [self.program, "-f", str(self.folder), "-s"]

    @property
    def heard(self) -> bytes:
        """PCM16 at 8 kHz, decoded by baresip."""
        dumps = list(self.folder.glob("dump-*-dec.wav"))
        assert len(dumps) == 1, f"baresip wrote {len(dumps)} recordings\n{self.log[-4000:]}"
        return sounds.read_wav(dumps[0])

    @property
    def media_addresses(self) -> set[str]:
        """Connection addresses in every SDP of its trace, its own and the service's."""
        return set(re.findall(r"^c=IN IP4 (\S+)", self.log, re.MULTILINE))
