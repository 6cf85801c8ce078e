"""Gate records as an evaluation would write them, for a world's classifier and ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    Evidence,
    GateCheck,
    GateRecord,
    GateVerdict,
    SampleSeal,
    verdict_digest,
    verdicts_digest,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from kclassify.ports import Ledger
    from kclassify.testing.scripted import ScriptedClassifier

SAMPLE = "the digest of the sample"


@dataclass
class FixedGate:
    """A gate that tests alter as they like."""

    evidence: Evidence
    read_times: int = 0

    def read(self) -> Evidence:
        self.read_times += 1
        return self.evidence

    def alter(self, **given: Any) -> None:
        record = self.evidence.record
        assert record is not None
        self.evidence = replace(self.evidence, record=record.model_copy(update=given))


def passed(
    classifier: ScriptedClassifier,
    ledger: Ledger,
    digests: Collection[str] = (),
    *,
    threshold: float = 0.75,
    vetoed: tuple[str, ...] = (),
    target: float = 0.9,
    alpha: float = 0.1,
    now: float,
) -> GateRecord:
    """A record that passed on what the ledger holds of these items, for 30 days from `now` on.

    With none of them it is about verdicts of its own, in a uniform sample.
    """
    held = ledger.recall(digests, classifier.fingerprint)
    verdicts = {digest: verdict_digest(outcome) for digest, outcome in held.items()}
    frame = "writes" if verdicts else "uniform"
    verdicts = verdicts or {"an item elsewhere": "said of it"}
    moment = datetime.fromtimestamp(now, UTC)
    return GateRecord(
        verdict=GateVerdict.PASS,
        sentence="This run may write.",
        checks=(
            GateCheck(
                name=CheckName.WRITE_PRECISION,
                verdict=GateVerdict.PASS,
                detail="42 of 43",
                target=target,
                alpha=alpha,
            ),
        ),
        policy=CertifiedPolicy(threshold=threshold, vetoed=vetoed),
        suite="suite",
        variant="base",
        fingerprint=classifier.fingerprint,
        parts=classifier.fingerprint_parts,
        sample=SampleSeal(
            path="sample.jsonl", digest=SAMPLE, rows=len(verdicts), frame=frame, split="holdout"
        ),
        verdicts=verdicts,
        verdicts_digest=verdicts_digest(verdicts),
        created_at=moment,
        expires_at=moment + timedelta(days=30),
        kclassify="1",
    )


def opening(record: GateRecord) -> FixedGate:
    """A gate with this record and its sample as it was."""
    return FixedGate(Evidence(record, SAMPLE, place="gate.json"))
