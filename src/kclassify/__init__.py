"""Relabel a production corpus with an LLM, with proof before the run and nothing lost during it.

    from enum import StrEnum
    from kclassify import Classifier, Taxonomy

    class Topic(StrEnum):
        BILLING = "billing"
        OUTAGE = "outage"

    topics = Taxonomy.of(Topic, definitions={
        Topic.BILLING: "invoices, prices and payments",
        Topic.OUTAGE: "something that worked no longer does",
    })

    async with Classifier(topics) as classifier:             # ANTHROPIC_API_KEY is set
        verdict = await classifier.classify("I was charged twice")
        verdict.label, verdict.confidence                    # Topic.BILLING, 0.97

For a whole table there is `ReclassifyRunner`: `await runner.dry_run()`, `await runner.commit(...)`.
Names are imported when they are first used, so that `import kclassify` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.canary_file import CanaryFile as CanaryFile
    from kclassify.classifier import Cascade as Cascade
    from kclassify.classifier import Classifier as Classifier
    from kclassify.classifier import LocalClassifier as LocalClassifier
    from kclassify.config import RunnerSettings as RunnerSettings
    from kclassify.core.decision import Advance as Advance
    from kclassify.core.decision import Decision as Decision
    from kclassify.core.decision import Done as Done
    from kclassify.core.decision import Halt as Halt
    from kclassify.core.decision import Pause as Pause
    from kclassify.core.decision import Snooze as Snooze
    from kclassify.core.decision import Superseded as Superseded
    from kclassify.core.finding import Finding as Finding
    from kclassify.core.finding import Invariant as Invariant
    from kclassify.core.finding import Verification as Verification
    from kclassify.core.item import Item as Item
    from kclassify.core.price import Price as Price
    from kclassify.core.taxonomy import Category as Category
    from kclassify.core.taxonomy import Taxonomy as Taxonomy
    from kclassify.core.verdict import Outcome as Outcome
    from kclassify.core.verdict import OutcomeKind as OutcomeKind
    from kclassify.core.verdict import Usage as Usage
    from kclassify.core.verdict import Verdict as Verdict
    from kclassify.core.write import Write as Write
    from kclassify.core.write import WriteResult as WriteResult
    from kclassify.database import Database as Database
    from kclassify.errors import ClassifierHalted as ClassifierHalted
    from kclassify.errors import DatabaseError as DatabaseError
    from kclassify.errors import GateRefused as GateRefused
    from kclassify.errors import KclassifyError as KclassifyError
    from kclassify.errors import NoVerdict as NoVerdict
    from kclassify.errors import UsageError as UsageError
    from kclassify.gate_file import GateFile as GateFile
    from kclassify.ports import Mode as Mode
    from kclassify.ports import SpotCheck as SpotCheck
    from kclassify.ports import Tranches as Tranches
    from kclassify.prompt import Prompt as Prompt
    from kclassify.runner import ReclassifyRunner as ReclassifyRunner
    from kclassify.runner import stop_on_signals as stop_on_signals
    from kclassify.sources import CsvSource as CsvSource
    from kclassify.sources import JsonlSource as JsonlSource
    from kclassify.sources import SqlSource as SqlSource
    from kclassify.store import LedgerReader as LedgerReader
    from kclassify.store import SqlLedger as SqlLedger
    from kclassify.store import rollback as rollback
    from kclassify.store import verify as verify
    from kclassify.writers import CallbackWriter as CallbackWriter
    from kclassify.writers import ColumnWriter as ColumnWriter
    from kclassify.writers import ExtraColumns as ExtraColumns
    from kclassify.writers import JsonlWriter as JsonlWriter

_ROOMS = {
    "canary_file": "CanaryFile",
    "classifier": "Cascade Classifier LocalClassifier",
    "config": "RunnerSettings",
    "core.decision": "Advance Decision Done Halt Pause Snooze Superseded",
    "core.finding": "Finding Invariant Verification",
    "core.item": "Item",
    "core.price": "Price",
    "core.taxonomy": "Category Taxonomy",
    "core.verdict": "Outcome OutcomeKind Usage Verdict",
    "core.write": "Write WriteResult",
    "database": "Database",
    "errors": "ClassifierHalted DatabaseError GateRefused KclassifyError NoVerdict UsageError",
    "gate_file": "GateFile",
    "ports": "Mode SpotCheck Tranches",
    "prompt": "Prompt",
    "runner": "ReclassifyRunner stop_on_signals",
    "sources": "CsvSource JsonlSource SqlSource",
    "store": "LedgerReader SqlLedger rollback verify",
    "writers": "CallbackWriter ColumnWriter ExtraColumns JsonlWriter",
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names.split()}
__version__ = "0.1.0"
__all__ = [*_HOMES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'kclassify' has no attribute {name!r}")
        return getattr(import_module(f"kclassify.{_HOMES[name]}"), name)

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
