"""`python -m kclassify`."""

from __future__ import annotations

from kclassify.cli import main

if __name__ == "__main__":
    main()
