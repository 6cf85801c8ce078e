"""For tests: a stub Messages API with faults on demand.

    from kclassify.testing import Fixed, Overloaded, StubMessagesAPI

    with StubMessagesAPI(Fixed("playbook", 0.9)) as stub:
        stub.set_fault(Overloaded())  # an outage, now

It needs aiohttp: `pip install kclassify[testing]`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.testing.confusion import ByInstructions, ConfusionModel
    from kclassify.testing.contracts.ledger import (
        LedgerContract,
    )
    from kclassify.testing.faults import (
        BadConfidence,
        BadRequest,
        BrokenBody,
        BrokenJson,
        Fault,
        Forbidden,
        Hang,
        Overloaded,
        OverloadedAsApiError,
        Refusal,
        Reset,
        ServerError,
        SpendLimit,
        Throttled,
        TooLarge,
        Trickle,
        Truncation,
        Unauthorized,
        UnknownModel,
        WrongLabel,
    )
    from kclassify.testing.item_text import (
        ItemText,
        body_digest,
        extract_item,
    )
    from kclassify.testing.latency import (
        NO_LATENCY,
        FixedLatency,
        Latency,
        LognormalLatency,
    )
    from kclassify.testing.memory_ledger import (
        MemoryLedger,
    )
    from kclassify.testing.memory_table import MemoryTable
    from kclassify.testing.memory_writer import (
        MemoryWriter,
    )
    from kclassify.testing.plan import (
        FaultPlan,
        PlannedFault,
        read_plan,
    )
    from kclassify.testing.records import (
        RequestRecord,
        StubState,
    )
    from kclassify.testing.replies import (
        Answer,
        ByDigest,
        Fixed,
        NoAnswerError,
        Random,
        Replies,
        Rule,
    )
    from kclassify.testing.scripted import ScriptedClassifier
    from kclassify.testing.stub import (
        StubMessagesAPI,
    )
    from kclassify.testing.virtual_clock import VirtualClock

_HOMES = {
    "ByInstructions": "confusion",
    "ConfusionModel": "confusion",
    "BadConfidence": "faults",
    "BadRequest": "faults",
    "BrokenBody": "faults",
    "BrokenJson": "faults",
    "Fault": "faults",
    "Forbidden": "faults",
    "Hang": "faults",
    "Overloaded": "faults",
    "OverloadedAsApiError": "faults",
    "Refusal": "faults",
    "Reset": "faults",
    "ServerError": "faults",
    "SpendLimit": "faults",
    "Throttled": "faults",
    "TooLarge": "faults",
    "Trickle": "faults",
    "Truncation": "faults",
    "Unauthorized": "faults",
    "UnknownModel": "faults",
    "WrongLabel": "faults",
    "ItemText": "item_text",
    "body_digest": "item_text",
    "extract_item": "item_text",
    "NO_LATENCY": "latency",
    "FixedLatency": "latency",
    "Latency": "latency",
    "LognormalLatency": "latency",
    "LedgerContract": "contracts.ledger",
    "MemoryLedger": "memory_ledger",
    "MemoryTable": "memory_table",
    "MemoryWriter": "memory_writer",
    "ScriptedClassifier": "scripted",
    "VirtualClock": "virtual_clock",
    "FaultPlan": "plan",
    "PlannedFault": "plan",
    "read_plan": "plan",
    "RequestRecord": "records",
    "StubState": "records",
    "Answer": "replies",
    "ByDigest": "replies",
    "Fixed": "replies",
    "NoAnswerError": "replies",
    "Random": "replies",
    "Replies": "replies",
    "Rule": "replies",
    "StubMessagesAPI": "stub",
}

__all__ = [
    "NO_LATENCY",
    "Answer",
    "BadConfidence",
    "BadRequest",
    "BrokenBody",
    "BrokenJson",
    "ByDigest",
    "ByInstructions",
    "ConfusionModel",
    "Fault",
    "FaultPlan",
    "Fixed",
    "FixedLatency",
    "Forbidden",
    "Hang",
    "ItemText",
    "Latency",
    "LedgerContract",
    "LognormalLatency",
    "MemoryLedger",
    "MemoryTable",
    "MemoryWriter",
    "NoAnswerError",
    "Overloaded",
    "OverloadedAsApiError",
    "PlannedFault",
    "Random",
    "Refusal",
    "Replies",
    "RequestRecord",
    "Reset",
    "Rule",
    "ScriptedClassifier",
    "ServerError",
    "SpendLimit",
    "StubMessagesAPI",
    "StubState",
    "Throttled",
    "TooLarge",
    "Trickle",
    "Truncation",
    "Unauthorized",
    "UnknownModel",
    "VirtualClock",
    "WrongLabel",
    "body_digest",
    "extract_item",
    "read_plan",
]


if not TYPE_CHECKING:  # a type checker would take any name to be there

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
