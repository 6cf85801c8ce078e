"""An evaluation as a page, as Markdown, as JUnit, as JSON: made of plain core data.

Needs the extra `evals`.
"""
