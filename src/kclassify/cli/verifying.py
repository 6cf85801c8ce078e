"""Checks a run against the ten invariants: `kclassify audit --verify`."""

from __future__ import annotations

from dataclasses import replace

from kclassify.classifier.unconnected import fingerprint_from_settings
from kclassify.cli.ledger_access import ledger_reader
from kclassify.cli.read_progress import telling
from kclassify.cli.wording import plural
from kclassify.config import Settings
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.core.finding import Verification
from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import UsageError
from kclassify.store import verify
from kclassify.wiring import open_stores

_OTHER = "the labels: the latest pass was made with another classifier than the settings give now"


def check(settings: Settings, *, quiet: bool) -> Verification:
    """What the settings' run left behind. Raises `UsageError` and `DatabaseError`."""
    with ledger_reader(settings) as reader:
        passes = reader.status(settings.run.name).passes
    taxonomy = _taxonomy(settings, passes[-1].fingerprint) if passes else None
    with open_stores(settings) as stores:
        found = verify(
            stores.ledger.database,
            settings.run.name,
            source=stores.source,
            taxonomy=taxonomy,
            max_attempts=settings.runner.max_attempts,
            tell=telling(_looked_at, quiet=quiet),
        )
    return found if taxonomy is not None or not passes else _explained(found)


def _taxonomy(settings: Settings, fingerprint: str) -> Taxonomy[str] | None:
    """That of the latest pass, None when the settings have changed since."""
    try:
        taxonomy = read_taxonomy(settings.taxonomy.file)
        now = fingerprint_from_settings(taxonomy, settings.classifier, settings.cascade)
    except UsageError:
        return None
    return taxonomy if now == fingerprint else None


def _explained(found: Verification) -> Verification:
    rest = [line for line in found.unchecked if not line.startswith("the labels:")]
    return replace(found, unchecked=(*rest, _OTHER))


def _looked_at(rows: int) -> str:
    return f"{plural(rows, 'row')} of table and ledger looked at"
