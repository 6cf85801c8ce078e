"""Whether a gate record still holds, without evaluating anything."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from kclassify.core.gate import (
    Evidence,
    Facts,
    GateRecord,
    GateVerdict,
    Refused,
    authorize,
    verdict_digest,
)
from kclassify.core.verdict import Outcome
from kclassify.evals.evaluate import Request, chosen_suite
from kclassify.evals.project import find_settings, open_ledger, record_path
from kclassify.evals.reply_cache import ReplyCache
from kclassify.evals.suite import Suite
from kclassify.evals.variants import Variant, make_variant
from kclassify.gate_file import GateFile
from kclassify.store import SqlLedger


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a gate record. `problem` says what differs, and is empty when nothing does."""

    path: Path
    record: GateRecord | None
    problem: str


def check_record(request: Request) -> Checked:
    """The record of the suite's candidate, held against what is there now.

    A record that says no is no problem, as long as it is about this classifier and this sample.
    Raises `UsageError` for a suite that cannot be used, and `DatabaseError`.
    """
    suite = chosen_suite(request)
    settings = find_settings(suite, request.config, request.environment)
    path = record_path(suite, settings, request.record)
    evidence = GateFile(path).read()
    if evidence.record is None:
        return Checked(path, None, evidence.problem)
    sample = (path.parent / evidence.record.sample.path).resolve()
    if sample != suite.run.sample.resolve():
        problem = f"{path}: it is about {sample}, and the suite's sample is {suite.run.sample}"
        return Checked(path, evidence.record, problem)
    variant = make_variant(suite.candidate, suite, settings)
    with open_ledger(suite, settings, create=False) as ledger:
        facts = _facts(evidence.record, variant, suite, ledger)
    return Checked(path, evidence.record, _problem(evidence.record, evidence, facts))


def _problem(record: GateRecord, evidence: Evidence, facts: Facts) -> str:
    """What differs. A record that says no opens nothing, and is asked only what it is about."""
    if record.verdict is GateVerdict.PASS:
        answer = authorize(evidence, facts)
        return answer.reason if isinstance(answer, Refused) else ""
    if record.fingerprint != facts.fingerprint:
        return f"{evidence.place}: it is about another classifier"
    if evidence.sample_digest != record.sample.digest:
        return f"{evidence.place}: its sample was edited after the evaluation"
    return ""


def _facts(record: GateRecord, variant: Variant, suite: Suite, ledger: SqlLedger | None) -> Facts:
    classifier = variant.classifier
    held: dict[str, Outcome[str]] = {}
    if not variant.is_embedded:
        cache = ReplyCache(suite.run.replies, classifier.fingerprint)
        kept = {digest: cache.find(digest, 0) for digest in record.verdicts}
        held = {digest: reply.outcome for digest, reply in kept.items() if reply is not None}
    if ledger is not None:
        held |= ledger.recall(list(record.verdicts), classifier.fingerprint)
    return Facts(
        fingerprint=classifier.fingerprint,
        known=classifier.taxonomy.known,
        now=time.time(),
        parts=variant.parts,
        verdicts={digest: verdict_digest(outcome) for digest, outcome in held.items()},
        dry_run_rows=_dry_run_rows(record, ledger),
    )


def _dry_run_rows(record: GateRecord, ledger: SqlLedger | None) -> int | None:
    """Where there is no ledger nothing is committed either, so its dry run is taken as sealed."""
    seal = record.dry_run
    if seal is None or ledger is None:
        return None if seal is None else seal.rows
    return ledger.dry_run_rows(seal.run, seal.number)
