"""Hypothesis lets two or three workers share a budget: any interleaving, death or lost answer."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kclassify.core.budget import HELD_BY_OTHERS, Budget
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
        if wanted is not None:
            self.hold(wanted)

    def give_back(self) -> None:
        """The second half of an ask in vain: others may have asked since the first."""
        coming = next(self.run.coming(self.now), None)
        if coming is not None and self.budget.waits_for(coming):
            self.hold(0)

    def hold(self, wanted: int) -> None:
        flying = sum(self.bill.open[number] for _, number in self.flying)
        assert wanted >= flying, "what flies is given back"
        self.budget.lower(wanted)
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
        if decision == HELD_BY_OTHERS:
            return decision
        if isinstance(decision, Snooze):
            self.now += decision.seconds
            self.run.resume()
        elif isinstance(decision, Done):
            self.is_done = True
            assert self.cursor == len(self.items), "done before the last item"
            self.end()
        elif decision is not None:
            self.check(decision)
            self.end()
        return decision

    def check(self, decision: Decision) -> None:
        """A halt for want of money is one that nobody who lives could have spared it."""
        if isinstance(decision, Halt) and decision.reason.startswith("budget: "):
            first = next(self.run.coming(self.now))
            is_alone = not self.ledger.others_hold(self.row)
            is_dear = worst_case(first) > self.ledger.budget
            assert is_alone or is_dear, "a halt while others could still give back"

    def turn(self) -> Decision | None:
        """What a runner does, all calls landing at once."""
        self.ask()
        self.give_back()
        self.start()
        while self.flying:
            self.land(0, 0.5)
        self.now += 31.0
        return self.decide()


class BudgetMachine(RuleBasedStateMachine):
    workers: list[Worker]

    @initialize(
        sizes=st.lists(st.integers(1, 8), min_size=2, max_size=3),
        natures=st.lists(st.sampled_from([Nature.GOOD, Nature.GOOD, Nature.REJECTED]), min_size=24),
        budget=st.integers(1, 160),
        deaths=st.integers(0, 3),
    )
    def begin(self, sizes: list[int], natures: list[Nature], budget: int, deaths: int) -> None:
        items = corpus([(nature, n) for n, nature in enumerate(natures)])
        self.ledger, self.bill, self.deaths = MoneyLedger(budget), Bill(), deaths
        self.workers = [
            Worker(self.ledger, self.bill, items[8 * number : 8 * number + size])
            for number, size in enumerate(sizes)
        ]

    WHO = st.integers(0, 2)
    PICK = st.integers(0, 3)
    SHARE = st.sampled_from([0.0, 0.1, 0.5, 1.0])

    def worker(self, who: int) -> Worker:
        return self.workers[who % len(self.workers)]

    @rule(who=WHO)
    def ask(self, who: int) -> None:
        self.worker(who).ask()

    @rule(who=WHO)
    def give_back(self, who: int) -> None:
        self.worker(who).give_back()

    @rule(who=WHO)
    def start(self, who: int) -> None:
        self.worker(who).start()

    @rule(who=WHO, pick=PICK, share=SHARE)
    def land(self, who: int, pick: int, share: float) -> None:
        worker = self.worker(who)
        if worker.flying:
            worker.land(pick % len(worker.flying), share)

    @rule(who=WHO, pick=PICK, share=SHARE, failure=FAILURES)
    def land_unseen(self, who: int, pick: int, share: float, failure: Outcome[str]) -> None:
        worker = self.worker(who)
        if worker.flying:
            worker.land(pick % len(worker.flying), share, failure)

    @rule(who=WHO, pick=PICK)
    def cut(self, who: int, pick: int) -> None:
        worker = self.worker(who)
        if worker.flying:
            worker.cut(pick % len(worker.flying))

    @precondition(lambda self: self.deaths)
    @rule(who=WHO)
    def die(self, who: int) -> None:
        self.deaths -= 1
        self.worker(who).die()

    @rule(who=WHO)
    def decide(self, who: int) -> None:
        self.worker(who).decide()

    @rule(who=WHO, turns=st.integers(1, 4))
    def work(self, who: int, turns: int) -> None:
        for _ in range(turns):
            if not self.worker(who).flying:
                self.worker(who).turn()

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
        """All come to an end that says why; with more money, to the end of their items."""
        if not hasattr(self, "workers") or sys.exc_info()[0] is not None:
            return
        for worker in self.workers:
            while worker.flying:
                worker.land(0, 0.5)
        for ended in self._ends():
            told = isinstance(ended, Halt) and ended.reason.startswith("budget: ")
            assert told or isinstance(ended, Done), f"an end without a reason: {ended}"
        self.the_budget_holds()
        self.ledger.budget += 10_000
        for worker in self.workers:
            worker.end()
        assert all(isinstance(end, Done) for end in self._ends()), "no end with money enough"

    def _ends(self) -> list[Decision]:
        """How each ends that goes on by turns, and lets what it holds go only as it ends."""
        ends: list[Decision] = []
        working = list(self.workers)
        for _ in range(200):
            for worker in list(working):
                ended = worker.turn()
                if isinstance(ended, Done | Halt):
                    ends.append(ended)
                    working.remove(worker)
        assert not working, "no end after 200 turns"
        return ends
