"""How many rows are drawn from each stratum."""

from __future__ import annotations

from collections.abc import Mapping

from kclassify.errors import UsageError


def spread(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """The same number from each stratum; what the small ones do not have goes to the others.

    Raises `UsageError` when there is not one row for each: some would then stand for nothing.
    """
    if total < len(sizes):
        raise UsageError(
            f"a stratified sample has a row of each of the {len(sizes)} labels: ask for --size "
            f"{len(sizes)} or more"
        )
    given: dict[str, int] = {}
    smallest_first = sorted(sizes, key=lambda name: (sizes[name], name))
    for place, name in enumerate(smallest_first):
        share = (total - sum(given.values())) // (len(sizes) - place)
        given[name] = min(sizes[name], share)
    return given
