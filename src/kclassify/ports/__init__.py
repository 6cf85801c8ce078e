"""What the runner needs from the outside: every Protocol, by what it is for.

Sources, writers and ledgers are synchronous: the runner calls them from one worker thread, one call
at a time, so none of them needs a lock or an async driver.
"""

from __future__ import annotations

from kclassify.core.availability import Breaker as Breaker
from kclassify.core.batch import Answer as Answer
from kclassify.core.batch import Batch as Batch
from kclassify.core.batch import BatchLimits as BatchLimits
from kclassify.core.batch import BatchPlan as BatchPlan
from kclassify.core.batch import BatchRequest as BatchRequest
from kclassify.core.batch import BatchResult as BatchResult
from kclassify.core.batch import BatchStatus as BatchStatus
from kclassify.core.batch import RemoteBatch as RemoteBatch
from kclassify.core.batch import ResultKind as ResultKind
from kclassify.core.batch import Standing as Standing
from kclassify.core.batch import Tried as Tried
from kclassify.core.canary import SpotCheck as SpotCheck
from kclassify.core.canary import Tranches as Tranches
from kclassify.core.canary import WrittenRow as WrittenRow
from kclassify.core.division import Division as Division
from kclassify.core.evaluated import Evaluated as Evaluated
from kclassify.core.passes import Checkpoint as Checkpoint
from kclassify.core.passes import Mode as Mode
from kclassify.core.passes import Pass as Pass
from kclassify.core.passes import PassRequest as PassRequest
from kclassify.core.passes import Recorded as Recorded
from kclassify.core.passes import Settled as Settled
from kclassify.core.passes import Shard as Shard
from kclassify.core.shared_concurrency import Share as Share
from kclassify.core.spending import Charge as Charge
from kclassify.core.spending import Hold as Hold
from kclassify.core.spending import Spending as Spending
from kclassify.core.survey import Survey as Survey
from kclassify.core.survey import UnknownLabel as UnknownLabel
from kclassify.core.write import Receipt as Receipt
from kclassify.core.write import Write as Write
from kclassify.core.write import WriteResult as WriteResult
from kclassify.ports.asking import Canary as Canary
from kclassify.ports.asking import Classifier as Classifier
from kclassify.ports.asking import Clock as Clock
from kclassify.ports.asking import Explained as Explained
from kclassify.ports.asking import Gate as Gate
from kclassify.ports.asking import Metered as Metered
from kclassify.ports.asking import Signal as Signal
from kclassify.ports.batches import AsksInBatches as AsksInBatches
from kclassify.ports.batches import Batches as Batches
from kclassify.ports.batches import BatchLedger as BatchLedger
from kclassify.ports.ledger import Ledger as Ledger
from kclassify.ports.ledger import OnCommit as OnCommit
from kclassify.ports.stores import Divisible as Divisible
from kclassify.ports.stores import Source as Source
from kclassify.ports.stores import Writer as Writer
