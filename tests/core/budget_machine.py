"""Hypothesis lets two workers share a budget: any interleaving, any death, any lost answer."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kclassify.core.budget import Budget
from kclassify.core.decision import Decision, Done, Halt, Snooze
from kclassify.core.item import Item
from kclassify.core.policy import RetryPolicy, RunPolicy, SnoozePolicy
from kclassify.core.run import Run
from kclassify.core.spending import Charge
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call
from tests.core.corpus import Nature, corpus, nature_of, outcome_of, unavailable
from tests.core.money import Bill, MoneyLedger, StepRow, worst_case

POLICY = RunPolicy(
    max_concurrency=4,
    smallest_window=8,
    snooze=SnoozePolicy(observations=12, min_observations=3),
    retry=RetryPolicy(max_attempts=2),
)
FAILURES = st.sampled_from(
    [OutcomeKind.TIMED_OUT, OutcomeKind.UNAVAILABLE, OutcomeKind.THROTTLED]
).map(unavailable)


@dataclass
class Worker:
    """One worker of a run, with a part of the items; what is stored outlives its deaths."""

    ledger: MoneyLedger
    bill: Bill
    items: list[Item]
    paid: dict[str, Outcome[str]] = field(default_factory=dict[str, Outcome[str]])
    cursor: int = 0
    is_done: bool = False
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new step."""
        self.row: StepRow = self.ledger.open()
        self.budget = Budget(self.ledger.budget, worst_case)
        self.run = Run(POLICY, budget=self.budget)
        self.flying: list[tuple[Call, int]] = []
        page = self.items[self.cursor :]
        self.run.admit(page, {i.digest: self.paid[i.digest] for i in page if i.digest in self.paid})
        self.run.end_of_source()

    def end(self) -> None:
        self.ledger.close(self.row)
        self.begin()

    def die(self) -> None:
        """Nobody hears of what was in flight: the provider may bill all of it."""
        for _, number in self.flying:
            self.bill.end(number, self.bill.open[number])
        self.ledger.die(self.row)
        self.begin()

    def ask(self) -> None:
        wanted = self.budget.wanted(self.run.coming(self.now))
        if wanted:
            self.budget.hold(self.ledger.reserve(self.row, wanted), self.ledger.spending)

    def start(self) -> None:
        for call in self.run.start(self.now):
            worst = worst_case(call.item)
            self.flying.append((call, self.bill.begin(worst)))
            assert self.bill.most <= self.ledger.budget, "a call starts that does not fit"

    def land(self, index: int, share: float, failure: Outcome[str] | None = None) -> None:
        """The call costs this share of its worst case; one without an answer may."""
        call, number = self.flying.pop(index)
        worst = self.bill.open[number]
        outcome = failure or outcome_of(Nature.GOOD if call.number is None else self.nature(call))
        if failure is None:
            cost = round(worst * share)
            charge = Charge(calls=1, cost=cost)
        else:
            cost, charge = round(worst * share), Charge(calls=1, uncertain=worst)
        self.bill.end(number, cost)
        self.record(charge)
        if call.number is not None and outcome.kind.is_paid:
            self.paid[call.item.digest] = outcome
        self.run.settle(call, outcome, self.now)

    def cut(self, index: int) -> None:
        call, number = self.flying.pop(index)
        worst = self.bill.open[number]
        self.bill.end(number, worst)
        self.record(Charge(calls=1, uncertain=worst))
        self.run.cut(call)

    def record(self, charge: Charge) -> None:
        self.ledger.record(self.row, charge)
        self.budget.charge(charge)

    def nature(self, call: Call) -> Nature:
        return nature_of(call.item)

    def drain(self) -> None:
        self.cursor += len(self.run.drain(100))

    def decide(self) -> Decision | None:
        self.drain()
        decision = self.run.decide(self.now, 0.5)
        if isinstance(decision, Snooze):
            self.now += decision.seconds
            self.run.resume()
        elif isinstance(decision, Done):
            self.is_done = True
            assert self.cursor == len(self.items), "done before the last item"
            self.end()
        elif decision is not None:
            self.end()
        return decision

    def turn(self) -> Decision | None:
        """What a runner does, all calls landing at once."""
        self.ask()
        self.start()
        while self.flying:
            self.land(0, 0.5)
        self.now += 31.0
        return self.decide()


class BudgetMachine(RuleBasedStateMachine):
    workers: list[Worker]

    @initialize(
        sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)),
        natures=st.lists(st.sampled_from([Nature.GOOD, Nature.GOOD, Nature.REJECTED]), min_size=24),
        budget=st.integers(1, 160),
        deaths=st.integers(0, 3),
    )
    def begin(
        self, sizes: tuple[int, int], natures: list[Nature], budget: int, deaths: int
    ) -> None:
        items = corpus([(nature, n) for n, nature in enumerate(natures)])
        self.ledger, self.bill, self.deaths = MoneyLedger(budget), Bill(), deaths
        self.workers = [
            Worker(self.ledger, self.bill, items[: sizes[0]]),
            Worker(self.ledger, self.bill, items[12 : 12 + sizes[1]]),
        ]

    WHO = st.integers(0, 1)
    PICK = st.integers(0, 3)
    SHARE = st.sampled_from([0.0, 0.1, 0.5, 1.0])

    @rule(who=WHO)
    def ask(self, who: int) -> None:
        self.workers[who].ask()

    @rule(who=WHO)
    def start(self, who: int) -> None:
        self.workers[who].start()

    @rule(who=WHO, pick=PICK, share=SHARE)
    def land(self, who: int, pick: int, share: float) -> None:
        worker = self.workers[who]
        if worker.flying:
            worker.land(pick % len(worker.flying), share)

    @rule(who=WHO, pick=PICK, share=SHARE, failure=FAILURES)
    def land_unseen(self, who: int, pick: int, share: float, failure: Outcome[str]) -> None:
        worker = self.workers[who]
        if worker.flying:
            worker.land(pick % len(worker.flying), share, failure)

    @rule(who=WHO, pick=PICK)
    def cut(self, who: int, pick: int) -> None:
        worker = self.workers[who]
        if worker.flying:
            worker.cut(pick % len(worker.flying))

    @precondition(lambda self: self.deaths)
    @rule(who=WHO)
    def die(self, who: int) -> None:
        self.deaths -= 1
        self.workers[who].die()

    @rule(who=WHO)
    def decide(self, who: int) -> None:
        self.workers[who].decide()

    @rule(who=WHO, turns=st.integers(1, 4))
    def work(self, who: int, turns: int) -> None:
        for _ in range(turns):
            if not self.workers[who].flying:
                self.workers[who].turn()

    @invariant()
    def the_budget_holds(self) -> None:
        if hasattr(self, "workers"):
            spent = self.ledger.spending.most
            assert spent <= self.ledger.budget, "the ledger is over the budget"
            assert self.bill.most <= spent, "the provider may bill more than the ledger says"
            for worker in self.workers:
                open_ = sum(self.bill.open[number] for _, number in worker.flying)
                assert worker.budget.in_flight == open_, (
                    "what is over holds money, or what flies none"
                )

    def teardown(self) -> None:
        """Each worker comes to an end that says why; with more money, to the end of its items."""
        if not hasattr(self, "workers") or sys.exc_info()[0] is not None:
            return
        for worker in self.workers:
            while worker.flying:
                worker.land(0, 0.5)
        for worker in self.workers:
            ended = self._end_of(worker)
            told = isinstance(ended, Halt) and ended.reason.startswith("budget: ")
            assert told or isinstance(ended, Done), f"an end without a reason: {ended}"
        self.the_budget_holds()
        self.ledger.budget += 10_000
        for worker in self.workers:
            worker.end()
            assert isinstance(self._end_of(worker), Done), "no end with money enough"

    def _end_of(self, worker: Worker) -> Decision:
        for _ in range(200):
            ended = worker.turn()
            if isinstance(ended, Done | Halt):
                return ended
            # The other one is not at work any more: what it holds it lets go.
            if ended is None:
                for other in self.workers:
                    if other is not worker:
                        other.end()
        raise AssertionError("no end after 200 turns")
