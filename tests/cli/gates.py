"""A folder whose dry run was evaluated: its sample and its gate record, as they are left."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kclassify.config import load_settings
from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    GateCheck,
    GateRecord,
    GateVerdict,
    SampleSeal,
    text_digest,
    verdict_digest,
    verdicts_digest,
)
from kclassify.core.item import Item
from kclassify.database import Database
from kclassify.gate_file import write_record
from kclassify.ports import Explained
from kclassify.store import SqlLedger
from kclassify.wiring import classifier_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.place import Place, Rows

GATE = """
[gate]
record = "evals/gate.json"
"""


def write_sample(place: Place, articles: Rows) -> Path:
    lines = [
        {"id": i, "body": body, "current": label, "gold": "pattern", "frame": "writes"}
        for i, body, label in articles
    ]
    (place.folder / "evals").mkdir(exist_ok=True)
    return place.write("evals/sample.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def write_gate(place: Place, articles: Rows, **given: Any) -> Path:
    """Record that what the ledger holds of these articles passed."""
    sample = write_sample(place, articles)
    classifier = classifier_of(load_settings(), None)
    database = Database(place.url)
    digests = [Item(i, body).digest for i, body, _ in articles]
    held = SqlLedger(database).recall(digests, classifier.fingerprint)
    database.close()
    verdicts = {digest: verdict_digest(outcome) for digest, outcome in held.items()}
    assert len(verdicts) == len(articles)
    assert isinstance(classifier, Explained)
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "verdict": GateVerdict.PASS,
        "sentence": "This run may write.",
        "checks": (_check(GateVerdict.PASS),),
        "policy": CertifiedPolicy(threshold=0.8),
        "suite": "suite",
        "variant": "base",
        "fingerprint": classifier.fingerprint,
        "parts": dict(classifier.fingerprint_parts),
        "sample": SampleSeal(
            path="sample.jsonl",
            digest=text_digest(sample.read_text(encoding="utf-8")),
            rows=len(verdicts),
            frame="writes",
            split="holdout",
        ),
        "verdicts": verdicts,
        "verdicts_digest": verdicts_digest(verdicts),
        "created_at": now,
        "expires_at": now + timedelta(days=30),
        "kclassify": "1",
    }
    path = place.folder / "evals" / "gate.json"
    write_record(path, GateRecord(**(values | given)))
    return path


def failed(verdict: GateVerdict, sentence: str) -> dict[str, Any]:
    return {"verdict": verdict, "sentence": sentence, "checks": (_check(verdict),), "policy": None}


def _check(verdict: GateVerdict) -> GateCheck:
    return GateCheck(
        name=CheckName.WRITE_PRECISION,
        verdict=verdict,
        detail="42 of 43",
        target=0.9,
        alpha=0.1,
    )
