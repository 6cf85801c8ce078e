"""The gate: whether the record of an evaluation opens a commit to this classifier, now.

Pure: what the files and the ledger say comes in, a grant or one line of refusal comes out. It fails
closed. It guards against the wrong file and the stale one, not against somebody who forges records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kclassify.core.gate_record import (
    GATE_VERSION,
    CertifiedPolicy,
    CheckName,
    DryRunSeal,
    Evidence,
    GateCheck,
    GateRecord,
    GateVerdict,
    SampleSeal,
    combined,
    record_digest,
    text_digest,
    verdict_digest,
    verdicts_digest,
)

__all__ = [
    "GATE_VERSION",
    "CertifiedPolicy",
    "CheckName",
    "DryRunSeal",
    "Evidence",
    "Facts",
    "GateCheck",
    "GateRecord",
    "GateVerdict",
    "Granted",
    "Refused",
    "SampleSeal",
    "authorize",
    "combined",
    "record_digest",
    "text_digest",
    "verdict_digest",
    "verdicts_digest",
]

NO_RECORD = (
    "commit writes only after an evaluation passed, and [gate] record names none: run `kclassify "
    'eval` and name its record, or give --override "reason" (commit(override=...)) to write all '
    "the same"
)
_AGAIN = "evaluate again with `kclassify eval`"
_TAMPERED = f"it was changed after it was written: {_AGAIN}"
_ROOTS = {"taxonomy": "taxonomy", "model": "model", "parameters": "set of parameters"}
_DERIVED = {"prompt": "prompt", "schema": "output schema", "training": "training"}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the classifier that is about to write, in this ledger, now.

    `parts` make up the fingerprint, and may be unknown. `known` are the categories of its taxonomy.
    `verdicts` maps item digests to the `verdict_digest` of what this ledger holds under this
    fingerprint, as far as it holds any. `dry_run_rows` are the rows that the record's dry run has
    in this ledger, None when there is no such finished pass. `now` is Unix time in seconds.
    """

    fingerprint: str
    known: Collection[str]
    now: float
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    verdicts: Mapping[str, str] = field(default_factory=dict[str, str])
    dry_run_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The commit may write by this policy. `digest` is that of the record that says so.

    With `dry_run` only what that one settled may be written.
    """

    policy: CertifiedPolicy
    digest: str
    dry_run: DryRunSeal | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The commit may not write; `reason` is one line that names what differs and the way out."""

    reason: str


def authorize(evidence: Evidence, facts: Facts) -> Granted | Refused:
    """Whether a commit may write, and by which policy."""
    record = evidence.record
    if record is None:
        return _refused(evidence.problem or NO_RECORD)
    for objection in _OBJECTIONS:
        reason = objection(record, evidence, facts)
        if reason is not None:
            return _refused(f"{evidence.place}: {reason}")
    if record.policy is None:
        return _refused(f"{evidence.place}: it passed without a certified policy: {_AGAIN}")
    return Granted(record.policy, record_digest(record), record.dry_run)


def _refused(reason: str) -> Refused:
    """In one line, whatever the texts of the record hold."""
    return Refused(" ".join(reason.split()))


def _other_version(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence, facts
    if record.version == GATE_VERSION:
        return None
    return (
        f"a gate record of version {record.version}, and this kclassify knows {GATE_VERSION}: "
        f"{_AGAIN}"
    )


def _not_passed(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence, facts
    said = record.sentence
    match record.verdict:
        case GateVerdict.PASS:
            return None
        case GateVerdict.FAIL:
            return f"the evaluation failed: {said}"
        case GateVerdict.INCONCLUSIVE:
            needed = record.labels_needed
            way_out = "label more rows" if needed is None else f"label about {needed} more rows"
            told = said.rstrip(".")
            return f"the evaluation is inconclusive: {told}; {way_out}, then {_AGAIN}"


def _only_dev(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    """What people chose by looking at these rows looks better there than it is."""
    del evidence, facts
    if record.sample.split != "dev":
        return None
    return (
        "it passed on the dev rows of a sample that has a sealed holdout, and only the holdout "
        "decides: evaluate with `kclassify eval --holdout`"
    )


def _contradicts_itself(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence, facts
    if combined(record.checks) is not record.verdict:
        return f"its verdict is not the one that its checks come to: {_TAMPERED}"
    if not any(each.name is CheckName.WRITE_PRECISION and not each.warns for each in record.checks):
        return f"it says nothing of the precision of the writes: {_AGAIN}"
    if not record.verdicts or verdicts_digest(record.verdicts) != record.verdicts_digest:
        return f"its verdicts do not have the digest that it gives them: {_TAMPERED}"
    return None


def _other_classifier(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence
    differing = {
        name
        for name in record.parts.keys() | facts.parts.keys()
        if record.parts.get(name) != facts.parts.get(name)
    }
    if record.fingerprint == facts.fingerprint:
        is_told_apart = bool(record.parts and facts.parts and differing)
        return f"its parts are not those of its fingerprint: {_TAMPERED}" if is_told_apart else None
    if not (record.parts and facts.parts and differing):
        return (
            f"the evaluation was of another classifier (fingerprint "
            f"{record.fingerprint[:12]}, and this is {facts.fingerprint[:12]}): {_AGAIN}"
        )
    named = _named(differing, record.parts, facts.parts)
    return (
        f"the evaluation was of another {named} than the settings have: put what was evaluated "
        f"into kclassify.toml, or evaluate what is there with `kclassify eval`"
    )


def _named(differing: set[str], then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What differs. A prompt or a schema that follows from the rest is not named beside it."""
    roots = [name for name in _ROOTS if name in differing]
    rest = sorted(differing - _ROOTS.keys() - _DERIVED.keys())
    derived = [name for name in _DERIVED if name in differing]
    if set(roots) & {"taxonomy", "parameters"}:
        derived = [name for name in derived if name == "training"]
    return " and another ".join(_shown(name, then, now) for name in [*roots, *derived, *rest])


def _shown(name: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    word = (_ROOTS | _DERIVED).get(name, name)
    if name not in {"model", "parameters"}:
        return word
    before, after = then.get(name, "none"), now.get(name, "none")
    return f"{word} ({before[:_SHOWN]}, and this is {after[:_SHOWN]})"


def _expired(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence
    end = record.expires_at
    if end.tzinfo is None:
        end = end.replace(tzinfo=UTC)
    if facts.now < end.timestamp():
        return None
    return f"it expired on {_day(end)}: {_AGAIN}"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d at %H:%M UTC")


def _other_sample(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del facts
    path = record.sample.path
    if evidence.sample_digest is None:
        return f"its sample {path} is not there to be checked: put it back, or {_AGAIN}"
    if evidence.sample_digest != record.sample.digest:
        return f"its sample {path} was edited after the evaluation: {_AGAIN}"
    return None


def _other_verdicts(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    """A dry run's own changes were evaluated: they must be the ones that are written."""
    del evidence
    held = facts.verdicts
    total = len(record.verdicts)
    changed = sum(held.get(item, said) != said for item, said in record.verdicts.items())
    if changed:
        return f"{changed} of its {total} verdicts changed since the evaluation: {_AGAIN}"
    absent = len(record.verdicts.keys() - held.keys())
    if absent and record.sample.frame != "uniform":
        return (
            f"{absent} of its {total} verdicts are not in this ledger: it is about the dry run of "
            "another one, so commit there or evaluate this one"
        )
    return None


def _other_dry_run(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    """Only what that pass settled was evaluated, so it has to be there, and whole."""
    del evidence
    seal, rows = record.dry_run, facts.dry_run_rows
    if seal is None:
        return None
    name = f"its dry run (pass {seal.number} of run {seal.run!r})"
    if rows is None:
        return (
            f"{name} is not in this ledger: commit there, or {_AGAIN} after a `kclassify dry-run` "
            "here"
        )
    if rows != seal.rows:
        return f"{name} settled {rows} rows, and {seal.rows} when it was evaluated: {_AGAIN}"
    return None


def _unknown_veto(record: GateRecord, evidence: Evidence, facts: Facts) -> str | None:
    del evidence
    vetoed = () if record.policy is None else record.policy.vetoed
    strange = sorted(set(vetoed) - set(facts.known))
    if not strange:
        return None
    return f"it vetoes {strange[0]!r}, which is no category of this taxonomy: {_AGAIN}"


_OBJECTIONS: tuple[Callable[[GateRecord, Evidence, Facts], str | None], ...] = (
    _other_version,
    _other_classifier,
    _not_passed,
    _contradicts_itself,
    _only_dev,
    _expired,
    _other_sample,
    _other_verdicts,
    _other_dry_run,
    _unknown_veto,
)
