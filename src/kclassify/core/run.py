"""The state machine of a run: the one file that owns its transitions.

Items are *admitted* in order, *settled* in any order and *drained* in order; then the run
*decides*. The cursor moves only in `drain`.

    fresh ───start───> in flight ──settle──> settled ──drain──> behind the cursor
      ^                  │  │  │
      └─cut, or outage───┘  │  └─availability─> waiting ──start──> in flight
                            └────rejected─────> doubtful, until another call tells whose fault it is

A *probe* is a call for a harmless text of our own. It is the canary after a snooze, so that a
poisonous item is never taken for an outage, and the second opinion on rejections that come first,
last or several in a row. While the provider recovers, items without a record are tried one at a
time, and a probe tells whose fault a failure is. An item that failed is tried again only once
another call was answered. How many calls start, and when, is the pace's to say; whether there is
money for one, the budget's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from kclassify.core.admission import Admission
from kclassify.core.availability import Availability, Breaker, Suspect
from kclassify.core.budget import HELD_BY_OTHERS, Budget
from kclassify.core.decision import Advance, Decision, Done, Halt, Pause
from kclassify.core.item import Item, Key
from kclassify.core.pace import Pace
from kclassify.core.policy import RunPolicy
from kclassify.core.rejections import Rejections
from kclassify.core.unsettled import Unsettled
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.warming import Warming
from kclassify.core.window import PROBE, Call, Entry, Landed, Phase, Window


class Run:
    """One pass of a run, as a state machine. `now` is Unix time in seconds throughout."""

    def __init__(
        self,
        policy: RunPolicy,
        *,
        cursor: Key | None = None,
        breaker: Breaker | None = None,
        suspects: Sequence[Suspect] = (),
        max_items: int | None = None,
        first_limit: int | None = None,
        budget: Budget | None = None,
        warming: Warming | None = None,
    ) -> None:
        self.policy = policy
        self.cursor = cursor
        self.budget = budget or Budget()
        self._provider = Availability(policy.snooze, policy.retry, breaker or Breaker())
        is_recovering = self._provider.is_recovering
        self.pace = Pace(policy, is_recovering=is_recovering, first=first_limit, warming=warming)
        self._window = Window()
        self._items = Unsettled()
        self._admission = Admission(policy, self._window, self._items, suspects, max_items)
        self._doubtful = Rejections(max(policy.doubts, policy.max_concurrency))
        self._probing = self._is_short = False
        self._halt: Halt | None = None
        self._pause: Pause | None = None

    @property
    def room(self) -> int:
        """How many more items may be admitted now."""
        return 0 if self._is_closed else self._admission.room

    @property
    def wants_items(self) -> bool:
        """Whether it is time to fetch a page."""
        return not self._is_closed and self._admission.wants_items

    def admit(self, items: Sequence[Item], recalled: Mapping[str, Outcome[str]]) -> None:
        """Take the next items of the source, in order, with what the ledger recalls of them."""
        self._admission.admit(items, recalled)

    def end_of_source(self) -> None:
        """There are no more items."""
        self._admission.end()

    @property
    def in_flight(self) -> int:
        """Calls that run now, the probe included."""
        return len(self._items.flying) + self._probing

    @property
    def _is_closed(self) -> bool:
        return bool(self._halt or self._provider.outage or self._pause)

    def start(self, now: float) -> list[Call]:
        """The calls to start now. Each ends in `settle` or `cut`."""
        calls: list[Call] = []
        self._is_short = False
        while not self._is_closed and not self._probing and self.pace.may_start(now):
            call = self._next(now)
            self._is_short = bool(call and not self.budget.fits(call.item))
            if call is None or self._is_short:
                break
            self._launch(call, now)
            calls.append(call)
        return calls

    def _launch(self, call: Call, now: float) -> None:
        if call.number is None:
            self._probing = True
        else:
            self._items.fly(call.number)
        self.pace.start(call.number, now)
        self.budget.start(call)

    @property
    def _needs_probe(self) -> bool:
        is_idle = not (self.in_flight or self._items.fresh or self.room > 0)
        return self._provider.needs_canary or self._doubtful.need_probe(is_idle=is_idle)

    @property
    def _may_probe(self) -> bool:
        """A canary flies alone, and only where something is left to ask."""
        work = self._items.fresh or self._items.waiting or self._doubtful
        return not self._provider.needs_canary or bool(work and not self._items.flying)

    def _next(self, now: float) -> Call | None:
        """The call that comes next, as soon as it may start."""
        if self._needs_probe:
            return Call(None, PROBE) if self._may_probe else None
        entry = self._items.due(now)
        if entry is None and self._may_try_fresh:
            entry = self._items.fresh[0]
        return None if entry is None else Call(entry.number, entry.item)

    def coming(self, now: float) -> Iterator[Item]:
        """The items of the calls that come next, as many as may be in flight at once."""
        call = None if self._is_closed or self._probing else self._next(now)
        if call is not None:
            yield call.item
            yield from islice(self._items.fresh_but(call.number), self.pace.limit - 1)

    @property
    def _may_try_fresh(self) -> bool:
        is_free = not self._provider.is_recovering
        flying = self._items.flying.values()
        return bool(self._items.fresh) and (is_free or all(e.held for e in flying))

    def cut(self, call: Call) -> None:
        """The call was cancelled by us: it counts for nothing, and its item is fresh again."""
        self.pace.drop(call.number)
        self._items.put_back(self._landing(call))

    def settle(self, call: Call, outcome: Outcome[str] | Halt, now: float) -> None:
        """The call ended."""
        entry = self._landing(call)
        self._provider.keep_time(now)
        if isinstance(outcome, Outcome):
            self.pace.land(call.number, outcome, now)
        if isinstance(outcome, Halt):
            self.pace.drop(call.number)
            self._halt = self._halt or outcome
            self._items.put_back(entry)
        elif outcome.kind.is_availability:
            self._fail(entry, outcome, now)
        elif outcome.kind is OutcomeKind.REJECTED:
            self._doubt(entry, outcome)
        else:
            self._answer(entry, outcome)

    def _landing(self, call: Call) -> Entry | None:
        self.budget.land(call)
        self._probing &= call.number is not None
        return None if call.number is None else self._items.flying.pop(call.number)

    def _fail(self, entry: Entry | None, outcome: Outcome[str], now: float) -> None:
        if entry is None:
            self._provider.canary_failed(outcome)
        else:
            self._provider.failed(entry.number, outcome, has_record=entry.held > 0)
            entry.fail(outcome, now)
            wait = self.policy.retry.wait_after(entry.failures, outcome)
            self._items.wait(entry, now + wait)
        if self._provider.outage:
            self._items.forgive()

    def _doubt(self, entry: Entry | None, outcome: Outcome[str]) -> None:
        self._see_alive(entry)
        if entry is None:
            reason = f"every request is rejected, a harmless one too: {outcome.detail}"
            self._halt = self._halt or Halt(reason)
        else:
            entry.phase, entry.outcome = Phase.DOUBTFUL, outcome
            self._doubtful.add(entry)

    def _answer(self, entry: Entry | None, outcome: Outcome[str]) -> None:
        self._see_alive(entry)
        for doubtful in self._doubtful.proven_by(entry):
            doubtful.settle(doubtful.outcome or outcome)
        if entry is not None:
            entry.settle(outcome)
            self._provider.is_recovering &= not outcome.kind.is_paid

    def _see_alive(self, entry: Entry | None) -> None:
        self._provider.answered(None if entry is None else entry.number)
        for suspect in self._items.see_answer():
            if self._provider.is_clear_for(suspect.number):
                self._hold(suspect)

    def _hold(self, entry: Entry) -> None:
        """Another call succeeded since this item's last failure, so that one was its own."""
        entry.undecided = False
        entry.held += 1
        is_spent = self.policy.retry.is_spent(entry.held, entry.spread_s)
        if is_spent and entry.phase is Phase.WAITING and entry.outcome is not None:
            del self._items.waiting[entry.number]
            entry.settle(entry.outcome)

    @property
    def is_ready(self) -> bool:
        """Whether `drain` would give anything."""
        return self._window.has_settled_prefix

    def drain(self, limit: int) -> list[Landed]:
        """At most `limit` settled items, in order; the cursor moves to the last of them."""
        landed = self._window.take(limit)
        if landed:
            self.cursor = landed[-1].key
        return landed

    @property
    def breaker(self) -> Breaker:
        """The outage, as it must outlive this step."""
        return self._provider.breaker

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """The items whose availability failures must outlive this step."""
        return (*self._admission.suspects, *self._items.suspects)

    def stop(self, pause: Pause) -> None:
        """Stop admitting and starting; what flies may land."""
        self._pause = self._pause or pause

    @property
    def wake_at(self) -> float | None:
        """When `start` will have more without a call landing first; None: it will not."""
        if self._is_closed or self._probing or self._is_short or self.pace.is_full:
            return None
        if self._needs_probe:
            return self.pace.opens_at if self._may_probe else None
        due_at = 0.0 if self._may_try_fresh else self._items.due_at
        return None if due_at is None else max(due_at, self.pace.opens_at)

    def decide(self, now: float, jitter: float) -> Decision | None:
        """What the run does next; None while there are calls, items or settled items to attend to.

        `jitter` in [0, 1) lengthens a snooze.
        """
        if self.in_flight or self.is_ready:
            return None
        if self._halt:
            return self._halt
        if self._provider.outage:
            return self._provider.snooze(self._provider.outage, 0.0, now, jitter)
        return Advance(self.cursor, self._pause) if self._pause else self._go_on(now, jitter)

    def _go_on(self, now: float, jitter: float) -> Decision | None:
        call = self._next(now)
        if call and self.budget.is_short_of(call.item):
            return self.budget.halt(call.item, self._window.drained)
        if call and self.budget.waits_for(call.item):
            return HELD_BY_OTHERS
        if self.room > 0 or self._items.fresh or self._doubtful:
            return None
        if self._items.waiting:
            return self._decide_waiting(now, jitter)
        return Done() if self._admission.is_exhausted else Advance(self.cursor, Pause.MAX_ITEMS)

    def _decide_waiting(self, now: float, jitter: float) -> Decision | None:
        soon, due_at = now + self.policy.retry.max_seconds, self._items.due_at
        if self._provider.needs_canary or (due_at is not None and due_at <= soon):
            return None
        wait = min(entry.retry_at for entry in self._items.waiting.values()) - now
        return self._provider.snooze("only items without an answer are left", wait, now, jitter)

    def learn(self, breaker: Breaker, now: float) -> None:
        """Another worker of this run changed the breaker they share.

        With time left of its snooze, this run breaks off as in an outage of its own.
        """
        self._provider.learn(breaker, now)
        if self._provider.outage:
            self._items.forgive()

    def resume(self) -> None:
        """Go on after a snooze, with a canary first."""
        self._provider.resume()
        self.pace.resume()
        self._items.hasten()
