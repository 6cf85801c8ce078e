"""What `start` did to the passes that were there before."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.adapters.job import Job
from kclassify.cli.wording import plural, shown
from kclassify.core.decision import Decision
from kclassify.core.passes import Mode
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.store import LedgerReader
from kclassify.store.reading import PassReport


@dataclass(frozen=True, slots=True)
class Begun:
    """The jobs that were enqueued, or the decision why none was.

    `abandoned` is the pass that was unfinished until then, of another classifier or source. `kept`
    is one that goes on in another number of shards than was asked for.
    """

    outcome: list[Job] | Decision
    abandoned: PassReport | None = None
    kept: PassReport | None = None

    def remarks(self) -> list[str]:
        """A line for each of the two, for people."""
        told: list[str] = []
        if self.abandoned is not None:
            rows = plural(self.abandoned.settled, "row")
            told.append(
                f"pass {self.abandoned.number}, with {rows} settled, is abandoned: it was of "
                "another classifier or source"
            )
        if self.kept is not None:
            told.append(_kept(self.kept))
        return told


def unfinished_pass(reader: LedgerReader, run: str, mode: Mode) -> PassReport | None:
    """The pass that a start of this mode would go on with; None where there is no such run."""
    try:
        passes = reader.status(run).passes
    except UsageError:
        return None
    ours = [each for each in passes if each.mode is mode and each.status in RESUMABLE]
    return ours[-1] if ours else None


def compared(
    reader: LedgerReader, run: str, before: PassReport | None, shards: int | None
) -> tuple[PassReport | None, PassReport | None]:
    """The unfinished pass of before where it is abandoned now, and where it keeps its shards."""
    if before is None:
        return None, None
    now = next(each for each in reader.status(run).passes if each.number == before.number)
    if now.status is PassStatus.ABANDONED:
        return now, None
    is_other = shards is not None and shards != shard_count(now)
    return None, now if is_other and now.status in RESUMABLE else None


def shard_count(report: PassReport) -> int:
    """One for a pass in one piece."""
    return max(1, len(report.shards))


def _kept(report: PassReport) -> str:
    count = shard_count(report)
    option = " --commit" if report.mode is Mode.COMMIT else ""
    if count == 1:
        return (
            f"pass {report.number} is unfinished and stays in one piece: "
            f"`kclassify divide{option} --into N` cuts it"
        )
    return (
        f"pass {report.number} is unfinished and keeps its {shown(count)} shards: "
        f"`kclassify divide{option} --shard K --into N` cuts one of them"
    )
