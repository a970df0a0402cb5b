"""Jobs on disk: every change of the queue. A change has happened when its future is done, and not before."""

import sqlite3
import time
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.queue.job import SECRETS, Ending, Job, Order, as_json
from engine.queue.reading import COLUMNS, Reader, of_user
from engine.queue.schema import hold
from engine.queue.states import State, Turn, after
from engine.queue.writer import Writer


class Refused(ValueError):
    """An order cannot be taken; the text says why."""


class IdTaken(Refused):
    """Another job has the id."""


class KeyReused(Refused):
    """An idempotency key came again with another order."""


class QueueFull(Refused):
    """As many jobs wait as may."""


class StaleEpoch(RuntimeError):
    """A worker spoke of a job that it no longer holds; nothing was changed."""


class Store:
    """The queue's file: changes go through one writer, reads go past it (`read`).

    A change for a `user` touches that user's jobs alone: those of others are not there.
    """

    def __init__(self, path: Path, *, most_waiting: int = 1_000_000) -> None:
        """Open or make the file. Jobs that ran when it was last closed, or cut off, wait again. Raises StoreError,
        also while another server has the file.
        """
        self.path = path
        self._hold = hold(path)
        self._writer = Writer(path)
        self.read = Reader(path)
        self._most_waiting = most_waiting
        self._writer.change(_all_wait_again).result()

    def close(self) -> None:
        """Commit what was asked for, and close the file."""
        self._writer.close()
        self.read.close()
        self._hold.close()

    def add(self, order: Order) -> "Future[Job]":
        """Take an order. The same idempotency key gives the same job again. Raises IdTaken, KeyReused, QueueFull."""
        secrets = {name: value for name, value in order.extra_data.items() if name in SECRETS}
        shown = {name: value for name, value in order.extra_data.items() if name not in SECRETS}
        texts = as_json(order.prompt), as_json(shown), as_json(order.targets), as_json(secrets) if secrets else None

        def change(db: sqlite3.Connection) -> Job:
            known = _asked_before(db, order, texts[0])
            if known is not None:
                return known
            if db.execute("SELECT 1 FROM jobs WHERE id = ?", (order.id,)).fetchone():
                raise IdTaken(f"a job with the id {order.id!r} exists: leave the id out, or choose another")
            if _count(db, "waiting") >= self._most_waiting:
                raise QueueFull(f"{self._most_waiting} jobs wait, which is as many as may: try again later")
            arrival = _next(db, "arrival")
            number = _number(db, order)
            db.execute(
                "INSERT INTO jobs"
                " (id, arrival, number, state, client_id, user, created, workflow_id, idempotency_key, about)"
                " VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?)",
                (
                    *(order.id, arrival, number, order.client_id, order.user, time.time()),
                    *(order.workflow_id, order.idempotency_key, as_json(order.about)),
                ),
            )
            db.execute("INSERT INTO asked VALUES (?, ?, ?, ?, ?, ?)", (order.id, *texts, order.unseen))
            return _job(db, order.id)

        return self._writer.change(change)

    def skip_number(self) -> "Future[None]":
        """Use up a number: a refused prompt takes one too."""

        def change(db: sqlite3.Connection) -> None:
            _next(db, "number")

        return self._writer.change(change)

    def lease(self, worker: str, id: str | None = None) -> "Future[Job | None]":
        """Give a worker the job whose turn it is, or this one if it still waits. None when paused or nothing waits."""

        def change(db: sqlite3.Connection) -> Job | None:
            if db.execute("SELECT 1 FROM facts WHERE name = 'paused'").fetchone():
                return None
            mine = "state = 'waiting'" if id is None else "state = 'waiting' AND id = ?"
            wanted = f"SELECT id FROM jobs WHERE {mine} ORDER BY number, arrival LIMIT 1"
            row = db.execute(wanted, () if id is None else (id,)).fetchone()
            if row is None:
                return None
            _turn(db, row[0], "lease", "epoch = epoch + 1, worker = ?, started = ?", worker, time.time())
            return _job(db, row[0])

        return self._writer.change(change)

    def end(self, id: str, epoch: int, ending: Ending) -> "Future[State]":
        """End a run. With files the job is `publishing` until `published` is called. Raises StaleEpoch."""
        made = as_json(ending.outputs), as_json(ending.meta), as_json(ending.messages)
        failure = None if ending.failure is None else as_json(ending.failure)
        shown = ending.shown

        def change(db: sqlite3.Connection) -> State:
            _held(db, id, epoch)
            db.execute(
                "INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?)", (id, *made, failure, as_json(ending.files))
            )
            db.execute(
                "UPDATE jobs SET outputs_count = ?, previewable_count = ?, preview = ?, outcome = ? WHERE id = ?",
                (ending.count, len(shown), as_json(shown[0]) if shown else None, ending.outcome, id),
            )
            if ending.files:
                return _turn(db, id, "publish")
            return _ended(db, id, _ENDS[ending.outcome])

        return self._writer.change(change)

    def published(self, id: str, epoch: int) -> "Future[State]":
        """The files of a publishing job have their names: the job ends as its run did. Raises StaleEpoch."""

        def change(db: sqlite3.Connection) -> State:
            outcome = _held(db, id, epoch)
            return _ended(db, id, _ENDS[outcome])

        return self._writer.change(change)

    def give_back(self, id: str, epoch: int, evidence: dict[str, Any], retries: int) -> "Future[State]":
        """A worker died with a job: it waits again, or is parked as failed with the evidence after so many retries."""

        def change(db: sqlite3.Connection) -> State:
            _held(db, id, epoch)
            if _job(db, id).unwanted:
                return _stopped(db, id)
            tries = _job(db, id).tries + 1
            if tries <= retries:
                return _turn(db, id, "give back", "tries = ?, worker = NULL, started = NULL", tries)
            messages = as_json([["execution_error", evidence]])
            db.execute(
                "INSERT OR REPLACE INTO made VALUES (?, '{}', '{}', ?, ?, '[]')", (id, messages, as_json(evidence))
            )
            return _ended(db, id, "fail", "tries = ?", tries)

        return self._writer.change(change)

    def release(self, id: str, epoch: int) -> "Future[State]":
        """Let a job wait again through no fault of its own, as when the server stops."""

        def change(db: sqlite3.Connection) -> State:
            _held(db, id, epoch)
            return _wait_again(db, id)

        return self._writer.change(change)

    def cancel_waiting(self, ids: Iterable[str] | None = None, user: str | None = None) -> "Future[list[str]]":
        """Cancel these jobs, or all, where they still wait; the ids of those that did."""
        asked = None if ids is None else list(ids)

        def change(db: sqlite3.Connection) -> list[str]:
            if asked is None:
                return _all_cancelled(db, user)
            found = [id for id in dict.fromkeys(asked) if _state(db, id, user) == "waiting"]
            for id in found:
                _ended(db, id, "cancel")
            return found

        return self._writer.change(change)

    def cancel(self, id: str, user: str | None = None) -> "Future[State | None]":
        """Cancel a job: one that waits is `cancelled`, one that is `running` will not run again. None for others."""

        def change(db: sqlite3.Connection) -> State | None:
            match _state(db, id, user):
                case "waiting":
                    return _ended(db, id, "cancel")
                case "running":
                    _unwant(db, id)
                    return "running"
                case _:
                    return None

        return self._writer.change(change)

    def interrupt(self, ids: Iterable[str], user: str | None = None) -> "Future[list[str]]":
        """Note that these jobs are not to run on where they run; the ids of those. It holds through a crash."""
        asked = list(ids)

        def change(db: sqlite3.Connection) -> list[str]:
            found = [id for id in asked if _state(db, id, user) == "running"]
            for each in found:
                _unwant(db, each)
            return found

        return self._writer.change(change)

    def forget(self, ids: Iterable[str] | None = None, user: str | None = None) -> "Future[int]":
        """Delete these ended jobs, or all that ended, from the history; how many went."""
        also, who = of_user(user)
        asked = None if ids is None else [(*who, id) for id in ids]
        mine = f"DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled'){also}"

        def change(db: sqlite3.Connection) -> int:
            if asked is None:
                return db.execute(mine, who).rowcount
            return max(db.executemany(f"{mine} AND id = ?", asked).rowcount, 0)

        return self._writer.change(change)

    def prune(self, keep: int | None, before: float | None) -> "Future[int]":
        """Forget ended jobs beyond the newest `keep`, and those that ended before a time; how many went."""

        def change(db: sqlite3.Connection) -> int:
            gone = 0
            if keep is not None:
                newest = "SELECT finish FROM jobs WHERE finish IS NOT NULL ORDER BY finish DESC LIMIT 1 OFFSET ?"
                gone += db.execute(f"DELETE FROM jobs WHERE finish <= ({newest})", (keep,)).rowcount
            if before is not None:
                gone += db.execute("DELETE FROM jobs WHERE ended IS NOT NULL AND ended < ?", (before,)).rowcount
            return gone

        return self._writer.change(change)

    def move(self, id: str, number: float | None, user: str | None = None) -> "Future[Job]":
        """Give a waiting job another number; None puts it before all others. Raises Refused if it does not wait."""

        def change(db: sqlite3.Connection) -> Job:
            if _state(db, id, user) != "waiting":
                raise Refused(f"the job {id!r} does not wait, so its turn cannot be changed")
            (first,) = db.execute("SELECT min(number) FROM jobs WHERE state = 'waiting'").fetchone()
            db.execute("UPDATE jobs SET number = ? WHERE id = ?", (first - 1 if number is None else number, id))
            return _job(db, id)

        return self._writer.change(change)

    def retry(self, id: str, user: str | None = None) -> "Future[Job]":
        """Have a failed or cancelled job wait again. Raises WrongState, and Refused for an id that nobody has."""

        def change(db: sqlite3.Connection) -> Job:
            if _state(db, id, user) is None:
                raise Refused(f"no job has the id {id!r}")
            cleared = "started = NULL, ended = NULL, finish = NULL, tries = 0, worker = NULL, preview = NULL"
            _turn(db, id, "retry", f"{cleared}, outputs_count = 0, previewable_count = 0, unwanted = 0")
            db.execute("DELETE FROM made WHERE id = ?", (id,))
            return _job(db, id)

        return self._writer.change(change)

    def pause(self, paused: bool) -> "Future[None]":
        """Keep waiting jobs waiting, or let them go on; it is remembered."""

        def change(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM facts WHERE name = 'paused'")
            if paused:
                db.execute("INSERT INTO facts VALUES ('paused', 1)")

        return self._writer.change(change)


_ENDS: dict[str, Turn] = {"done": "finish", "failed": "fail", "cancelled": "cancel"}


def _all_wait_again(db: sqlite3.Connection) -> None:
    for (id,) in db.execute("SELECT id FROM jobs WHERE state = 'running'").fetchall():
        _wait_again(db, id)


def _wait_again(db: sqlite3.Connection, id: str) -> State:
    """Let a job wait again that no worker has any more, unless it was cancelled while it ran."""
    if _job(db, id).unwanted:
        return _stopped(db, id)
    return _turn(db, id, "give back", "worker = NULL, started = NULL")


def _unwant(db: sqlite3.Connection, id: str) -> None:
    db.execute("UPDATE jobs SET unwanted = 1 WHERE id = ?", (id,))


def _stopped(db: sqlite3.Connection, id: str) -> State:
    """End a job that was cancelled while it ran, and whose worker is gone."""
    told = {"prompt_id": id, "node_id": "", "node_type": "", "executed": [], "timestamp": int(time.time() * 1000)}
    messages = as_json([["execution_interrupted", told]])
    db.execute("INSERT OR REPLACE INTO made VALUES (?, '{}', '{}', ?, NULL, '[]')", (id, messages))
    return _ended(db, id, "cancel")


def _all_cancelled(db: sqlite3.Connection, user: str | None) -> list[str]:
    """Cancel all that wait, in a few statements: a queue may hold 100,000 jobs, and nobody else writes meanwhile."""
    mine, who = of_user(user)
    waiting = f"SELECT id FROM jobs WHERE state = 'waiting'{mine}"
    found = [id for (id,) in db.execute(waiting, who)]
    db.execute(f"UPDATE asked SET secrets = NULL WHERE id IN ({waiting}) AND secrets IS NOT NULL", who)
    values = after("waiting", "cancel"), time.time(), *who
    db.execute(f"UPDATE jobs SET state = ?, ended = ? WHERE state = 'waiting'{mine}", values)
    return found


def _asked_before(db: sqlite3.Connection, order: Order, prompt: str) -> Job | None:
    if order.idempotency_key is None:
        return None
    wanted = "SELECT jobs.id, prompt FROM jobs JOIN asked ON asked.id = jobs.id WHERE user = ? AND idempotency_key = ?"
    row = db.execute(wanted, (order.user, order.idempotency_key)).fetchone()
    if row is None:
        return None
    if row[1] != prompt:
        raise KeyReused(f"the Idempotency-Key {order.idempotency_key!r} came before, with another prompt")
    return _job(db, row[0])


def _number(db: sqlite3.Connection, order: Order) -> float:
    if order.number is not None:
        return order.number
    count = _next(db, "number")
    return -count if order.front else count


def _next(db: sqlite3.Connection, counter: str) -> int:
    row = db.execute("SELECT value FROM facts WHERE name = ?", (counter,)).fetchone()
    count = row[0] if row else 0
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (counter, count + 1))
    return count


def _count(db: sqlite3.Connection, state: State) -> int:
    return db.execute("SELECT number FROM counts WHERE state = ?", (state,)).fetchone()[0]


def _job(db: sqlite3.Connection, id: str) -> Job:
    return Job(*db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone())


def _state(db: sqlite3.Connection, id: str, user: str | None = None) -> State | None:
    mine, who = of_user(user)
    row = db.execute(f"SELECT state FROM jobs WHERE id = ?{mine}", (id, *who)).fetchone()
    return row[0] if row else None


def _held(db: sqlite3.Connection, id: str, epoch: int) -> str:
    """What the job is to end as. Raises StaleEpoch unless it runs, or publishes, under this epoch."""
    row = db.execute("SELECT state, epoch, outcome FROM jobs WHERE id = ?", (id,)).fetchone()
    if row is None or row[1] != epoch or row[0] not in ("running", "publishing"):
        now = "is gone" if row is None else f"is {row[0]} under epoch {row[1]}"
        raise StaleEpoch(f"the lease of job {id!r} under epoch {epoch} is over: it {now}")
    return row[2]


def _turn(db: sqlite3.Connection, id: str, turn: Turn, also: str = "", *values: Any) -> State:
    state = _state(db, id)
    assert state is not None
    following = after(state, turn)
    db.execute(f"UPDATE jobs SET state = ?{', ' if also else ''}{also} WHERE id = ?", (following, *values, id))
    return following


def _ended(db: sqlite3.Connection, id: str, turn: Turn, also: str = "", *values: Any) -> State:
    """End a job. One that ran has a place in the history; one that was cancelled before has none."""
    ran = db.execute("SELECT started FROM jobs WHERE id = ?", (id,)).fetchone()[0] is not None
    place = _next(db, "finish") if ran else None
    more = f", {also}" if also else ""
    db.execute("UPDATE asked SET secrets = NULL WHERE id = ?", (id,))
    return _turn(db, id, turn, f"ended = ?, finish = ?{more}", time.time(), place, *values)
