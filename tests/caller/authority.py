"""A certificate authority of the tests' own, made with ``openssl`` when asked for: nothing of it is kept."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Issued:
    """PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Makes its key and its self-signed certificate in a folder, and signs others'."""

    def __init__(
        self, folder: Path, name: str = "Authority of the tests", above: "Authority | None" = None
    ) -> None:
        """Make an authority; ``above`` signs it, and certificates that it signs carry it along."""
        self.folder, self.above = folder, above
        folder.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = folder / "authority.key", folder / "authority.pem"
        subject = ("-subj", f"/CN={name}")
        if above is None:
            own = ("-keyout", self.key, "-out", self.certificate, "-addext", f"keyUsage={SIGNS}")
            openssl("req", "-x509", *NEW_KEY, *own, *subject)
            return
        request, extensions = folder / "authority.csr", folder / "authority.ext"
        wanted = f"basicConstraints=critical,CA:TRUE\nkeyUsage={SIGNS}\n{KEYS}"
        extensions.write_text(wanted, encoding="ascii")
        openssl("req", "-new", *NEW_KEY, "-keyout", self.key, "-out", request, *subject)
        signer = ("-CA", above.certificate, "-CAkey", above.key, "-CAcreateserial")
        openssl("x509", "-req", *signer, "-in", request, "-out", self.certificate, "-extfile", extensions)

    def issue(
        self,
        name: str,
        *names: str,
        days: int = 30,
        usage: str = "serverAuth,clientAuth",
        start: str = "",
    ) -> Issued:
        """A certificate and its key, for ``names`` such as ``IP:127.0.0.1`` or ``DNS:pbx.test``.

        ``start`` is ``YYYYMMDDHHMMSSZ``: with it and ``days`` it can be long over.
        """
        certificate, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        extensions = self.folder / f"{name}.ext"
        extended = f"subjectAltName={','.join(names)}\nextendedKeyUsage={usage}\n{KEYS}"
        extensions.write_text(extended, encoding="ascii")
        openssl("req", "-new", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signing = ["-in", request, "-out", certificate, "-extfile", extensions]
        if start:
            self._sign_with_dates(signing, start)
        else:
            authority = ("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial")
            openssl("x509", "-req", *authority, "-days", str(days), *signing)
        if self.above is not None:
            certificate.write_bytes(certificate.read_bytes() + self.certificate.read_bytes())
        return Issued(certificate, key)

    def _sign_with_dates(self, signing: list[str | Path], start: str) -> None:
        """Sign with ``openssl ca``, as only that takes dates; the end is a day after the start."""
        (self.folder / "index").touch()
        config = self.folder / "ca.cnf"
        config.write_text(
            "[ca]\ndefault_ca=own\n[own]\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n"
            f"database={self.folder / 'index'}\nnew_certs_dir={self.folder}\n[any]\ncommonName=supplied\n",
            encoding="utf-8",
        )
        end = f"{int(start[:8]) + 1}{start[8:]}"
        dates = ("-startdate", start, "-enddate", end)
        own = ("-cert", self.certificate, "-keyfile", self.key, "-config", config)
        openssl("ca", "-batch", "-notext", *own, *dates, *signing)

    def self_signed(self, name: str, *names: str) -> Issued:
        """Signed by nobody else."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        extension = ("-addext", f"subjectAltName={','.join(names)}")
        out = ("-keyout", key, "-out", certificate)
        openssl("req", "-x509", *NEW_KEY, *out, "-subj", f"/CN={name}", *extension)
        return Issued(certificate, key)


NEW_KEY = ("-newkey", "rsa:2048", "-nodes")
# RFC 5280 wants these (4.2.1.1 to 4.2.1.3), and Python 3.13 looks.
SIGNS = "critical,keyCertSign,cRLSign"
KEYS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"


def openssl(*arguments: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run it; its words in the error when it fails."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed\n{done.stdout}\n{done.stderr}")
    return done
