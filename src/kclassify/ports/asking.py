"""What the runner asks and waits for: classifiers, gates, checks and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from kclassify.core.canary import SpotCheck
from kclassify.core.decision import Halt
from kclassify.core.gate import Evidence
from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome

L_co = TypeVar("L_co", bound=str, covariant=True)


class Signal(Protocol):
    """Something that happens once; `anyio.Event` is one."""

    async def wait(self) -> None:
        """Return once it has happened."""
        ...

    def is_set(self) -> bool:
        """Whether it has happened."""
        ...


class Clock(Protocol):
    """Time, so that tests can own it. Seconds, all of it."""

    def now(self) -> float:
        """Unix time, which never goes back within a process."""
        ...

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        ...


class Classifier(Protocol[L_co]):
    """Says what one item is. `kclassify.Classifier` is one; so is `LocalClassifier`."""

    @property
    def taxonomy(self) -> Taxonomy[L_co]:
        """The labels it may give."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of taxonomy, prompt, model, parameters and output schema."""
        ...

    async def judge(self, item: Item) -> Outcome[L_co] | Halt:
        """What happened to the item, or why no item can be judged; raises no provider error."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A classifier that also says what its fingerprint is made of, so that a refusal can name it.

    Two with equal parts have equal fingerprints, and the other way round.
    """

    @property
    def fingerprint_parts(self) -> Mapping[str, str]:
        """Digests or names: `taxonomy`, `model`, `prompt`, `parameters`, `schema`, `training`."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A classifier whose calls cost money, and that can say how much at most.

    Its outcomes carry their `cost` and what is `uncertain` of it.
    """

    def worst_case(self, item: Item) -> int | None:
        """The most nanodollars that judging this item can cost, all questions of it included.

        None where no price is known.
        """
        ...

    @property
    def warms_cache(self) -> float | None:
        """For how many seconds a prefix stays cached after a call; None where nothing is cached."""
        ...

    @property
    def advice(self) -> tuple[str, ...]:
        """What its user should know of its cost before a run: a prefix too short to be cached."""
        ...


class Canary(Protocol):
    """Where people's checks of written rows come from: `kclassify.canary_file.CanaryFile`."""

    def checks(self) -> Iterable[SpotCheck]:
        """All of them so far; those of rows that were not written do not count."""
        ...


class Gate(Protocol):
    """Where the record of an evaluation is kept. `kclassify.gate_file.GateFile` is one."""

    def read(self) -> Evidence:
        """What is there now; a file that cannot be read is a `problem`, no error."""
        ...
