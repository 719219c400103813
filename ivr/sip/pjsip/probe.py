"""What the installed PJSUA2 is: its version, how many calls it was compiled for, what it can encrypt.

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
    """Calls at once, one of which refusing a call too many needs for itself."""
    security: Security

    @classmethod
    def from_json(cls, text: str) -> "Build":
        """Read what the program prints. Raises ValueError, LookupError or TypeError."""
        reported = json.loads(text)
        security = Security(str(reported["security"]["openssl"]), tuple(reported["security"]["keyings"]))
        return cls(str(reported["version"]), int(reported["max_calls"]), security)


def probe_build() -> Build:
    """Ask the library. Raises ImportError or OSError when it cannot be loaded. Nothing is started."""
    import pjsua2 as pj

    from ivr.sip.pjsip.tls import build_security

    return Build(build_name(str(pj.Endpoint().libVersion().full)), build_limit(), build_security())


def build_limit() -> int:
    """Calls at once that the build was compiled for."""
    import pjsua2 as pj

    # Read before it is set, this is the limit of the build, not a default.
    return int(pj.EpConfig().uaConfig.maxCalls)


def build_name(version: str) -> str:
    """Which distribution the module pjsua2 is from, with pjproject's ``version``."""
    owners = importlib.metadata.packages_distributions().get("pjsua2", ["pjsua2"])
    # While the carrier build is installed the stock wheel's name may linger in the list.
    owner = "pjsua2-carrier" if "pjsua2-carrier" in owners else owners[0]
    return f"{owner}, pjproject {version}"


if __name__ == "__main__":
    print(json.dumps(asdict(probe_build())))
