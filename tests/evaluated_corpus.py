"""A table of articles that is large enough to certify something, for the documents."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from sqlalchemy import create_engine

from kclassify.testing import ConfusionModel
from tests.cli.place import ARTICLES, Place

COUNTS = {"playbook": 220, "pattern": 300, "decision": 180}
_STALE = 3
"""Every third article still carries the retired label."""


def _text(number: int) -> str:
    """Words that no other article has."""
    digits = sha256(str(number).encode()).hexdigest()
    return " ".join(digits[at : at + 5] for at in range(0, 60, 5))


_GOLDS = [gold for gold, count in COUNTS.items() for _ in range(count)]
GOLD = {_text(number): gold for number, gold in enumerate(_GOLDS)}
MODEL = ConfusionModel(
    gold=GOLD,
    mistakes={"pattern": {"playbook": 0.02}, "decision": {"pattern": 0.01}},
    right=(0.85, 0.99),
    wrong=(0.76, 0.95),
)


def write_table(place: Place) -> None:
    """The articles, each with a label that is right or retired."""
    rows = [
        {
            "title": f"Article {number}",
            "body": body,
            "category": gold if number % _STALE else "convention",
        }
        for number, (body, gold) in enumerate(GOLD.items())
    ]
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(ARTICLES.delete())
        connection.execute(ARTICLES.insert(), rows)
    engine.dispose()


def label(path: Path) -> None:
    """What two people who agree would write into the sample."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row |= {"gold": GOLD[row["body"]], "gold_by": ["ana", "bo"], "gold_status": "agreed"}
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
