from __future__ import annotations

import pytest
from sqlalchemy import make_url

from kclassify.core.decision import Done
from kclassify.database import Database
from kclassify.errors import DatabaseError
from kclassify.ports import Mode, Pass, PassRequest
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.contracts.ledger_material import FINGERPRINT, LEASE_S, NOW, change, save

from .articles import ArticleWriter, create_articles, dump

PASSWORD = "hunter2-is-no-password"


def test_the_password_of_the_database_is_in_no_table(postgres_url: str) -> None:
    url = make_url(postgres_url).set(password=PASSWORD).render_as_string(hide_password=False)
    database = Database(url)
    create_articles(database, 1)
    ledger = SqlLedger(database)
    source = f"articles in {database.description}"
    request = PassRequest("r", Mode.COMMIT, FINGERPRINT, "m", source)
    opened = ledger.open(request, "one", NOW, LEASE_S)
    assert isinstance(opened, Pass)
    recorded = save(ledger, opened, [change(1)], ArticleWriter(database))
    ledger.close_step(recorded.opened, Done(), NOW)
    assert PASSWORD not in str(dump(database))
    assert PASSWORD not in repr(LedgerReader(database).status("r"))
    assert PASSWORD not in ledger.description
    assert "***" in ledger.description
    database.close()


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    ledger = SqlLedger(Database(f"postgresql://someone:{PASSWORD}@127.0.0.1:1/nowhere"))
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/nowhere") as caught:
        ledger.recall(["d"], FINGERPRINT)
    assert PASSWORD not in str(caught.value)
