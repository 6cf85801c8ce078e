"""The gate's record: what `gate.json` holds, and the digests that tie it to what was evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from kclassify.core.item import digest_of
from kclassify.core.verdict import Outcome

GATE_VERSION = 1


class GateVerdict(StrEnum):
    """What an evaluation says of a run: may it write?"""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class CheckName(StrEnum):
    """What a gate looks at."""

    WRITE_PRECISION = "write precision"
    CLASS_FLOOR = "class floor"
    NET_BENEFIT = "net benefit"
    WRONG_WRITES = "wrong writes"
    OVER_USE = "over-use"
    FLOW = "flow"
    HOLDOUT = "holdout"
    SAMPLE = "sample"
    COVERAGE = "coverage"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GateCheck(_Record):
    """One check. `bound` is what is held against `target`; `alpha` its probability of error.

    A check that only warns has `warns` and never decides. `category` is the one that it is about.
    """

    name: CheckName
    verdict: GateVerdict
    detail: str
    estimate: float | None = None
    bound: float | None = None
    target: float | None = None
    n: float | None = None
    method: str = ""
    alpha: float | None = None
    category: str | None = None
    warns: bool = False


class CertifiedPolicy(_Record):
    """What a commit may write: from this confidence on, and never into a vetoed category."""

    threshold: float = Field(ge=0, le=1)
    vetoed: tuple[str, ...] = ()


class SampleSeal(_Record):
    """The labelled sample that was evaluated. `path` is relative to the record's folder.

    `digest` is `text_digest` of the file, `rows` and `split` say what of it was gated on.
    """

    path: str
    digest: str
    rows: int
    frame: str
    split: str


class DryRunSeal(_Record):
    """The finished dry run that the evaluation is about: only what it judged may be written.

    `number` is that of the pass, `proposals` how many writes it proposes from the certified
    confidence on (from the policy's own where none is certified).
    """

    run: str
    number: int
    rows: int
    proposals: int


class GateRecord(_Record):
    """What `gate.json` holds.

    `parts` are the digests or names that make up the fingerprint, so that a refusal can name what
    differs. `verdicts` maps the item digests of the gated rows to `verdict_digest`, and
    `verdicts_digest` is the digest of that map. `look` counts the looks at this sample, this one
    included. `seal` is the digest of all the rest, in a file.
    """

    version: int = GATE_VERSION
    verdict: GateVerdict
    sentence: str
    checks: tuple[GateCheck, ...]
    policy: CertifiedPolicy | None = None
    labels_needed: int | None = None
    suite: str
    variant: str
    fingerprint: str
    parts: Mapping[str, str] = Field(default_factory=dict[str, str])
    sample: SampleSeal
    verdicts: Mapping[str, str] = Field(default_factory=dict[str, str])
    verdicts_digest: str
    look: int = 1
    dry_run: DryRunSeal | None = None
    seal: str = ""
    created_at: datetime
    expires_at: datetime
    kclassify: str

    @property
    def is_stale(self) -> bool:
        """Whether nothing is decided because the sample is of another dry run."""
        is_open = self.verdict is GateVerdict.INCONCLUSIVE
        return is_open and any(
            check.name is CheckName.SAMPLE and not check.warns for check in self.checks
        )


def combined(checks: tuple[GateCheck, ...]) -> GateVerdict:
    """Fail before inconclusive before pass; no deciding check at all is a fail."""
    deciding = {check.verdict for check in checks if not check.warns}
    for verdict in (GateVerdict.FAIL, GateVerdict.INCONCLUSIVE, GateVerdict.PASS):
        if verdict in deciding:
            return verdict
    return GateVerdict.FAIL


def text_digest(text: str) -> str:
    """SHA-256 of a text whose line endings do not count."""
    return digest_of("\n".join(text.splitlines()))


def verdict_digest(outcome: Outcome[str]) -> str:
    """SHA-256 of what was said of an item: kind, label, confidence. The cost is no part of it."""
    verdict = outcome.verdict
    said = ("", "") if verdict is None else (str(verdict.label), repr(float(verdict.confidence)))
    return digest_of(outcome.kind.value, *said)


def verdicts_digest(verdicts: Mapping[str, str]) -> str:
    """SHA-256 of a map from item digests to verdict digests, whatever its order."""
    return digest_of(*(part for pair in sorted(verdicts.items()) for part in pair))


def sealed(record: GateRecord) -> GateRecord:
    """The record with the seal that its file has."""
    return record.model_copy(update={"seal": record_digest(record)})


def record_digest(record: GateRecord) -> str:
    """SHA-256 of all that a record says, its seal apart, however its file is laid out."""
    return digest_of(json.dumps(record.model_dump(mode="json", exclude={"seal"}), sort_keys=True))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the files say: the record, and the digest of the sample as it is now.

    `problem` says why there is no record, in words that name the way out; with neither, no record
    is asked for at all. `place` is the record's file, `sample_digest` is None when the sample is
    not to be found.
    """

    record: GateRecord | None
    sample_digest: str | None = None
    problem: str = ""
    place: str = "the gate record"
