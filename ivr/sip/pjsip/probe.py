"""Probe the installed PJSUA2: its version, how many calls it was compiled for, what it can encrypt.

Run as a program (``python -m ivr.sip.pjsip.probe``) it prints them as JSON. The doctor runs it so: a build
that cannot be loaded, or that aborts the process, is then a finding and not a crash.
"""

import importlib.metadata
import json
from dataclasses import asdict, dataclass

from ivr.sip.security.check import Security


@dataclass(frozen=True, slots=True)
class Build:
    version: str
    """The distribution's name and pjproject's version: ``pjsua2-carrier, pjproject 2.17``."""
    max_calls: int
    """Calls at once; one of them is needed to refuse further calls."""
    security: Security

    @classmethod
    def from_json(cls, text: str) -> "Build":
        """Parse what the program prints. Raises ValueError, LookupError or TypeError."""
        data = json.loads(text)
        security = Security(str(data["security"]["openssl"]), tuple(data["security"]["keyings"]))
        return cls(str(data["version"]), int(data["max_calls"]), security)


def probe_build() -> Build:
    """Ask the library, and start nothing. Raises ImportError or OSError when it cannot be loaded."""
    import pjsua2 as pj

    from ivr.sip.pjsip.tls import build_security

    return Build(build_name(str(pj.Endpoint().libVersion().full)), build_limit(), build_security())


def build_limit() -> int:
    """Return the number of calls that the build was compiled for."""
    import pjsua2 as pj

    # Read before it is set, this is the limit of the build, not a default.
    return int(pj.EpConfig().uaConfig.maxCalls)


def build_name(version: str) -> str:
    """Return the distribution that the module pjsua2 comes from, with pjproject's ``version``."""
    owners = importlib.metadata.packages_distributions().get("pjsua2", ["pjsua2"])
    # While the carrier build is installed the stock wheel's name may linger in the list.
    owner = "pjsua2-carrier" if "pjsua2-carrier" in owners else owners[0]
    return f"{owner}, pjproject {version}"


if __name__ == "__main__":
    print(json.dumps(asdict(probe_build())))
