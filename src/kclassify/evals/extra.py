"""Whether the libraries of the extra `evals` are there."""

from __future__ import annotations

from importlib.util import find_spec

from kclassify.errors import MissingExtra

_LIBRARIES = ("numpy", "scipy", "statsmodels", "sklearn", "matplotlib", "jinja2", "junitparser")


def require_extra() -> None:
    """Raise `MissingExtra` when one of them is not installed."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"an evaluation needs {missing[0]}, which is not installed: "
            "pip install 'kclassify[evals]'"
        )
