"""Runs the ``ivr`` command as ``python -m ivr.cli``."""

import sys

from ivr.cli.main import main

sys.exit(main())
