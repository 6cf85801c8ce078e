"""The tables of a ledger of version 1, as they were created then, and a run in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.database import Database

TABLES = """
CREATE TABLE kclassify_schema (id {id} PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE kclassify_run (
    id {id} PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
    created_at {double} NOT NULL, lease_number INTEGER NOT NULL, lease_holder TEXT,
    lease_expires_at {double} NOT NULL
);
CREATE TABLE kclassify_pass (
    id {id} PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES kclassify_run (id),
    number INTEGER NOT NULL, mode TEXT NOT NULL, status TEXT NOT NULL, fingerprint TEXT NOT NULL,
    model TEXT NOT NULL, source TEXT NOT NULL, version INTEGER NOT NULL,
    version_at_open INTEGER NOT NULL, cursor TEXT, settled BIGINT NOT NULL,
    snoozes INTEGER NOT NULL, snooze_until {double} NOT NULL, snooze_seconds INTEGER NOT NULL,
    outage_since {double}, override TEXT, started_at {double} NOT NULL,
    updated_at {double} NOT NULL, finished_at {double}, last_decision TEXT,
    UNIQUE (run_id, number)
);
CREATE TABLE kclassify_verdict (
    item_digest TEXT NOT NULL, fingerprint TEXT NOT NULL, kind TEXT NOT NULL, label TEXT,
    confidence {double}, model TEXT, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL, detail TEXT NOT NULL, body_chars_cut INTEGER NOT NULL,
    recorded_at {double} NOT NULL, PRIMARY KEY (item_digest, fingerprint)
) {bare};
CREATE TABLE kclassify_outcome (
    pass_id INTEGER NOT NULL REFERENCES kclassify_pass (id), item_key TEXT NOT NULL,
    item_digest TEXT NOT NULL, current TEXT, kind TEXT NOT NULL, label TEXT, confidence {double},
    action TEXT NOT NULL, detail TEXT NOT NULL, recalled BOOLEAN NOT NULL,
    body_chars_cut INTEGER NOT NULL, PRIMARY KEY (pass_id, item_key)
) {bare};
CREATE TABLE kclassify_change (
    id {big_id} PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES kclassify_run (id),
    pass_id INTEGER NOT NULL REFERENCES kclassify_pass (id), item_key TEXT NOT NULL,
    before TEXT, after TEXT NOT NULL, confidence {double} NOT NULL, status TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE, extra JSON NOT NULL, recorded_at {double} NOT NULL,
    reverted_at {double}
);
CREATE INDEX kclassify_change_by_pass ON kclassify_change (pass_id, id);
CREATE INDEX kclassify_change_intents ON kclassify_change (run_id) WHERE status = 'intent';
CREATE TABLE kclassify_suspect (
    pass_id INTEGER NOT NULL REFERENCES kclassify_pass (id), item_key TEXT NOT NULL,
    held INTEGER NOT NULL, undecided BOOLEAN NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (pass_id, item_key)
);
CREATE TABLE kclassify_tally (
    pass_id INTEGER NOT NULL REFERENCES kclassify_pass (id), kind TEXT NOT NULL,
    action TEXT NOT NULL, labelled BOOLEAN NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    count BIGINT NOT NULL, PRIMARY KEY (pass_id, kind, action, labelled, before, after)
);
INSERT INTO kclassify_schema VALUES (1, 1);
INSERT INTO kclassify_run (name, source, created_at, lease_number, lease_expires_at)
    VALUES ('r', 'articles', 5, 1, 0);
INSERT INTO kclassify_pass (
    run_id, number, mode, status, fingerprint, model, source, version, version_at_open, cursor,
    settled, snoozes, snooze_until, snooze_seconds, override, started_at, updated_at
) VALUES (
    1, 1, 'commit', 'open', '{fingerprint}', 'm', 'articles', 3, 1, 'i:1', 1, 0, 0, 0, 'agreed',
    5, 6
);
INSERT INTO kclassify_verdict VALUES (
    '{digest}', '{fingerprint}', 'judged', 'playbook', 0.9, 'm', 1, 2, 3, 4, '', 0, 6
);
INSERT INTO kclassify_change (
    run_id, pass_id, item_key, before, after, confidence, status, idempotency_key, extra,
    recorded_at
) VALUES (1, 1, 'i:1', 'convention', 'playbook', 0.9, 'written', 'r:1:i:1', '{{}}', 6)
"""
ON_SQLITE = {
    "id": "INTEGER NOT NULL",
    "big_id": "INTEGER NOT NULL",
    "double": "DOUBLE",
    "bare": "WITHOUT ROWID",
}
ON_POSTGRESQL = {
    "id": "SERIAL",
    "big_id": "BIGSERIAL",
    "double": "DOUBLE PRECISION",
    "bare": "",
}


def create_version_1(database: Database, fingerprint: str, digest: str) -> None:
    """Create the tables and an unfinished commit whose item 1 is written."""
    with database.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        words = ON_SQLITE if is_sqlite else ON_POSTGRESQL
        script = TABLES.format(fingerprint=fingerprint, digest=digest, **words)
        for statement in script.split(";\n"):
            connection.exec_driver_sql(statement)
