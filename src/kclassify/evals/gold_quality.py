"""How far the gold labels may be believed, and which of them to look at again first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kclassify.core.evaluation import GoldQuality, GoldReview
from kclassify.core.excerpt import excerpt
from kclassify.evals.labelled import Answered, GoldStatus

_EXCERPT = 300


def gold_quality(answers: Sequence[Answered]) -> GoldQuality:
    """How the labelled rows came by their labels.

    Worth a second look are the rows whose current label and the model agree against the gold label,
    the most confident first: there the gold label is most often the one at fault.
    """
    labelled = [each for each in answers if each.row.gold is not None]
    statuses = Counter(each.row.gold_status for each in labelled)
    doubtful = [each for each in labelled if each.label == each.row.current and not each.is_right]
    doubtful = [each for each in doubtful if each.label is not None]
    doubtful.sort(key=lambda each: (-each.confidence, each.row.id))
    return GoldQuality(
        single=statuses[GoldStatus.SINGLE],
        agreed=statuses[GoldStatus.AGREED],
        adjudicated=statuses[GoldStatus.ADJUDICATED],
        unstated=statuses[None],
        annotators=dict(sorted(Counter(len(set(each.row.gold_by)) for each in labelled).items())),
        review=tuple(_review(each) for each in doubtful),
    )


def _review(each: Answered) -> GoldReview:
    return GoldReview(
        id=each.row.id,
        title=each.row.title,
        text=excerpt(each.row.body, _EXCERPT),
        gold=each.row.gold or "",
        others=each.label or "",
    )
