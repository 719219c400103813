"""The picture of turn-taking in ``ivr/session/README.md``: a real call, recorded, drawn by ``ivr plot``.

``python -m tests.e2e.picture ivr/session/turn-taking.png``
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from ivr.cli import main as ivr
from ivr.service.recording.recording import recordings_in
from tests.e2e.polite import Caller
from tests.e2e.running import Service
from tests.e2e.services import PLANS

COLOURS = 128
"""Enough for it, and half the size."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="PNG")
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        caller = Caller(folder / "voices")
        env = {"IVR_RECORDING__DEBUG": "true", "IVR_RECORDING__FOLDER": str(folder / "calls")}
        with Service([PLANS / "polite.yaml"], env=env) as service:
            call_id = caller.talk(service)
            service.wait_event("call_recorded", call=call_id)
        (recording,) = recordings_in(folder / "calls")
        ivr(["plot", str(recording), "-o", str(out)])
    with Image.open(out) as drawn:
        drawn.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main()
