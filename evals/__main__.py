"""The same as `kclassify eval` over the shipped suite; options are passed on."""

from __future__ import annotations

import sys
from pathlib import Path

from kclassify.cli import main

SUITE = Path(__file__).parent / "suites" / "shipped.toml"

if __name__ == "__main__":
    main(["eval", str(SUITE), *sys.argv[1:]])
