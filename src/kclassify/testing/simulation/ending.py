"""What must be true of a simulated run's outcomes, given what the provider really said."""

from __future__ import annotations

from kclassify.core.finding import Invariant
from kclassify.core.item import encode_key
from kclassify.core.states import PassStatus
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.store.settlement import Final
from kclassify.testing.simulation.ledger import SimulatedLedger
from kclassify.testing.simulation.provider import IN_AN_OUTAGE
from kclassify.testing.simulation.referee import Referee
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.table import SimulatedTable


def look_at_the_end(
    scenario: Scenario, ledger: SimulatedLedger, table: SimulatedTable, referee: Referee
) -> None:
    """Tell the referee of lost rows, of outcomes that nobody gave, and of double payments."""
    for run in ledger.runs.values():
        for each in run.passes:
            if each.status is PassStatus.DONE:
                _look_for_lost(table, each.outcomes, referee)
            for final in each.outcomes.values():
                _look_at(scenario, final, referee)
    tally = referee.tally
    if tally.paid_twice > tally.may_be_paid_twice:
        message = "more calls were paid twice than were in flight when a process ended"
        evidence = f"{tally.paid_twice} paid twice, {tally.may_be_paid_twice} were in flight"
        referee.find(Invariant.NOTHING_PAID_TWICE, message, evidence)


def _look_for_lost(table: SimulatedTable, outcomes: dict[str, Final], referee: Referee) -> None:
    lost = [key for key in table.labels if encode_key(key) not in outcomes]
    if lost:
        message = "a pass is done and has no outcome for a row"
        referee.find(Invariant.OUTAGE_PAUSES, message, f"rows {lost}")


def _look_at(scenario: Scenario, final: Final, referee: Referee) -> None:
    settled = final.settled
    outcome = settled.outcome
    said = referee.said.get(settled.item_digest, [])
    if outcome.kind is OutcomeKind.EMPTY:
        return
    if not any(_agree(outcome, each) for each in said):
        message = "an outcome is recorded that the provider never gave"
        referee.find(Invariant.NO_LABEL_INVENTED, message, f"{settled.item_key}: {outcome.kind}")
    if outcome.kind.is_availability:
        _look_at_failures(scenario, final, said, referee)


def _look_at_failures(
    scenario: Scenario, final: Final, said: list[Outcome[str]], referee: Referee
) -> None:
    failures = sum(each.kind.is_availability for each in said)
    most = scenario.settings.max_attempts
    # Two may be the first calls of an outage, with an answer between them that was under way.
    in_outages = all(each.detail == IN_AN_OUTAGE for each in said if each.kind.is_availability)
    if (in_outages and most > 2) or failures < most:  # noqa: PLR2004
        message = "an outage was held against an item"
        evidence = f"row {final.settled.item_key} failed {failures} times"
        referee.find(Invariant.OUTAGE_PAUSES, message, evidence)


def _agree(outcome: Outcome[str], said: Outcome[str]) -> bool:
    if outcome.kind is OutcomeKind.INVALID:
        return said.kind is OutcomeKind.JUDGED
    if outcome.kind is OutcomeKind.JUDGED:
        return outcome.verdict == said.verdict
    return outcome.kind is said.kind or (outcome.kind.is_availability and said.kind.is_availability)
