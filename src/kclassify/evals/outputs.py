"""The files that an evaluation leaves beside its gate record: the report in its forms."""

from __future__ import annotations

from pathlib import Path

from kclassify.core.evaluation import Evaluation
from kclassify.report.json_text import render_json
from kclassify.report.junit import render_junit
from kclassify.report.markdown import render_markdown
from kclassify.whole_file import write_whole


def write_report(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write the page, the JSON, the Markdown and the JUnit file; their paths.

    Raises `UsageError` when one cannot be written.
    """
    from kclassify.report.page import render_page  # noqa: PLC0415 - it loads the pictures

    texts = {
        "report.html": render_page(evaluation),
        "evaluation.json": render_json(evaluation),
        "report.md": render_markdown(evaluation),
        "junit.xml": render_junit(evaluation),
    }
    for name, text in texts.items():
        write_whole(folder / name, text)
    return [folder / name for name in texts]
