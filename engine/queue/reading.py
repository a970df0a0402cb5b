"""What the queue holds, read without waiting for anybody who writes."""

import heapq
import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from engine.queue.job import Asked, File, HandedOver, Item, Job, Made, Record
from engine.queue.schema import open_to_read, unusable
from engine.queue.states import STATES, State

SortBy = Literal["created", "duration"]
COLUMNS = (
    "jobs.id, number, state, client_id, user, created, started, ended, epoch, tries, worker, workflow_id,"
    " outputs_count, previewable_count, preview, unwanted, about"
)
_WHOLE = (
    f"SELECT {COLUMNS}, prompt, extra_data, targets, unseen, outputs, meta, messages, failure"
    " FROM jobs JOIN asked ON asked.id = jobs.id LEFT JOIN made ON made.id = jobs.id"
)
_ITEMS = "SELECT jobs.id, number, created, prompt, extra_data, targets FROM jobs JOIN asked ON asked.id = jobs.id"
_ORDERS: dict[SortBy, str] = {"created": "created", "duration": "ended - started"}


class Reader:
    """Reads what is committed; may be used from any thread. Everything raises StoreError for a file that is damaged.

    Where a `user` is given, only that user's jobs are there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()
        self._opened: list[sqlite3.Connection] = []

    def job(self, id: str, user: str | None = None) -> Job | None:
        """One job, without what was asked and made."""
        mine, who = of_user(user)
        row = self._one(f"SELECT {COLUMNS} FROM jobs WHERE id = ?{mine}", id, *who)
        return Job(*row) if row else None

    def record(self, id: str, user: str | None = None) -> Record | None:
        """One job with all that belongs to it."""
        mine, who = of_user(user)
        row = self._one(f"{_WHOLE} WHERE jobs.id = ?{mine}", id, *who)
        return _record(row) if row else None

    def failures(self, ids: Collection[str]) -> dict[str, str]:
        """What went wrong in those of these jobs that failed, as JSON."""
        marks = ", ".join("?" * len(ids))
        return dict(self._all(f"SELECT id, failure FROM made WHERE failure IS NOT NULL AND id IN ({marks})", *ids))

    def handed_over(self, id: str) -> HandedOver:
        """What a worker is to know of a job that it has."""
        row = self._one(
            "SELECT prompt, extra_data, targets, unseen, secrets, unwanted"
            " FROM asked JOIN jobs ON jobs.id = asked.id WHERE asked.id = ?",
            id,
        )
        assert row is not None, f"the job {id} is not in the queue"
        return HandedOver(*row)

    def counts(self, user: str | None = None) -> dict[State, int]:
        """How many jobs stand where."""
        if user is None:
            return dict(self._all("SELECT state, number FROM counts"))
        mine = dict(self._all("SELECT state, number FROM counts_of WHERE user = ?", user))
        return {state: mine.get(state, 0) for state in STATES}

    def remaining(self, user: str | None = None) -> int:
        """How many jobs wait or run."""
        counts = self.counts(user)
        return counts["waiting"] + counts["running"] + counts["publishing"]

    def paused(self) -> bool:
        """Whether waiting jobs are kept waiting."""
        return self._one("SELECT 1 FROM facts WHERE name = 'paused'") is not None

    def running(self, user: str | None = None) -> list[Record]:
        """Jobs that a worker has, and those whose files are being published."""
        mine, who = of_user(user)
        return self._records(f"{_WHOLE} WHERE state IN ('running', 'publishing'){mine} ORDER BY started", *who)

    def waiting(self, limit: int = -1, offset: int = 0, user: str | None = None) -> Iterator[Record]:
        """Waiting jobs in the order of their turns."""
        mine, who = of_user(user)
        wanted = f"{_WHOLE} WHERE state = 'waiting'{mine} ORDER BY number, arrival LIMIT ? OFFSET ?"
        return (_record(row) for row in self._rows(wanted, *who, limit, offset))

    def waiting_items(self, user: str | None = None) -> Iterator[Item]:
        """All waiting jobs in the order of their turns, for a listing: 100,000 of them take a fraction of a second."""
        mine, who = of_user(user)
        wanted = f"{_ITEMS} WHERE state = 'waiting'{mine} ORDER BY number, arrival"
        return map(Item._make, self._rows(wanted, *who))

    def next_in_turn(self, limit: int) -> list[Record]:
        """The first few waiting jobs, for whoever chooses which worker takes which."""
        return list(self.waiting(limit))

    def prompts_in_turn(self, limit: int) -> list[str]:
        """What the first few waiting jobs will run, as JSON."""
        wanted = "SELECT prompt FROM jobs JOIN asked ON asked.id = jobs.id WHERE state = 'waiting'"
        return [prompt for (prompt,) in self._all(f"{wanted} ORDER BY number, arrival LIMIT ?", limit)]

    def history(self, newest: int | None = None, offset: int = 0, user: str | None = None) -> list[Record]:
        """Jobs that ran and ended, oldest first: those after the first `offset`, or of all the `newest` so many.

        With both, `newest` limits how many come after the offset.
        """
        also, who = of_user(user)
        mine = f"finish IS NOT NULL{also}"
        if newest is not None and offset <= 0:
            rows = self._all(f"{_WHOLE} WHERE {mine} ORDER BY finish DESC LIMIT ?", *who, newest)
            return [_record(row) for row in reversed(rows)]
        limit = -1 if newest is None else newest
        first = f"SELECT finish FROM jobs WHERE {mine} ORDER BY finish LIMIT 1 OFFSET ?"  # found in the index alone
        wanted = f"{_WHOLE} WHERE {mine} AND finish >= ({first}) ORDER BY finish LIMIT ?"
        return self._records(wanted, *who, *who, max(offset, 0), limit)

    def jobs(
        self,
        states: Collection[State] = STATES,
        limit: int = 200,
        offset: int = 0,
        workflow_id: str | None = None,
        sort_by: SortBy = "created",
        newest_first: bool = True,
        user: str | None = None,
    ) -> tuple[list[Job], int]:
        """A page of jobs, and how many there are in all."""
        if workflow_id is not None:
            return self._jobs_of_workflow(workflow_id, set(states), limit, offset, sort_by, newest_first, user)
        mine, who = of_user(user)
        order, direction = _ORDERS[sort_by], "DESC" if newest_first else "ASC"
        known = "AND ended IS NOT NULL AND started IS NOT NULL" if sort_by == "duration" else ""
        wanted = f"SELECT {order}, id FROM jobs WHERE state = ?{mine} {known} ORDER BY {order} {direction} LIMIT ?"
        each = (self._rows(wanted, state, *who, offset + limit) for state in states)
        page = list(islice(heapq.merge(*each, key=lambda row: row[0], reverse=newest_first), offset, offset + limit))
        counts = self.counts(user)
        found = [self.job(id) for _, id in page]
        return [job for job in found if job is not None], sum(counts[state] for state in states)

    def unpublished(self) -> list[tuple[Job, tuple[File, ...]]]:
        """Jobs whose files are still to get their names."""
        rows = self._all(f"SELECT {COLUMNS}, files FROM jobs JOIN made ON made.id = jobs.id WHERE state = 'publishing'")
        return [(Job(*row[:-1]), files_of(row[-1])) for row in rows]

    def close(self) -> None:
        """Close every thread's connection."""
        while self._opened:
            self._opened.pop().close()

    def _jobs_of_workflow(
        self,
        workflow_id: str,
        states: set[State],
        limit: int,
        offset: int,
        sort_by: SortBy,
        newest_first: bool,
        user: str | None,
    ) -> tuple[list[Job], int]:
        marks = ", ".join("?" * len(states))
        also, who = of_user(user)
        mine = f"FROM jobs WHERE workflow_id = ? AND state IN ({marks}){also}"
        order = f"{_ORDERS[sort_by]} {'DESC' if newest_first else 'ASC'} NULLS LAST"
        rows = self._all(
            f"SELECT {COLUMNS} {mine} ORDER BY {order} LIMIT ? OFFSET ?", workflow_id, *states, *who, limit, offset
        )
        total = self._one(f"SELECT count(*) {mine}", workflow_id, *states, *who)
        return [Job(*row) for row in rows], total[0] if total else 0

    def _records(self, wanted: str, *values: Any) -> list[Record]:
        return [_record(row) for row in self._rows(wanted, *values)]

    def _one(self, wanted: str, *values: Any) -> tuple[Any, ...] | None:
        return next(self._rows(wanted, *values), None)

    def _all(self, wanted: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(self._rows(wanted, *values))

    def _rows(self, wanted: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection().execute(wanted, values)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def _connection(self) -> sqlite3.Connection:
        mine: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if mine is None:
            mine = self._mine.connection = open_to_read(self._path)
            self._opened.append(mine)
        return mine


def of_user(user: str | None) -> tuple[str, tuple[str, ...]]:
    """What to add to a condition so that it holds for one user's jobs alone, and the values of that; None: everybody's.

    The second half is what lets the user's own indexes be used.
    """
    return ("", ()) if user is None else (" AND user = ? AND user != ''", (user,))


def files_of(text: str) -> tuple[File, ...]:
    """The files of a job that is publishing, from their JSON."""
    return tuple(File(staged, final) for staged, final in json.loads(text))


def _record(row: Sequence[Any]) -> Record:
    job, asked, made = Job(*row[:17]), Asked(*row[17:21]), row[21:]
    return Record(job, asked, Made(*made) if made[0] is not None else None)
