"""The smallest taxonomy that a run can show everything with."""

from __future__ import annotations

from kclassify import Category, Taxonomy

TAXONOMY = Taxonomy[str](
    "small",
    (
        Category(name="left", definition="goes left"),
        Category(name="right", definition="goes right"),
        Category(name="old", retired=True),
    ),
)
