"""What every ledger must do."""

from __future__ import annotations

from kclassify.testing.contracts.ledger_batch_results import LedgerBatchResults
from kclassify.testing.contracts.ledger_batches import LedgerBatches
from kclassify.testing.contracts.ledger_breaker import LedgerBreaker
from kclassify.testing.contracts.ledger_cuts import LedgerCuts
from kclassify.testing.contracts.ledger_holds import LedgerHolds, LedgerOthers
from kclassify.testing.contracts.ledger_intents import LedgerIntents
from kclassify.testing.contracts.ledger_leases import LedgerLeases
from kclassify.testing.contracts.ledger_other_batches import (
    LedgerForgottenBatches,
    LedgerOtherBatches,
)
from kclassify.testing.contracts.ledger_passes import LedgerPasses
from kclassify.testing.contracts.ledger_shards import LedgerShards
from kclassify.testing.contracts.ledger_spending import LedgerCacheAge, LedgerCharges
from kclassify.testing.contracts.ledger_verdicts import LedgerVerdicts
from kclassify.testing.contracts.ledger_writes import LedgerWrites


class LedgerContract(
    LedgerLeases,
    LedgerPasses,
    LedgerShards,
    LedgerCuts,
    LedgerBreaker,
    LedgerVerdicts,
    LedgerCharges,
    LedgerCacheAge,
    LedgerHolds,
    LedgerOthers,
    LedgerWrites,
    LedgerIntents,
    LedgerBatches,
    LedgerBatchResults,
    LedgerOtherBatches,
    LedgerForgottenBatches,
):
    """A suite for a `kclassify.ports.Ledger`.

    A subclass overrides one fixture, `make_ledger`:

        class TestMyLedger(LedgerContract):
            @pytest.fixture
            def make_ledger(self, tmp_path):
                return lambda: MyLedger(tmp_path / "ledger")

    Each call of it gives a ledger over the same storage, which is empty when the test begins.
    """
