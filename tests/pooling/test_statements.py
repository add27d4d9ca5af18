"""What the first word of a statement says about it."""

from __future__ import annotations

import pytest

from labsupport.pooling.statements import is_transaction_control, may_commit_midway


@pytest.mark.parametrize(
    "query",
    ["BEGIN;", "begin isolation level serializable;", "COMMIT", " ROLLBACK TO a;\n", "END",
     "/* why */ SAVEPOINT a;", "-- so\nRELEASE SAVEPOINT a;", "START TRANSACTION;", "ABORT"],
)  # fmt: skip
def test_what_only_frames_a_transaction(query: str) -> None:
    assert is_transaction_control(query)


@pytest.mark.parametrize(
    "query",
    ["SELECT 1", "BEGIN; SELECT 1; COMMIT", "beginning", "SELECT 'COMMIT'", "", "-- COMMIT",
     "/* " + "/* */ " * 5000 + "BEGIN; SELECT 1"],
)  # fmt: skip
def test_what_does_more_than_that(query: str) -> None:
    assert not is_transaction_control(query)


@pytest.mark.parametrize(
    "query",
    ["CALL p()", "call p()", " -- nightly\n/* a\nb */ DO $$ BEGIN END $$", "\nCALL p($1)",
     "VACUUM t", "reindex table t", "CLUSTER", "CREATE UNIQUE INDEX\nCONCURRENTLY i ON t (a)",
     "DROP INDEX CONCURRENTLY i", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY"],
)  # fmt: skip
def test_procedures_blocks_and_what_needs_no_transaction_may_commit_midway(query: str) -> None:
    assert may_commit_midway(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT call()",
        "INSERT INTO t VALUES ('CALL') ON CONFLICT DO NOTHING",
        "DOCUMENT",
        "",
        "CREATE INDEX i ON t (a)",
        "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)'",
    ],
)
def test_other_statements_do_not(query: str) -> None:
    assert not may_commit_midway(query)
