from __future__ import annotations

import pytest

from kclassify.classifier import LocalClassifier
from kclassify.core.evaluation import Baseline
from kclassify.core.item import Item
from kclassify.evals import baselines
from kclassify.evals.baselines import LeftOut, as_it_is, embedded
from kclassify.evals.labelled import LabelledItem
from tests.small import TAXONOMY

LABELS = ["left", "right"]


def row(number: int, gold: str, **values: str) -> LabelledItem:
    body = f"the {gold} one of them goes {gold} {number}"
    return LabelledItem(id=f"r{number}", body=body, gold=gold, **values)  # type: ignore[arg-type]


def rows(count: int) -> list[LabelledItem]:
    return [row(number, LABELS[number % 2]) for number in range(count)]


def test_the_labels_as_they_are_are_answers_and_none_is_no_answer() -> None:
    given = [row(0, "left", current="left"), row(1, "left", current="old"), row(2, "right")]
    found = as_it_is(given, LABELS, 0)
    assert isinstance(found, Baseline)
    assert found.scores.answered == 2
    assert found.scores.accuracy.estimate == 0.5
    assert found.scores.unanswered == {"abstained": 1}
    assert found.scores.confusion.labels == ("left", "right", "old")


def test_without_current_labels_there_is_nothing_to_leave() -> None:
    found = as_it_is(rows(4), LABELS, 0)
    assert found == LeftOut("leave it as it is: no row of the sample has a current label")


async def test_the_embedded_classifier_never_judges_a_row_that_it_learned_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[LocalClassifier[str], Item]] = []
    judge = LocalClassifier[str].judge

    async def watched(self: LocalClassifier[str], item: Item) -> object:
        asked.append((self, item))
        return await judge(self, item)

    monkeypatch.setattr(LocalClassifier, "judge", watched)
    found = await embedded(rows(20), TAXONOMY, 0)
    assert isinstance(found, Baseline)
    assert found.scores.answered == 20
    assert sorted(item.key for _, item in asked) == sorted(each.id for each in rows(20))
    assert not any(fitted.was_fitted_on(item) for fitted, item in asked)
    assert len({id(fitted) for fitted, _ in asked}) == 5


async def test_the_rows_of_one_cluster_are_never_on_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [row(n, LABELS[n % 2], cluster_id=f"c{n // 4}") for n in range(24)]
    sides: list[tuple[set[str | None], set[str | None]]] = []
    fit = baselines._fit

    def watched(taxonomy: object, learned: list[LabelledItem]) -> object:
        ids = {each.id for each in learned}
        sides.append(
            (
                {each.cluster_id for each in learned},
                {each.cluster_id for each in given if each.id not in ids},
            )
        )
        return fit(TAXONOMY, learned)

    monkeypatch.setattr(baselines, "_fit", watched)
    assert isinstance(await embedded(given, TAXONOMY, 0), Baseline)
    assert len(sides) == 5
    assert all(not learned & held_out for learned, held_out in sides)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([row(n, "left") for n in range(9)], "every row is labelled 'left'"),
        (
            [*[row(n, "left") for n in range(9)], *[row(n, "right") for n in range(10, 13)]],
            "it needs 4 rows of each category, and 'right' has 3",
        ),
        (
            [
                *[row(n, "left") for n in range(9)],
                *[row(n, "right", cluster_id="one") for n in range(10, 19)],
            ],
            "all rows of 'right' are in one cluster",
        ),
    ],
)
async def test_it_is_left_out_where_it_could_not_learn(
    given: list[LabelledItem], reason: str
) -> None:
    assert await embedded(given, TAXONOMY, 0) == LeftOut(f"embedded classifier: {reason}")


async def test_the_same_seed_finds_the_same() -> None:
    assert await embedded(rows(20), TAXONOMY, 3) == await embedded(rows(20), TAXONOMY, 3)
