"""Matplotlib's SVG made fit for the page: its own names, the page's colours, the page's font."""
# ruff: noqa: ANN401 - matplotlib's figures and axes are typed for pyplot's callers, not for these

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from kclassify.report.palette import LIGHT

_POINTS_AN_INCH = 72
_STYLE: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kclassify",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.8,
    "font.size": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_SENTINELS = {name: f"#0fa5{place:02x}" for place, name in enumerate(LIGHT)}
_COLOURED = {
    "axes.edgecolor": "line",
    "axes.labelcolor": "muted",
    "grid.color": "track",
    "text.color": "ink",
    "xtick.labelcolor": "muted",
    "ytick.labelcolor": "muted",
}
_FONT = re.compile(r"font: ([\d.]+px)[^;]*")
_FAMILY = re.compile(r"font-family: [^;]*")
_NAMESPACE = re.compile(r"\{[^}]*\}")
_REFERENCE = re.compile(r"url\(#")


def colour(name: str) -> str:
    """What to paint with for the page's colour of this name."""
    return _SENTINELS[name]


def drawn(
    paint: Callable[[Any], None], *, name: str, title: str, description: str, size: tuple[int, int]
) -> Markup:
    """An SVG element of `size` units, painted on one axes.

    Its ids begin with `name`, it has a title and a description, and the same figure is the same
    text. It holds no colour but the page's variables, and no address.
    """
    root = ET.fromstring(_svg(paint, size))  # noqa: S314 - matplotlib's, of our own figure
    _tidied(root, name)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(place, element)
    text = ET.tostring(root, encoding="unicode")
    for known, sentinel in _SENTINELS.items():
        text = text.replace(sentinel, f"var(--{known})")
    return Markup(text)  # noqa: S704 - ElementTree escaped every text in it


def _svg(paint: Callable[[Any], None], size: tuple[int, int]) -> str:
    style: Any = _STYLE | {setting: colour(name) for setting, name in _COLOURED.items()}
    inches = (size[0] / _POINTS_AN_INCH, size[1] / _POINTS_AN_INCH)
    out = io.StringIO()
    library: Any = mpl
    with library.rc_context(style):
        figure = Figure(figsize=inches, facecolor="none")
        canvas: Any = FigureCanvasSVG(figure)
        axes: Any = figure.add_subplot(facecolor="none")
        paint(axes)
        canvas.print_svg(out, metadata={"Date": None})
    return out.getvalue()


def _tidied(root: Any, name: str) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if _NAMESPACE.sub("", child.tag) in {"metadata", "style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
        element.attrib = {
            _NAMESPACE.sub("", key): _attribute(_NAMESPACE.sub("", key), value, name)
            for key, value in element.attrib.items()
        }


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return f"#{name}-{value.removeprefix('#')}"
    if key == "style":
        value = _FONT.sub(r"font-size: \1", value)
        value = _FAMILY.sub("font-family: inherit", value)
    return _REFERENCE.sub(f"url(#{name}-", value)
