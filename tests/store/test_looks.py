from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from kclassify.database import Database
from kclassify.store import LedgerReader, Look, SqlLedger


def look(ledger: SqlLedger, fingerprint: str, sample: str = "s", *, sealed: bool = False) -> int:
    return ledger.look(sample, fingerprint, 5.0, sealed=sealed, verdict="pass")


def test_every_classifier_is_another_look_at_the_sample(database: Database) -> None:
    ledger = SqlLedger(database)
    assert [look(ledger, each) for each in "abc"] == [1, 2, 3]
    assert look(ledger, "a", "another sample") == 1


def test_the_same_classifier_on_the_same_sample_is_the_same_look(database: Database) -> None:
    ledger = SqlLedger(database)
    look(ledger, "a")
    look(ledger, "b")
    assert look(ledger, "a") == 1


def test_a_look_again_renews_its_verdict_and_stays_sealed(database: Database) -> None:
    ledger = SqlLedger(database)
    ledger.look("s", "a", 5.0, sealed=True, verdict="inconclusive")
    ledger.look("s", "a", 9.0, sealed=False, verdict="pass")
    assert LedgerReader(database).looks("s") == [Look("s", "a", 1, 5.0, "pass", sealed=True)]


def test_the_looks_at_a_sample_are_listed_in_order(database: Database) -> None:
    ledger = SqlLedger(database)
    for fingerprint in "zay":
        look(ledger, fingerprint)
    look(ledger, "a", "another sample")
    found = LedgerReader(database).looks("s")
    assert [(each.fingerprint, each.number) for each in found] == [("z", 1), ("a", 2), ("y", 3)]


def test_a_database_without_a_ledger_was_never_looked_at(database: Database) -> None:
    assert LedgerReader(database).looks("s") == []


def test_looks_at_the_same_time_get_different_numbers(database_url: str) -> None:
    with closing(SqlLedger(database_url)) as ledger:
        ledger.prepare()

    def look_at_once(number: int) -> int:
        with closing(SqlLedger(database_url)) as ledger:
            return look(ledger, f"classifier {number % 6}")

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(look_at_once, range(12)))
    assert set(numbers) == {1, 2, 3, 4, 5, 6}
    assert numbers[:6] == numbers[6:]
