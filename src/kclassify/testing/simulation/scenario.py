"""What a seed decides beforehand: rows, settings, and the faults with their times."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kclassify.core.item import Item
from kclassify.core.passes import Mode
from kclassify.testing.simulation.chance import chance
from kclassify.testing.simulation.nature import Nature
from kclassify.testing.simulation.outage import Outage, Trouble
from kclassify.testing.simulation.settings import SimulatedSettings

_WEIGHTS = dict.fromkeys(Nature, 1) | {Nature.FINE: 40, Nature.ABSTAINED: 4}
_LABELS = ("old", "old", "left", None)
_TWINS = 0.05
_RETRY_AFTER_S = (*[None] * 8, *[1.0] * 4, *[30.0] * 4, 600.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A simulation before it starts. Times are seconds of simulated time.

    After `calm_from` there are no faults any more, and each goal must be reached. `latency_s` is a
    median. `kill`, `stop` and `step` are shares of processes that are killed, asked to stop, or
    work in steps with a budget; `database_faults` is a share of its calls. `skew_s` is how far a
    process's clock may be off. `meddling` is the share of pages of which rows are relabelled or
    deleted soon after the run has read them. `requests_a_minute` makes the provider throttle, and
    tell so in the headers of its rate limit and by `retry-after`.
    """

    items: tuple[Item, ...]
    natures: dict[str, Nature]
    settings: SimulatedSettings
    goals: tuple[Mode, ...] = (Mode.DRY_RUN, Mode.COMMIT)
    outages: tuple[Outage, ...] = ()
    calm_from: float = 0.0
    latency_s: float = 1.0
    timeout_s: float = 10.0
    workers: int = 1
    shares_database: bool = True
    kill: float = 0.0
    stop: float = 0.0
    step: float = 0.0
    database_faults: float = 0.0
    meddling: float = 0.0
    skew_s: float = 0.0
    requests_a_minute: float | None = None
    sends_headers: bool = True
    sends_retry_after: bool = True

    @classmethod
    def drawn(cls, seed: int) -> Scenario:
        """The scenario of this seed."""
        rng = chance("scenario", seed)
        calm_from = rng.choice([60.0, 200.0, 600.0, 2000.0])
        items, natures = _rows(rng, rng.randint(10, 40))
        settings = _settings(rng)
        latency_s = rng.choice([0.2, 1.0, 1.0, 3.0])
        work_s = latency_s * len(items) / settings.max_concurrency
        return cls(
            items=items,
            natures=natures,
            settings=settings,
            goals=_goals(rng),
            outages=_outages(rng, work_s, calm_from),
            calm_from=calm_from,
            latency_s=latency_s,
            workers=rng.choice([1, 1, 1, 2]),
            shares_database=rng.choice([True, True, False]),
            kill=rng.choice([0.0, 0.5, 0.8]),
            stop=rng.choice([0.0, 0.0, 0.2]),
            step=rng.choice([0.0, 0.5, 1.0]),
            database_faults=rng.choice([0.0, 0.0, 0.01, 0.03]),
            meddling=rng.choice([0.0, 0.0, 0.3, 1.0]),
            skew_s=rng.choice([0.0, 0.0, 30.0, 600.0]),
            requests_a_minute=rng.choice([None, None, None, 20.0, 50.0]),
            sends_headers=rng.choice([True, False]),
            sends_retry_after=rng.choice([True, True, False]),
        )


def _rows(rng: Random, count: int) -> tuple[tuple[Item, ...], dict[str, Nature]]:
    """Rows, some with the text of an earlier one, and what is the matter with each text."""
    items: list[Item] = []
    natures: dict[str, Nature] = {}
    for key in range(count):
        nature = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        text = "" if nature is Nature.EMPTY else f"text {key}"
        is_twin = bool(items) and rng.random() < _TWINS
        body = rng.choice(items).body if is_twin else text
        item = Item(key, body, current=rng.choice(_LABELS))
        natures.setdefault(item.digest, nature)
        items.append(item)
    return tuple(items), natures


def _goals(rng: Random) -> tuple[Mode, ...]:
    dry, commit = Mode.DRY_RUN, Mode.COMMIT
    return rng.choice([(dry, commit), (commit,), (dry, commit, commit), (dry,)])


def _settings(rng: Random) -> SimulatedSettings:
    observations = rng.choice([6, 12, 30])
    return SimulatedSettings(
        max_concurrency=rng.randint(1, 5),
        snooze_seconds=rng.choice([1, 5, 60]),
        max_outage_s=rng.choice([86_400, 86_400, 300]),
        max_attempts=rng.choice([2, 3]),
        max_items=rng.choice([None, None, 5, 15]),
        lease_s=rng.choice([10, 30, 60]),
        grace_s=rng.choice([0, 2, 15]),
        checkpoint_s=rng.choice([0.2, 1, 5]),
        checkpoint_items=rng.choice([1, 5, 500]),
        window=rng.choice([5, 20, 60]),
        observations=observations,
        min_observations=rng.randint(3, 5),
    )


def _outages(rng: Random, work_s: float, calm_from: float) -> tuple[Outage, ...]:
    """The first while there is work, as well as can be told; the others at any time."""
    count = rng.choice([0, 1, 1, 2, 4])
    starts = [rng.uniform(0, min(work_s, calm_from))]
    starts += [rng.uniform(0, calm_from) * rng.random() for _ in range(count - 1)]
    return tuple(_outage(rng, begins, calm_from) for begins in starts[:count])


def _outage(rng: Random, begins: float, calm_from: float) -> Outage:
    ends = min(calm_from, begins + rng.choice([2.0, 10.0, 60.0, 300.0, 1500.0]))
    trouble = rng.choice(list(Trouble))
    return Outage(
        begins=begins,
        ends=ends,
        trouble=trouble,
        share=1.0 if trouble.is_halt else rng.choice([0.2, 0.6, 1.0, 1.0]),
        retry_after_s=rng.choice(_RETRY_AFTER_S),
    )
