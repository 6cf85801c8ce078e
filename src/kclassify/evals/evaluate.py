"""Carries out a suite: from its file to an evaluation, or to the reason why there is none yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import anyio
import numpy as np

from kclassify.config import Settings
from kclassify.core.evaluation import Baseline, Cost, Evaluation
from kclassify.errors import UsageError
from kclassify.evals.asking import Answers, Incomplete, ask
from kclassify.evals.asking_terms import Progress, Terms
from kclassify.evals.assemble import assemble
from kclassify.evals.baselines import LeftOut, as_it_is, embedded
from kclassify.evals.holdout import LookCount, Scored, choose_rows
from kclassify.evals.material import Material, Population, VariantAnswers
from kclassify.evals.project import find_settings, open_ledger, reader_of, record_path
from kclassify.evals.reply_cache import ReplyCache
from kclassify.evals.sample import Sample, load_sample
from kclassify.evals.stopping import Stop, stop_on_signals
from kclassify.evals.suite import Suite, load_suite
from kclassify.evals.variants import Variant, make_variant, require_unseen, taxonomy_of
from kclassify.store import SqlLedger

_NO_DEMANDS = {"expires_days", "holdout_looks", "top_up"}
Teller = Callable[[str, Progress], None]
"""Told of progress: the name of the variant that is asked, and how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be evaluated.

    `candidate` and `repeats` override the suite's own. `holdout` scores the sealed rows instead of
    the others. `retry_failed` asks again about rows whose answer was a failure. `record` is where
    the gate record goes. `environment` overrides settings of `config`; it is that of the process
    unless it is given. SIGINT and SIGTERM are heeded where there is somebody to tell of the first
    one, by its name, as `stopping`.
    """

    suite: Path
    config: Path | None = None
    candidate: str | None = None
    repeats: int | None = None
    holdout: bool = False
    replay_only: bool = False
    retry_failed: bool = False
    record: Path | None = None
    environment: Mapping[str, str] | None = None
    tell: Teller | None = None
    stopping: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, and the place for its gate record."""

    evaluation: Evaluation
    record: Path


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A variant has `missing` answers, for this reason. The next time goes on from there."""

    variant: str
    reason: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A suite with everything that it names read and opened."""

    request: Request
    suite: Suite
    settings: Settings | None
    ledger: SqlLedger | None
    sample: Sample
    scored: Scored
    variants: Sequence[Variant]
    record: Path

    @property
    def candidate(self) -> Variant:
        """The variant that the gate is about."""
        return next(v for v in self.variants if v.name == self.suite.candidate.name)

    @property
    def looks(self) -> LookCount:
        """The count of looks at what is scored."""
        return LookCount(
            self.ledger,
            self.scored.digests,
            self.scored.look_of(
                self.candidate.classifier.fingerprint,
                self.suite.policy.model_dump_json(),
                self.suite.gate.model_dump_json(exclude=_NO_DEMANDS),
            ),
            self.suite.gate.holdout_looks,
            self.scored.is_sealed,
        )


async def evaluate(request: Request) -> Evaluated | Unfinished:
    """Carry the suite out. Nothing is written but replies, verdicts and looks.

    Raises `UsageError` for a suite, a sample or settings that cannot be used, and `DatabaseError`.
    """
    if request.retry_failed and request.replay_only:
        raise UsageError("--retry-failed asks again and --replay-only asks nobody: leave one out")
    suite = chosen_suite(request)
    settings = find_settings(suite, request.config, request.environment)
    with open_ledger(suite, settings, create=request.holdout) as ledger:
        plan = _plan(request, suite, settings, ledger)
        try:
            return await _carry_out(plan)
        finally:
            with anyio.CancelScope(shield=True):
                for variant in plan.variants:
                    await variant.classifier.aclose()


def chosen_suite(request: Request) -> Suite:
    """The suite, with what the request says otherwise. Raises `ConfigError`."""
    suite = load_suite(request.suite)
    given = {"candidate": request.candidate, "repeats": request.repeats}
    changed = {name: value for name, value in given.items() if value is not None}
    suite = replace(suite, run=suite.run.model_copy(update=changed))
    suite.variant(suite.candidate.name)
    return suite


def _plan(
    request: Request, suite: Suite, settings: Settings | None, ledger: SqlLedger | None
) -> Plan:
    taxonomy = taxonomy_of(suite.candidate, suite, settings)
    active = frozenset(str(label) for label in taxonomy.labels)
    sample = load_sample(suite.run.sample, taxonomy.known, active)
    scored = choose_rows(sample, holdout=request.holdout)
    # Whoever may choose among many by the holdout has no holdout.
    compared = [each for each in (suite.baseline, suite.candidate) if each is not None]
    asked = compared if scored.is_sealed else suite.variants
    return Plan(
        request=request,
        suite=suite,
        settings=settings,
        ledger=ledger,
        sample=sample,
        scored=scored,
        variants=[make_variant(each, suite, settings) for each in asked],
        record=record_path(suite, settings, request.record, opens_nothing=scored.is_dev),
    )


async def _carry_out(plan: Plan) -> Evaluated | Unfinished:
    plan.looks.require()
    for each in plan.variants:
        require_unseen(each, plan.scored.rows)
    async with stop_on_signals(plan.request.stopping) as stop:
        answers = await _asked(plan, stop)
    if isinstance(answers, Unfinished):
        return answers
    baselines, left_out = await _baselines(plan)
    material = _material(plan, answers, baselines, left_out)
    evaluation = assemble(material)
    plan.looks.conclude(_now().timestamp(), evaluation.gate.verdict.value)
    return Evaluated(evaluation, plan.record)


async def _asked(plan: Plan, stop: Stop) -> list[VariantAnswers] | Unfinished:
    answers: list[VariantAnswers] = []
    for variant in plan.variants:
        said = await ask(variant.classifier, plan.scored.rows, _terms(plan, variant, stop))
        if isinstance(said, Incomplete):
            return Unfinished(variant.name, said.reason, said.missing)
        answers.append(_answers_of(variant, said))
    return answers


def _terms(plan: Plan, variant: Variant, stop: Stop) -> Terms:
    folder, tell = plan.suite.run.replies, plan.request.tell
    fingerprint = variant.classifier.fingerprint

    def told(progress: Progress) -> None:
        if tell is not None:
            tell(variant.name, progress)

    return Terms(
        repeats=plan.suite.run.repeats,
        concurrency=plan.suite.run.concurrency,
        timeout_s=variant.timeout_s,
        replay_only=plan.request.replay_only,
        retry_failed=plan.request.retry_failed,
        embedded=variant.is_embedded,
        kept=None if variant.is_embedded else ReplyCache(folder, fingerprint),
        ledger=plan.ledger,
        stop=stop,
        tell=told,
    )


def _answers_of(variant: Variant, said: Answers) -> VariantAnswers:
    p50, p95 = (float(q) for q in np.quantile(said.seconds or [0.0], [0.5, 0.95]))
    return VariantAnswers(
        name=variant.name,
        model=variant.classifier.model,
        fingerprint=variant.classifier.fingerprint,
        parts=variant.parts,
        taxonomy=variant.classifier.taxonomy,
        repeats=said.repeats,
        cost=Cost(
            calls=said.calls,
            replayed=said.replayed,
            input_tokens=said.usage.input_tokens,
            output_tokens=said.usage.output_tokens,
            latency_p50_s=p50 if said.seconds else None,
            latency_p95_s=p95 if said.seconds else None,
        ),
    )


async def _baselines(plan: Plan) -> tuple[list[Baseline], list[str]]:
    rows, seed = plan.scored.rows, plan.suite.run.seed
    taxonomy = plan.candidate.classifier.taxonomy
    labels = [str(label) for label in taxonomy.labels]
    found = [as_it_is(rows, labels, seed), await embedded(rows, taxonomy, seed)]
    there = [each for each in found if isinstance(each, Baseline)]
    return there, [f"left out: {each.reason}" for each in found if isinstance(each, LeftOut)]


def _material(
    plan: Plan,
    answers: Sequence[VariantAnswers],
    baselines: Sequence[Baseline],
    warnings: Sequence[str],
) -> Material:
    baseline = plan.suite.baseline
    return Material(
        suite=plan.suite.name,
        created_at=_now(),
        kclassify=version("kclassify"),
        sample=plan.sample,
        sample_path=_beside(plan.sample.path, plan.record),
        rows=plan.scored.rows,
        split=plan.scored.split,
        policy=plan.suite.policy,
        gate=plan.suite.gate,
        variants=answers,
        candidate=plan.candidate.name,
        baseline=None if baseline is None else baseline.name,
        baselines=baselines,
        population=_population(plan),
        looks=plan.looks.take(_now().timestamp()),
        warnings=warnings,
        seed=plan.suite.run.seed,
    )


def _population(plan: Plan) -> Population | None:
    """The finished dry run of the candidate, if the ledger has one."""
    if plan.ledger is None or plan.settings is None:
        return None
    try:
        judged = reader_of(plan.ledger).judged(plan.settings.run.name)
    except UsageError:
        return None
    if judged.fingerprint != plan.candidate.classifier.fingerprint:
        return None
    return Population(judged.counts(), plan.settings.run.name, judged.number)


def _beside(path: Path, record: Path) -> str:
    """The path as the record will name it: relative to its folder, with forward slashes."""
    try:
        relative = os.path.relpath(path.resolve(), record.resolve().parent)
    except ValueError:  # on another drive
        return path.resolve().as_posix()
    return Path(relative).as_posix()


def _now() -> datetime:
    return datetime.now(UTC)
