"""What a worker of the long run would import as it starts, and so would all after it."""

from __future__ import annotations

from kclassify import Classifier
from tests.crash.worker import TAXONOMY

READY = Classifier(TAXONOMY, api_key="stub")
"""Nothing is asked: that it is made has imported the provider's library."""
