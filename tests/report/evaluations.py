"""Evaluations made by hand: passed, failed, inconclusive; two, ten and 77 categories; hostile."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import sqrt

from kclassify.core.evaluation import (
    Baseline,
    Calibration,
    ClassScores,
    Comparison,
    Cost,
    Evaluation,
    Flip,
    FlipKind,
    Flow,
    GoldQuality,
    GoldReview,
    Impact,
    Looks,
    Noise,
    OverUse,
    PairedTest,
    ReliabilityPoint,
    SampleFacts,
    Scores,
    Share,
    ThresholdCurve,
    ThresholdPoint,
    Transition,
    VariantResult,
    Veto,
)
from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    GateCheck,
    GateRecord,
    GateVerdict,
    SampleSeal,
)
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.evals.intervals import lower_bound

TEN = (
    "playbook",
    "pattern",
    "decision",
    "lesson",
    "reference",
    "concept",
    "incident",
    "policy",
    "howto",
    "faq",
)
WRITTEN_AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
EXACT = "fixed-sequence Clopper-Pearson, one-sided"
SCRIPT = "<script>alert('pwned')</script>"
MARKUP = (
    "]]> --> </style> ``` ` | a | b | @team #7 [x](https://evil.example/) ![p](//evil.example/p) "
    '"><img src=x onerror=alert(1)> {{ 7 * 7 }} &lt; </details> \n# heading\n- [ ] box'
)
HOSTILE = f"{SCRIPT} \u202edesrever\u2066 \x00\x1b[2J\x07 {MARKUP}"


def wilson(right: float, n: float, level: float = 0.95) -> Interval:
    z, p = 1.96, right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(p, max(0.0, middle - reach), min(1.0, middle + reach), n, "Wilson", level)


def _share(right: float, n: float) -> Interval | None:
    return wilson(right, n) if n else None


def matrix(labels: Sequence[str], rows: int, accuracy: float, seed: int) -> ConfusionMatrix:
    """Skewed categories; wrong answers are drawn to the first one."""
    draw = random.Random(seed)
    weights = [1 / (1 + place) for place in range(len(labels))]
    pairs: list[tuple[str, str, float]] = []
    for gold in draw.choices(labels, weights, k=rows):
        wrong = labels[0] if draw.random() < 0.4 else draw.choice(labels)
        pairs.append((gold, gold if draw.random() < accuracy else wrong, 1.0))
    return ConfusionMatrix.of(labels, pairs)


def scores(labels: Sequence[str], rows: int = 400, accuracy: float = 0.9, seed: int = 1) -> Scores:
    confusion = matrix(labels, rows, accuracy, seed)
    classes = tuple(
        ClassScores(
            label=label,
            gold=int(confusion.gold_totals[label]),
            predicted=int(confusion.predicted_totals[label]),
            precision=_share(confusion.right(label), confusion.predicted_totals[label]),
            recall=_share(confusion.right(label), confusion.gold_totals[label]),
            f1=None if (f1 := confusion.f1(label)) is None else _around(f1),
        )
        for label in labels
    )
    return Scores(
        answered=rows,
        unanswered={"timed out": 3, "refused": 1},
        accuracy=wilson(sum(confusion.right(label) for label in labels), rows),
        macro_f1=_around(confusion.macro_f1 or 0),
        kappa=_around(confusion.kappa or 0),
        classes=classes,
        confusion=confusion,
    )


def _around(value: float) -> Interval:
    return Interval(value, max(0.0, value - 0.04), min(1.0, value + 0.03), 400, "bootstrap BCa")


def cost() -> Cost:
    return Cost(
        calls=388,
        replayed=812,
        input_tokens=1_204_332,
        output_tokens=48_211,
        latency_p50_s=0.84,
        latency_p95_s=2.613,
    )


def variant(name: str, labels: Sequence[str], accuracy: float, seed: int) -> VariantResult:
    return VariantResult(
        name=name,
        model="claude-haiku-4-5",
        fingerprint=f"{seed:02x}" * 32,
        parts={
            "taxonomy": "aa" * 32,
            "prompt": f"{seed:02d}" * 32,
            "model": "claude-haiku-4-5",
            "parameters": "max_tokens=200",
            "schema": "bb" * 32,
        },
        taxonomy=f"taxonomies/{name}.toml",
        scores=scores(labels, accuracy=accuracy, seed=seed),
        cost=cost(),
        noise=Noise(
            repeats=3,
            rows=400,
            changed=wilson(13, 400),
            confidence_spread=0.0213,
            unstable=("kb-0021", "kb-0144"),
        ),
    )


STEPS = {
    GateVerdict.PASS: [
        (0.99, 41, 41),
        (0.97, 50, 49),
        (0.95, 42, 40),
        (0.9, 38, 35),
        (0.85, 22, 19),
        (0.8, 11, 8),
        (0.75, 8, 4),
    ],
    GateVerdict.FAIL: [(0.99, 60, 36), (0.97, 50, 30), (0.95, 62, 33), (0.9, 40, 19)],
    GateVerdict.INCONCLUSIVE: [(0.99, 14, 14), (0.95, 16, 15), (0.9, 14, 12)],
}


def curve(verdict: GateVerdict = GateVerdict.PASS, target: float = 0.9) -> ThresholdCurve:
    steps = STEPS[verdict]
    writes = list(accumulate(n for _, n, _ in steps))
    right = list(accumulate(r for _, _, r in steps))
    certified = 0.8 if verdict is GateVerdict.PASS else None
    return ThresholdCurve(
        target=target,
        delta=0.1,
        fewest=44,
        points=tuple(
            ThresholdPoint(
                threshold=step[0],
                writes=n,
                right=r,
                precision=r / n,
                lower=lower_bound(r, n, 0.1),
                tested=n >= 44,
                certified=n >= 44 and certified is not None and step[0] >= certified,
            )
            for step, n, r in zip(steps, writes, right, strict=True)
        ),
        certified=certified,
        method=EXACT,
    )


def transitions(labels: Sequence[str], seed: int = 3) -> tuple[Transition, ...]:
    draw = random.Random(seed)
    found = [
        Transition(before=before, after=after, count=draw.randint(1, 90) * (5 if to_first else 1))
        for before in (None, *labels[:24])
        for after in labels[:24]
        for to_first in [after == labels[0]]
        if before != after and (to_first or draw.random() < 0.3)
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.before or "", one.after)))


def flows(labels: Sequence[str], moves: Sequence[Transition]) -> tuple[Flow, ...]:
    made: list[Flow] = []
    for place, label in enumerate(labels):
        enters = sum(move.count for move in moves if move.after == label)
        forced = sum(move.count for move in moves if move.after == label and move.before is None)
        leaves = sum(move.count for move in moves if move.before == label)
        made.append(
            Flow(
                label=label,
                rows=4000 // (1 + place),
                inflow=enters,
                outflow=leaves,
                ratio=(enters - forced) / leaves if leaves else None,
                from_retired=forced,
                alarm=bool(enters) and enters >= 2 * leaves and enters > 20,
            )
        )
    return tuple(made)


def count(estimate: float, reach: float) -> Interval:
    low, high = max(0.0, estimate - reach), estimate + reach
    return Interval(estimate, low, high, 212, "Dirichlet(1/2) posterior")


def impact(writes: int, *, good: bool = True) -> Impact:
    better, worse = (0.88, 0.05) if good else (0.42, 0.39)
    return Impact(
        writes=writes,
        labelled=212,
        better=count(better * writes, 0.05 * writes),
        worse=count(worse * writes, 0.03 * writes),
        neutral=count((1 - better - worse) * writes, 0.03 * writes),
        net=count((better - worse) * writes, 0.06 * writes),
        p_net_positive=0.9991 if good else 0.61,
    )


def flip(place: int, labels: Sequence[str], kind: FlipKind, text: str | None = None) -> Flip:
    gold, other = labels[place % len(labels)], labels[(place + 1) % len(labels)]
    third = labels[(place + 2) % len(labels)]
    was, now = {
        FlipKind.FIXED: (other, gold),
        FlipKind.BROKEN: (gold, other),
        FlipKind.STILL_WRONG: (other, third),
    }[kind]
    return Flip(
        id=f"kb-{place:04d}",
        title=f"Rotating the signing keys, part {place}",
        text=text
        or (
            "First drain the queue, then rotate the keys on every host.\n\nThe order matters: a "
            "host that still holds the old key rejects what the others sign. It was found the "
            "hard way."
        ),
        gold=gold,
        current=None if place % 7 == 0 else third,
        baseline=was,
        baseline_confidence=0.91,
        candidate=now,
        candidate_confidence=0.873,
        kind=kind,
        writes=("both", "candidate", "baseline", "neither")[place % 4],
    )


def comparison(labels: Sequence[str], flips: int = 24) -> Comparison:
    kinds = [FlipKind.BROKEN, *[FlipKind.FIXED] * 3, FlipKind.STILL_WRONG]
    return Comparison(
        baseline="loose",
        candidate="tight",
        labels=PairedTest(
            n=400,
            both_right=352,
            only_candidate=26,
            only_baseline=7,
            both_wrong=15,
            p_value=0.00093,
            p_regression=0.0004,
        ),
        writes=PairedTest(
            n=400,
            both_right=371,
            only_candidate=17,
            only_baseline=5,
            both_wrong=7,
            p_value=0.0106,
            p_regression=0.0049,
        ),
        macro_f1_difference=Interval(0.043, 0.011, 0.078, 400, "paired bootstrap"),
        flips=tuple(flip(place, labels, kinds[place % 5]) for place in range(flips)),
        labels_needed=230,
        sentence=(
            "tight is right on 26 rows where loose is wrong, and wrong on 7 where loose is right: "
            "it is better, and chance does not explain it (p < 0.001)."
        ),
    )


def vetoes(labels: Sequence[str], vetoed: Sequence[str] = ()) -> tuple[Veto, ...]:
    made: list[Veto] = []
    for place, label in enumerate(labels):
        n = 15 if label in vetoed else 20 + place
        right = 6 if label in vetoed else n - 1 - place % 2
        made.append(
            Veto(
                label=label,
                right=right,
                n=n,
                floor=0.85,
                interval=wilson(right, n),
                p_value=0.00002 if label in vetoed else 1.0,
                vetoed=label in vetoed,
            )
        )
    return tuple(made)


def over_use(labels: Sequence[str], flagged: Sequence[str] = ()) -> tuple[OverUse, ...]:
    return tuple(
        OverUse(
            label=label,
            false_positives=19 if label in flagged else 3,
            false_negatives=2 if label in flagged else 4,
            p_value=0.0011 if label in flagged else 0.94,
            flagged=label in flagged,
        )
        for label in labels
    )


def checks(
    verdict: GateVerdict, vetoed: Sequence[str] = (), flagged: Sequence[str] = ()
) -> tuple[GateCheck, ...]:
    precision = {
        GateVerdict.PASS: "from confidence 0.80 on 192 of 204 labelled writes are right: at least "
        "91.3%, where 90% is asked for",
        GateVerdict.FAIL: "118 of 212 labelled writes are right: 90% cannot be, at any confidence",
        GateVerdict.INCONCLUSIVE: "41 of 44 labelled writes are right: too few to show 90%",
    }[verdict]
    floor = GateVerdict.FAIL if vetoed else GateVerdict.PASS
    return (
        GateCheck(
            name=CheckName.WRITE_PRECISION,
            verdict=verdict,
            detail=precision,
            estimate=0.9412,
            bound=0.9134,
            target=0.9,
            n=204,
            method=EXACT,
            alpha=0.1,
        ),
        *(
            GateCheck(
                name=CheckName.CLASS_FLOOR,
                verdict=GateVerdict.FAIL,
                detail=f"9 of 15 labelled writes into {label!r} are wrong: plausibly 36% to 80%",
                estimate=0.4,
                bound=0.643,
                target=0.85,
                n=15,
                method="exact binomial, Holm over the categories",
                alpha=0.05,
                category=label,
            )
            for label in vetoed
        ),
        GateCheck(
            name=CheckName.CLASS_FLOOR,
            verdict=floor,
            detail="10 categories with labelled writes",
            target=0.85,
            n=212,
            method="exact binomial, Holm over the categories",
            alpha=0.05,
        ),
        GateCheck(
            name=CheckName.NET_BENEFIT,
            verdict=GateVerdict.PASS,
            detail="of 3,123 writes about 2,748 make a row right and about 156 make it wrong",
            estimate=2592.0,
            bound=0.9991,
            target=0.95,
            n=212,
            method="Dirichlet(1/2) posterior; the bound is P(net > 0)",
            alpha=0.05,
        ),
        *(
            GateCheck(
                name=CheckName.FLOW,
                verdict=GateVerdict.FAIL,
                warns=True,
                detail=f"1,960 rows would enter {label!r} and 20 leave it: look at them",
                estimate=98.0,
                target=2.0,
                n=1980,
                method="inflow over outflow in the dry run, no labels needed",
                category=label,
            )
            for label in flagged
        ),
    )


def gate(verdict: GateVerdict, sentence: str, found: tuple[GateCheck, ...]) -> GateRecord:
    is_pass = verdict is GateVerdict.PASS
    return GateRecord(
        verdict=verdict,
        sentence=sentence,
        checks=found,
        policy=CertifiedPolicy(threshold=0.8, vetoed=()) if is_pass else None,
        labels_needed=184 if verdict is GateVerdict.INCONCLUSIVE else None,
        suite="articles",
        variant="tight",
        fingerprint="02" * 32,
        parts={"taxonomy": "aa" * 32, "prompt": "02" * 32, "model": "claude-haiku-4-5"},
        sample=SampleSeal(
            path="samples/articles.jsonl",
            digest="c0" * 32,
            rows=400,
            frame="writes",
            split="holdout",
        ),
        verdicts={f"{place:064x}": f"{place + 1:064x}" for place in range(3)},
        verdicts_digest="d1" * 32,
        look=2,
        created_at=WRITTEN_AT,
        expires_at=WRITTEN_AT + timedelta(days=30),
        kclassify="0.2.0",
    )


SENTENCES = {
    GateVerdict.PASS: (
        "This run may write: from confidence 0.80 on at least 90% of the writes are shown to be "
        "right. "
        "About 2,748 rows get better and about 156 get worse."
    ),
    GateVerdict.FAIL: (
        "This run must not write: 9 of the 15 labelled rows that would move to 'playbook' do not "
        "belong there (in the whole corpus between 36% and 80% of such moves)."
    ),
    GateVerdict.INCONCLUSIVE: (
        "The labels do not decide yet: about 184 more labelled writes would show whether 90% of "
        "the writes are right, should what was seen go on."
    ),
}


def evaluation(
    verdict: GateVerdict = GateVerdict.PASS,
    labels: Sequence[str] = TEN,
    vetoed: Sequence[str] = (),
) -> Evaluation:
    """Everything is there: two variants, a finished dry run, repeats, a sealed holdout."""
    moves = transitions(labels)
    flagged = (labels[0],)
    found = checks(verdict, vetoed, flagged)
    tight = variant("tight", labels, 0.93, 2)
    return Evaluation(
        suite="articles",
        created_at=WRITTEN_AT,
        sample=SampleFacts(
            path="samples/articles.jsonl",
            digest="c0" * 32,
            rows=824,
            scored=404,
            unlabelled=12,
            split="holdout",
            frames={"writes": 212, "uniform": 192},
            strata={label: (4000 // (1 + i), 40 - i % 30, 2.5) for i, label in enumerate(labels)},
            weighted=True,
            clusters=371,
            warnings=("2 pairs of near duplicates lie in dev and in holdout: kb-0002, kb-0391",),
        ),
        candidate="tight",
        variants=(variant("loose", labels, 0.88, 1), tight),
        baselines=(
            Baseline(
                name="leave it as it is",
                description="the labels that the rows carry now",
                scores=scores(labels, accuracy=0.71, seed=8),
            ),
            Baseline(
                name="embedded classifier",
                description="TF-IDF and a linear model, out of fold",
                scores=scores(labels, accuracy=0.8, seed=9),
            ),
        ),
        comparisons=(comparison(labels),),
        threshold=curve(verdict),
        vetoes=vetoes(labels[:12], vetoed),
        over_use=over_use(labels[:12], flagged),
        population=18_204,
        population_is_dry_run=True,
        transitions=moves,
        flows=flows(labels, moves),
        impact=impact(sum(move.count for move in moves), good=verdict is not GateVerdict.FAIL),
        shares=tuple(
            Share(
                label=label,
                current=0.31 / (1 + place),
                predicted=0.34 / (1 + place),
                actual=wilson(70 / (1 + place), 220),
            )
            for place, label in enumerate(labels)
        ),
        reliability=tuple(
            ReliabilityPoint(confidence=sure, n=n, right=right, interval=wilson(right, n))
            for sure, n, right in [(0.6, 9, 4), (0.75, 17, 11), (0.9, 121, 106), (0.97, 253, 246)]
        ),
        calibration=Calibration(
            n=88, brier_before=0.2991, brier_after=0.1734, slope=0.62, intercept=-0.41
        ),
        gold=GoldQuality(
            single=120,
            agreed=240,
            adjudicated=31,
            unstated=13,
            annotators={1: 120, 2: 240, 3: 31},
            review=(
                GoldReview(
                    id="kb-0301",
                    title="On call: who is woken when",
                    text="The second line is called when the first did not answer in ten minutes.",
                    gold=labels[0],
                    others=labels[1],
                ),
            ),
        ),
        looks=Looks(number=2, budget=3, sealed=True),
        gate=gate(verdict, SENTENCES[verdict], found),
    )


def passed() -> Evaluation:
    return evaluation()


def failed() -> Evaluation:
    return evaluation(GateVerdict.FAIL, vetoed=("playbook",))


def inconclusive() -> Evaluation:
    return evaluation(GateVerdict.INCONCLUSIVE)


def of_two() -> Evaluation:
    return evaluation(labels=("spam", "ham"))


def of_77() -> Evaluation:
    """As many categories as banking77 has, with names as long as its own."""
    words = ("card_payment_wrong_exchange_rate", "top_up_reverted", "pin", "cash_withdrawal_charge")
    return evaluation(labels=tuple(f"{words[i % 4]}_{i:02d}" for i in range(77)))


def bare() -> Evaluation:
    """The least that an evaluation can hold: one variant, a uniform sample, no dry run."""
    full = evaluation(GateVerdict.INCONCLUSIVE, ("spam", "ham"))
    only = full.variants[1]
    classes = tuple(
        replace(each, predicted=0, precision=None, f1=None) for each in only.scores.classes
    )
    nothing = replace(
        only,
        scores=replace(only.scores, macro_f1=None, kappa=None, classes=classes, unanswered={}),
        cost=replace(only.cost, latency_p50_s=None, latency_p95_s=None),
        noise=None,
    )
    return replace(
        full,
        sample=replace(
            full.sample, strata={}, frames={"uniform": 404}, clusters=None, warnings=(), split="all"
        ),
        variants=(nothing,),
        baselines=(),
        comparisons=(),
        threshold=replace(full.threshold, points=(), certified=None),
        vetoes=(),
        over_use=(),
        population=404,
        population_is_dry_run=False,
        transitions=(),
        flows=(),
        impact=None,
        shares=(),
        reliability=(),
        calibration=None,
        gold=replace(full.gold, annotators={}, review=()),
        looks=Looks(number=1, budget=None, sealed=False),
        gate=full.gate.model_copy(
            update={
                "labels_needed": None,
                "checks": (
                    GateCheck(
                        name=CheckName.WRITE_PRECISION,
                        verdict=GateVerdict.INCONCLUSIVE,
                        detail="no labelled row would be written",
                    ),
                ),
            }
        ),
    )


def hostile() -> Evaluation:
    """Every text that comes from outside is an attack, and one body is a megabyte long."""
    labels = (f"play{HOSTILE}", "pat|tern`", "@team/owners", "$x_1^2$", "", "a" * 5000)
    full = evaluation(GateVerdict.FAIL, labels, vetoed=(labels[0],))
    kinds = (FlipKind.BROKEN, FlipKind.FIXED, FlipKind.STILL_WRONG)
    attacks = tuple(
        replace(
            flip(place, labels, kinds[place % 3], text),
            id=f"{HOSTILE}{place}",
            title=HOSTILE,
            current=HOSTILE,
        )
        for place, text in enumerate([HOSTILE, HOSTILE * 4000, "`" * 40 + HOSTILE, "\ud800 lone"])
    )
    review = GoldReview(id=HOSTILE, title=HOSTILE, text=HOSTILE * 4000, gold=labels[0], others="x")
    named = tuple(
        replace(each, name=f"{each.name}{HOSTILE}", model=HOSTILE, taxonomy=HOSTILE)
        for each in full.variants
    )
    return replace(
        full,
        suite=HOSTILE,
        candidate=named[1].name,
        sample=replace(full.sample, path=HOSTILE, warnings=(HOSTILE,)),
        variants=named,
        baselines=tuple(
            replace(each, name=HOSTILE, description=HOSTILE) for each in full.baselines
        ),
        comparisons=tuple(
            replace(each, flips=attacks, sentence=HOSTILE, baseline=HOSTILE)
            for each in full.comparisons
        ),
        gold=replace(full.gold, review=(review,)),
        gate=full.gate.model_copy(update={"sentence": HOSTILE}),
    )


EVERY = {
    "passed": passed,
    "failed": failed,
    "inconclusive": inconclusive,
    "two categories": of_two,
    "77 categories": of_77,
    "bare": bare,
    "hostile": hostile,
}
