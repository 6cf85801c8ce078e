"""Text with commands between backticks, as HTML that shows them as code."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from kclassify.report.inert import inert

_CODE = re.compile(r"`([^`\n]*\w[^`\n]*)`")


def coded(text: str, limit: int | None = None) -> Markup:
    """The inert text, escaped; what stands between two backticks is `<code>`."""
    harmless = str(escape(inert(text, limit)))
    return Markup(_CODE.sub(r"<code>\1</code>", harmless))  # noqa: S704 - escaped before
