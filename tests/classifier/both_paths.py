"""A classifier that asks by instructor alone, beside those that take the hot path."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kclassify.classifier import Classifier
from kclassify.classifier.hot_path import HotPath
from tests.classifier.canned import message_body
from tests.classifier.endpoints import Canned
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator

    from kclassify.classifier.provider import Provider
    from kclassify.core.decision import Halt
    from kclassify.core.item import Item
    from kclassify.core.verdict import Outcome
    from tests.classifier.endpoints import Endpoints

GOOD = '{"label": "playbook", "confidence": 0.9}'
ASKED = "POST /v1/messages"


class ByInstructor(Classifier[Topic]):
    """Takes the way of a second question from the first one on."""

    def _asked(self) -> Provider:
        return self._provider_here()


class ByTheSdk(Classifier[Topic]):
    """Asks about each item as a new classifier asks about its first."""

    def _asked(self) -> Provider:
        asked = super()._asked()
        assert isinstance(asked, HotPath)
        asked._sent = None
        return asked


@dataclass(frozen=True)
class Told:
    """An outcome, with the requests and their headers as the server got them."""

    outcome: Outcome[Topic] | Halt
    asked: list[tuple[str, bytes]]
    headers: list[dict[str, str]]


@dataclass(frozen=True)
class Paths:
    """`following` has asked before, so that it takes the shortest path."""

    by_instructor: Classifier[Topic]
    by_the_sdk: Classifier[Topic]
    following: Classifier[Topic]

    def __iter__(self) -> Iterator[Classifier[Topic]]:
        return iter((self.by_instructor, self.by_the_sdk, self.following))


@asynccontextmanager
async def both_paths(**settings: Any) -> AsyncGenerator[Paths]:
    """Classifiers on each path; their server gives a good answer to the first question."""
    given: dict[str, Any] = {"api_key": KEY, **settings}
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(kind(TAXONOMY, **given))
            for kind in (ByInstructor, ByTheSdk, Classifier[Topic])
        ]
        await made[-1].judge(ITEM)
        yield Paths(*made)


async def told_on_each(
    paths: Iterable[Classifier[Topic]], served: Endpoints, item: Item = ITEM
) -> list[Told]:
    """What each path made of the answers that are served, and what it had sent for them."""
    told: list[Told] = []
    for path in paths:
        served.asked.clear()
        served.headers.clear()
        outcome = await path.judge(item)
        told.append(Told(outcome, [*served.asked], [*served.headers]))
    return told


def message(text: str = GOOD, **fields: Any) -> Canned:
    """An answer of the Messages API; a field of None is null, one of `...` is not there."""
    body = {**message_body(text), **fields}
    return Canned.of({name: value for name, value in body.items() if value is not ...})
