"""`python -m kclassify.testing.simulation`."""

from __future__ import annotations

import sys

from kclassify.testing.simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
