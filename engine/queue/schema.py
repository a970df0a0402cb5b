"""The tables of the queue, and how its file is opened."""

import sqlite3
from pathlib import Path

from engine.node import crash_points

DATABASE = "heddle.db"  # in the user directory
VERSION = 5
_LOOKED_THROUGH = 64 * 2**20  # bytes of a file that is looked through for damage when it is opened
_LETS_GO = 2.0  # seconds: a server that was just killed may take so long

# The tables of version 1, and the steps that lead from each version to the next. What is released stays as it is: a
# change is a step at the end, and VERSION one more. A file goes through all of its steps in one commit, or none.
# `asked` and `made` hold what is large; a listing of jobs does not touch them.
_TABLES = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    arrival INTEGER NOT NULL UNIQUE,     -- first come, first served among equal numbers
    number REAL NOT NULL,                -- lower runs first
    state TEXT NOT NULL,
    client_id TEXT,
    user TEXT NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    finish INTEGER,                      -- the place in the history
    epoch INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    workflow_id TEXT,
    outputs_count INTEGER NOT NULL DEFAULT 0,
    previewable_count INTEGER NOT NULL DEFAULT 0,
    preview TEXT,
    idempotency_key TEXT,
    outcome TEXT                         -- what a publishing job ends as
) WITHOUT ROWID;
CREATE INDEX jobs_in_turn ON jobs (state, number, arrival);
CREATE INDEX jobs_by_state ON jobs (state, created);
CREATE INDEX jobs_by_time ON jobs (created);
CREATE INDEX jobs_by_duration ON jobs (state, ended - started);
CREATE INDEX jobs_finished ON jobs (finish) WHERE finish IS NOT NULL;
CREATE INDEX jobs_of_workflow ON jobs (workflow_id, created) WHERE workflow_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_asked_once ON jobs (user, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE asked (
    id TEXT PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    prompt TEXT NOT NULL,
    extra_data TEXT NOT NULL,
    targets TEXT NOT NULL,
    secrets TEXT                         -- forgotten when the job ends
);
CREATE TABLE made (
    id TEXT PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    outputs TEXT NOT NULL,
    meta TEXT NOT NULL,
    messages TEXT NOT NULL,
    failure TEXT,
    files TEXT NOT NULL
);
CREATE TABLE counts (state TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counts VALUES
    ('waiting', 0), ('running', 0), ('publishing', 0), ('done', 0), ('failed', 0), ('cancelled', 0);
CREATE TRIGGER job_added AFTER INSERT ON jobs BEGIN
    UPDATE counts SET number = number + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON jobs WHEN OLD.state != NEW.state BEGIN
    UPDATE counts SET number = number - 1 WHERE state = OLD.state;
    UPDATE counts SET number = number + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER job_forgotten AFTER DELETE ON jobs BEGIN
    UPDATE counts SET number = number - 1 WHERE state = OLD.state;
END;
CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""
# What makes one user's jobs quick to list and count among those of all. Jobs of a server's only user, who has no name,
# are in none of it and cost nothing.
_USERS = """
CREATE INDEX jobs_of_user_in_turn ON jobs (user, state, number, arrival) WHERE user != '';
CREATE INDEX jobs_of_user_by_state ON jobs (user, state, created) WHERE user != '';
CREATE INDEX jobs_of_user_by_duration ON jobs (user, state, ended - started) WHERE user != '';
CREATE INDEX jobs_of_user_finished ON jobs (user, finish) WHERE user != '' AND finish IS NOT NULL;
CREATE TABLE counts_of (
    user TEXT NOT NULL,
    state TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (user, state)
) WITHOUT ROWID;
INSERT INTO counts_of SELECT user, state, count(*) FROM jobs WHERE user != '' GROUP BY user, state;
CREATE TRIGGER users_job_added AFTER INSERT ON jobs WHEN NEW.user != '' BEGIN
    INSERT INTO counts_of VALUES (NEW.user, NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER users_job_moved AFTER UPDATE OF state ON jobs WHEN OLD.state != NEW.state AND NEW.user != '' BEGIN
    UPDATE counts_of SET number = number - 1 WHERE user = OLD.user AND state = OLD.state;
    INSERT INTO counts_of VALUES (NEW.user, NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER users_job_forgotten AFTER DELETE ON jobs WHEN OLD.user != '' BEGIN
    UPDATE counts_of SET number = number - 1 WHERE user = OLD.user AND state = OLD.state;
END;
"""
_STEPS = (
    "ALTER TABLE jobs ADD COLUMN unwanted INTEGER NOT NULL DEFAULT 0;",  # cancelled while it ran, which is to end it
    "ALTER TABLE asked ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;",  # packs have yet to see what was submitted
    _USERS,
    "ALTER TABLE jobs ADD COLUMN about TEXT;",  # JSON: what listings say of what was asked for
)
assert len(_STEPS) == VERSION - 1


class StoreError(RuntimeError):
    """The queue's file cannot be used; the text says which, why, and what helps."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the queue's file, made if it is not there; every commit is on the disk when it returns.

    Raises StoreError for a damaged file, one of a later version, and a place that cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version < VERSION:
            steps = "".join((_TABLES, *_STEPS) if version == 0 else _STEPS[version - 1 :])
            with crash_points.around("new tables"):
                connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT")
        if path.stat().st_size <= _LOOKED_THROUGH and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("database disk image is malformed")
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error
    if version > VERSION:
        msg = f"{path} was written by a later version of Heddle; start that one, or move the file away"
        raise StoreError(msg)
    return connection


def hold(path: Path) -> sqlite3.Connection:
    """Keep every other server away from the queue while this connection is open; a crash lets go. Raises StoreError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(
            path.with_suffix(".lock"), isolation_level=None, check_same_thread=False, timeout=_LETS_GO
        )
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from error
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that sees what is committed, and waits for nobody."""
    place = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA query_only = ON")
    return connection


def unusable(path: Path, error: sqlite3.Error) -> StoreError:
    """What went wrong with the file, in words that help."""
    text = str(error)
    if "full" in text:
        return StoreError(f"no space is left for {path}: free some, and ask again; nothing was changed")
    if "malformed" in text or "not a database" in text or "disk image" in text:
        wanted = "restore a backup, or move it away (with its -wal and -shm) to begin with an empty queue"
        return StoreError(f"{path} is damaged ({text}): {wanted}; it was left as it is")
    if "readonly" in text or "unable to open" in text:
        return StoreError(
            f"{path} cannot be written to ({text}): give this user the right to, or choose another folder"
        )
    if "locked" in text:
        return StoreError(f"{path} is in use by another server: stop that one, or choose another user folder")
    return StoreError(f"{path}: {text}")
