from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    DryRunSeal,
    Evidence,
    Facts,
    GateCheck,
    GateRecord,
    GateVerdict,
    Granted,
    Refused,
    SampleSeal,
    authorize,
    record_digest,
    text_digest,
    verdict_digest,
    verdicts_digest,
)
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
PARTS = {
    "taxonomy": "t1",
    "prompt": "p1",
    "model": "anthropic/claude-haiku-4-5",
    "parameters": "max_tokens=1024",
    "schema": "s1",
}
VERDICTS = {f"item {n}": f"verdict {n}" for n in range(5)}


def check(verdict: GateVerdict = GateVerdict.PASS, **rest: Any) -> GateCheck:
    return GateCheck(name=CheckName.WRITE_PRECISION, verdict=verdict, detail="42 of 43", **rest)


def record(**given: Any) -> GateRecord:
    values: dict[str, Any] = {
        "verdict": GateVerdict.PASS,
        "sentence": "This run may write.",
        "checks": (check(),),
        "policy": CertifiedPolicy(threshold=0.9, vetoed=("playbook",)),
        "suite": "suite",
        "variant": "base",
        "fingerprint": "f1",
        "parts": PARTS,
        "sample": SampleSeal(path="s.jsonl", digest="d1", rows=5, frame="writes", split="holdout"),
        "verdicts": VERDICTS,
        "verdicts_digest": verdicts_digest(VERDICTS),
        "created_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=29),
        "kclassify": "1",
    }
    return GateRecord(**(values | given))


@dataclass(frozen=True)
class Situation:
    """All that a gate is asked about; as it is, it grants."""

    evidence: Evidence
    facts: Facts

    def said(self) -> Granted | Refused:
        return authorize(self.evidence, self.facts)

    def reason(self) -> str:
        said = self.said()
        assert isinstance(said, Refused)
        return said.reason

    def with_record(self, **given: Any) -> Situation:
        return replace(self, evidence=replace(self.evidence, record=record(**given)))

    def with_facts(self, **given: Any) -> Situation:
        return replace(self, facts=replace(self.facts, **given))

    def with_parts(self, **given: str) -> Situation:
        return self.with_facts(fingerprint="f2", parts=PARTS | given)


GRANTED = Situation(
    Evidence(record(), "d1", place="evals/gate.json"),
    Facts(
        fingerprint="f1",
        known={"playbook", "pattern"},
        now=NOW.timestamp(),
        parts=PARTS,
        verdicts=VERDICTS,
    ),
)
DRY_RUN = DryRunSeal(run="articles", number=3, rows=700, proposals=239)
FAILED = check(GateVerdict.FAIL)
OPEN = check(GateVerdict.INCONCLUSIVE)
UNIFORM = SampleSeal(path="s.jsonl", digest="d1", rows=5, frame="uniform", split="all")
MIXED = UNIFORM.model_copy(update={"frame": "top-up+uniform"})
CHANGED = VERDICTS | {"item 1": "another", "item 3": "another"}
FEWER = {name: VERDICTS[name] for name in ("item 0", "item 1", "item 2")}


def without(problem: str) -> Situation:
    return replace(GRANTED, evidence=Evidence(None, problem=problem))


REFUSALS: list[tuple[Situation, str]] = [
    (without(""), "[gate] record names none"),
    (without("evals/gate.json: no such gate record"), "evals/gate.json: no such gate record"),
    (
        GRANTED.with_record(sample=UNIFORM.model_copy(update={"split": "dev"})),
        "it passed on the dev rows of a sample that has a sealed holdout",
    ),
    (
        GRANTED.with_parts(taxonomy="another").with_record(
            verdict=GateVerdict.FAIL, checks=(FAILED,), sentence="It pulls."
        ),
        "the evaluation was of another taxonomy",
    ),
    (GRANTED.with_record(version=2), "a gate record of version 2, and this kclassify knows 1"),
    (
        GRANTED.with_record(verdict=GateVerdict.FAIL, checks=(FAILED,), sentence="It pulls."),
        "the evaluation failed: It pulls.",
    ),
    (
        GRANTED.with_record(
            verdict=GateVerdict.INCONCLUSIVE, checks=(OPEN,), sentence="Open.", labels_needed=46
        ),
        "the evaluation is inconclusive: Open; label about 46 more rows",
    ),
    (
        GRANTED.with_record(verdict=GateVerdict.INCONCLUSIVE, checks=(OPEN,), sentence="Open."),
        "label more rows",
    ),
    (
        GRANTED.with_parts(taxonomy="t2", prompt="p2", schema="s2"),
        "was of another taxonomy than the settings have",
    ),
    (GRANTED.with_parts(prompt="p2"), "was of another prompt than the settings have"),
    (
        GRANTED.with_parts(model="anthropic/claude-opus-4-1"),
        "another model (anthropic/claude-haiku-4-5, and this is anthropic/claude-opus-4-1) than",
    ),
    (
        GRANTED.with_parts(parameters="max_tokens=9", prompt="p2"),
        "another set of parameters (max_tokens=1024, and this is max_tokens=9) than",
    ),
    (GRANTED.with_parts(schema="s2"), "was of another output schema than the settings have"),
    (
        GRANTED.with_parts(taxonomy="t2", model="m2"),
        "another taxonomy and another model (anthropic/claude-haiku-4-5, and this is m2) than",
    ),
    (GRANTED.with_facts(fingerprint="f2", parts={}), "another classifier (fingerprint f1, and"),
    (GRANTED.with_facts(fingerprint="f2"), "another classifier (fingerprint f1, and this is f2)"),
    (GRANTED.with_facts(parts=PARTS | {"model": "m2"}), "its parts are not those of its finger"),
    (replace(GRANTED, evidence=replace(GRANTED.evidence, sample_digest=None)), "is not there"),
    (
        replace(GRANTED, evidence=replace(GRANTED.evidence, sample_digest="d2")),
        "its sample s.jsonl was edited after the evaluation",
    ),
    (GRANTED.with_facts(verdicts=CHANGED), "2 of its 5 verdicts changed since the evaluation"),
    (GRANTED.with_facts(verdicts=FEWER), "2 of its 5 verdicts are not in this ledger"),
    (
        GRANTED.with_record(sample=MIXED).with_facts(verdicts=FEWER),
        "2 of its 5 verdicts are not in this ledger",
    ),
    (
        GRANTED.with_record(sample=UNIFORM).with_facts(verdicts={"item 1": "another"}),
        "1 of its 5 verdicts changed",
    ),
    (GRANTED.with_record(verdicts_digest="d2"), "changed after it was written"),
    (
        GRANTED.with_record(verdicts={}, verdicts_digest=verdicts_digest({})),
        "changed after it was written",
    ),
    (GRANTED.with_record(checks=(FAILED,)), "not the one that its checks come to"),
    (GRANTED.with_record(checks=(check(warns=True),)), "not the one that its checks come to"),
    (GRANTED.with_record(checks=()), "not the one that its checks come to"),
    (
        GRANTED.with_record(expires_at=NOW - timedelta(minutes=1)),
        "it expired on 2026-11-05 at 11:59 UTC",
    ),
    (GRANTED.with_record(expires_at=NOW.replace(tzinfo=None)), "it expired on 2026-11-05 at 12:00"),
    (GRANTED.with_record(policy=None), "it passed without a certified policy"),
    (GRANTED.with_facts(known={"pattern"}), "it vetoes 'playbook', which is no category"),
    (
        GRANTED.with_record(dry_run=DRY_RUN),
        "its dry run (pass 3 of run 'articles') is not in this ledger",
    ),
    (
        GRANTED.with_record(dry_run=DRY_RUN).with_facts(dry_run_rows=699),
        "its dry run (pass 3 of run 'articles') settled 699 rows, and 700 when it was evaluated",
    ),
]


def test_a_record_that_passed_for_exactly_this_classifier_grants_its_policy() -> None:
    evidence = GRANTED.evidence
    assert evidence.record is not None
    assert GRANTED.said() == Granted(
        CertifiedPolicy(threshold=0.9, vetoed=("playbook",)), record_digest(evidence.record)
    )


@pytest.mark.parametrize(("situation", "expected"), REFUSALS)
def test_anything_else_is_refused_in_one_line_that_names_it(
    situation: Situation, expected: str
) -> None:
    reason = situation.reason()
    assert expected in reason
    assert "\n" not in reason
    assert reason.startswith("evals/gate.json: ") or situation.evidence.record is None


@pytest.mark.parametrize(("situation", "expected"), REFUSALS)
def test_every_refusal_names_a_way_out(situation: Situation, expected: str) -> None:
    if situation.evidence.problem or "the evaluation failed" in expected:
        return
    assert "kclassify eval" in situation.reason() or "commit there" in situation.reason()


def test_a_record_about_a_dry_run_grants_what_that_one_settled() -> None:
    said = GRANTED.with_record(dry_run=DRY_RUN).with_facts(dry_run_rows=700).said()
    assert isinstance(said, Granted)
    assert said.dry_run == DRY_RUN


def test_verdicts_of_a_uniform_sample_need_not_be_in_this_ledger() -> None:
    situation = GRANTED.with_record(sample=UNIFORM).with_facts(verdicts={})
    assert isinstance(situation.said(), Granted)


def test_a_classifier_that_says_nothing_of_its_parts_is_known_by_its_fingerprint() -> None:
    assert isinstance(GRANTED.with_facts(parts={}).said(), Granted)


def test_verdicts_of_other_items_do_not_matter() -> None:
    more = VERDICTS | {"an item that was not sampled": "any"}
    assert isinstance(GRANTED.with_facts(verdicts=more).said(), Granted)


def test_a_sentence_over_several_lines_is_quoted_in_one() -> None:
    failed = GRANTED.with_record(
        verdict=GateVerdict.FAIL, checks=(FAILED,), sentence="It\n pulls.\r\nBadly."
    )
    assert failed.reason() == "evals/gate.json: the evaluation failed: It pulls. Badly."


TEXT = st.text(min_size=1, max_size=8)
ALTERATIONS: dict[str, Callable[[Situation, str, int], Situation]] = {
    "fingerprint": lambda s, text, _: s.with_facts(fingerprint="f1" + text),
    "record fingerprint": lambda s, text, _: s.with_record(fingerprint="f1" + text),
    "a part": lambda s, text, n: s.with_facts(
        parts=PARTS | {sorted(PARTS)[n]: PARTS[sorted(PARTS)[n]] + text}, fingerprint="f1" + text
    ),
    "a part alone": lambda s, text, n: s.with_facts(
        parts=PARTS | {sorted(PARTS)[n]: PARTS[sorted(PARTS)[n]] + text}
    ),
    "sample": lambda s, text, _: replace(
        s, evidence=replace(s.evidence, sample_digest="d1" + text)
    ),
    "a verdict in the ledger": lambda s, text, n: s.with_facts(
        verdicts=VERDICTS | {f"item {n}": f"verdict {n}" + text}
    ),
    "a verdict that is gone": lambda s, _, n: s.with_facts(
        verdicts={key: said for key, said in VERDICTS.items() if key != f"item {n}"}
    ),
    "a verdict in the record": lambda s, text, n: s.with_record(
        verdicts=VERDICTS | {f"item {n}": f"verdict {n}" + text}
    ),
    "a verdict less in the record": lambda s, _, n: s.with_record(
        verdicts={key: said for key, said in VERDICTS.items() if key != f"item {n}"}
    ),
    "digest of the verdicts": lambda s, text, _: s.with_record(
        verdicts_digest=verdicts_digest(VERDICTS) + text
    ),
    "time": lambda s, _, n: s.with_facts(now=(NOW + timedelta(days=29 + n)).timestamp()),
    "version": lambda s, _, n: s.with_record(version=2 + n),
    "verdict": lambda s, _, n: s.with_record(
        verdict=GateVerdict.FAIL if n % 2 else GateVerdict.INCONCLUSIVE
    ),
    "checks": lambda s, text, n: s.with_record(checks=(check(), FAILED if n % 2 else OPEN)),
    "policy": lambda s, text, n: s.with_record(policy=None),
    "categories": lambda s, text, _: s.with_facts(known={"pattern", "playbook" + text}),
}


@given(name=st.sampled_from(sorted(ALTERATIONS)), text=TEXT, number=st.integers(0, 4))
def test_any_single_alteration_of_what_was_granted_is_refused(
    name: str, text: str, number: int
) -> None:
    altered = ALTERATIONS[name](GRANTED, text, number)
    assert isinstance(altered.said(), Refused)
    assert "\n" not in altered.reason()


def test_a_verdict_is_known_by_kind_label_and_confidence_and_not_by_its_cost() -> None:
    one = judged(Verdict("playbook", 0.9, "m", Usage(1, 2)))
    assert verdict_digest(one) == verdict_digest(judged(Verdict("playbook", 0.9, "other")))
    others = [
        judged(Verdict("pattern", 0.9, "m")),
        judged(Verdict("playbook", 0.90000001, "m")),
        Outcome[str](OutcomeKind.REFUSED),
        Outcome[str](OutcomeKind.ABSTAINED),
    ]
    assert len({verdict_digest(each) for each in [one, *others]}) == 5


def test_the_digest_of_a_sample_does_not_depend_on_line_endings() -> None:
    assert text_digest("a\nb\n") == text_digest("a\r\nb\r\n") == text_digest("a\nb")
    assert text_digest("a\nb") != text_digest("ab")


def test_the_digest_of_a_record_is_that_of_all_it_says() -> None:
    assert record_digest(record()) == record_digest(record(parts=dict(reversed(PARTS.items()))))
    assert record_digest(record()) != record_digest(record(look=2))
