"""What the installed PJSUA2 is: its version and how many calls it was compiled for.

Run as a program (``python -m ivr.sip.probe``) it prints them as JSON. The doctor does it so: a build that
cannot be loaded, or that aborts the process, is then a finding and not a crash.
"""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Build:
    version: str
    max_calls: int
    """Calls at once, one of which refusing a call too many needs for itself."""


def probe_build() -> Build:
    """Ask the library. Raises ImportError or OSError when it cannot be loaded. Nothing is started."""
    import pjsua2 as pj

    # Read before it is set, this is the limit of the build, not a default.
    return Build(str(pj.Endpoint().libVersion().full), int(pj.EpConfig().uaConfig.maxCalls))


if __name__ == "__main__":
    print(json.dumps(asdict(probe_build())))
