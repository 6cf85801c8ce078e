"""For tests: a stub Messages API with faults on demand.

    from kclassify.testing import Fixed, Overloaded, StubMessagesAPI

    with StubMessagesAPI(Fixed("playbook", 0.9)) as stub:
        stub.set_fault(Overloaded())  # an outage, now

The stub needs aiohttp, a simulation trio: `pip install 'kclassify[testing]'`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.testing import plans
    from kclassify.testing.batch_records import BatchRecord, BatchRequestRecord
    from kclassify.testing.batch_rules import BatchRules
    from kclassify.testing.bill import Bill, BillLine
    from kclassify.testing.confusion import ByInstructions, ConfusionModel
    from kclassify.testing.contracts.ledger import (
        LedgerContract,
    )
    from kclassify.testing.contracts.source import SourceContract
    from kclassify.testing.contracts.writer import WriterContract
    from kclassify.testing.faults import (
        BadConfidence,
        BadRequest,
        BrokenBody,
        BrokenJson,
        Fault,
        Forbidden,
        Hang,
        LostReply,
        Overloaded,
        OverloadedAsApiError,
        Refusal,
        Reset,
        ResetAtOnce,
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
    from kclassify.testing.jumping_clock import JumpingClock
    from kclassify.testing.latency import (
        NO_LATENCY,
        FixedLatency,
        Latency,
        LognormalLatency,
    )
    from kclassify.testing.memory_facts import verify_memory
    from kclassify.testing.memory_ledger import (
        MemoryLedger,
    )
    from kclassify.testing.memory_table import MemoryTable
    from kclassify.testing.memory_writer import (
        MemoryWriter,
    )
    from kclassify.testing.plan import (
        FaultPlan,
        read_plan,
    )
    from kclassify.testing.plan_entries import (
        ConnectionsRefused,
        PlannedFault,
        PlannedLatency,
    )
    from kclassify.testing.provider_calls import calls_seen
    from kclassify.testing.rate_limits import RateLimiter, RateLimits
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
    from kclassify.testing.token_bucket import TokenBucket
    from kclassify.testing.virtual_clock import VirtualClock

_HOMES = {
    "calls_seen": "provider_calls",
    "verify_memory": "memory_facts",
    "BatchRecord": "batch_records",
    "BatchRequestRecord": "batch_records",
    "BatchRules": "batch_rules",
    "Bill": "bill",
    "BillLine": "bill",
    "ByInstructions": "confusion",
    "ConfusionModel": "confusion",
    "BadConfidence": "faults",
    "BadRequest": "faults",
    "BrokenBody": "faults",
    "BrokenJson": "faults",
    "Fault": "faults",
    "Forbidden": "faults",
    "Hang": "faults",
    "LostReply": "faults",
    "Overloaded": "faults",
    "OverloadedAsApiError": "faults",
    "Refusal": "faults",
    "Reset": "faults",
    "ResetAtOnce": "faults",
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
    "JumpingClock": "jumping_clock",
    "NO_LATENCY": "latency",
    "FixedLatency": "latency",
    "Latency": "latency",
    "LognormalLatency": "latency",
    "LedgerContract": "contracts.ledger",
    "SourceContract": "contracts.source",
    "WriterContract": "contracts.writer",
    "MemoryLedger": "memory_ledger",
    "MemoryTable": "memory_table",
    "MemoryWriter": "memory_writer",
    "ScriptedClassifier": "scripted",
    "VirtualClock": "virtual_clock",
    "FaultPlan": "plan",
    "ConnectionsRefused": "plan_entries",
    "PlannedFault": "plan_entries",
    "PlannedLatency": "plan_entries",
    "RateLimiter": "rate_limits",
    "RateLimits": "rate_limits",
    "TokenBucket": "token_bucket",
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
    "BatchRecord",
    "BatchRequestRecord",
    "BatchRules",
    "Bill",
    "BillLine",
    "BrokenBody",
    "BrokenJson",
    "ByDigest",
    "ByInstructions",
    "ConfusionModel",
    "ConnectionsRefused",
    "Fault",
    "FaultPlan",
    "Fixed",
    "FixedLatency",
    "Forbidden",
    "Hang",
    "ItemText",
    "JumpingClock",
    "Latency",
    "LedgerContract",
    "LognormalLatency",
    "LostReply",
    "MemoryLedger",
    "MemoryTable",
    "MemoryWriter",
    "NoAnswerError",
    "Overloaded",
    "OverloadedAsApiError",
    "PlannedFault",
    "PlannedLatency",
    "Random",
    "RateLimiter",
    "RateLimits",
    "Refusal",
    "Replies",
    "RequestRecord",
    "Reset",
    "ResetAtOnce",
    "Rule",
    "ScriptedClassifier",
    "ServerError",
    "SourceContract",
    "SpendLimit",
    "StubMessagesAPI",
    "StubState",
    "Throttled",
    "TokenBucket",
    "TooLarge",
    "Trickle",
    "Truncation",
    "Unauthorized",
    "UnknownModel",
    "VirtualClock",
    "WriterContract",
    "WrongLabel",
    "body_digest",
    "calls_seen",
    "extract_item",
    "plans",
    "read_plan",
    "verify_memory",
]


if not TYPE_CHECKING:  # a type checker would take any name to be there

    def __getattr__(name: str) -> object:
        if name == "plans":
            return import_module(f"{__name__}.plans")
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
