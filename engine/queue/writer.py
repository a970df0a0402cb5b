"""The one thread that writes to the queue: what is asked for at the same time shares a commit."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from engine.node import crash_points
from engine.queue.schema import StoreError, open_to_write, unusable

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]
_MOST = 500  # changes of one commit


class Writer:
    """Takes changes, commits them in groups, and answers each when its commit is on the disk."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises StoreError."""
        self._path = path
        self._connection = open_to_write(path)
        self._waiting: queue.SimpleQueue[tuple[Change, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="queue writer", daemon=True)
        self._thread.start()

    def change(self, change: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Make a change in the next commit. Its answer, or its error, comes when that is on the disk."""
        future: Future[T] = Future()
        if self._closed:
            future.set_exception(StoreError(f"{self._path} is closed"))
        else:
            self._waiting.put((change, future))
        return future

    def close(self) -> None:
        """Commit what was asked for, then close the file."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._thread.join()
            self._connection.close()

    def _run(self) -> None:
        going = True
        while going:
            group: list[tuple[Change, Future[Any]]] = []
            entry = self._waiting.get()
            while entry is not None:
                group.append(entry)
                if len(group) == _MOST or self._waiting.empty():
                    break
                entry = self._waiting.get()
            going = entry is not None
            self._commit([(change, future) for change, future in group if future.set_running_or_notify_cancel()])

    def _commit(self, group: list[tuple[Change, Future[Any]]]) -> None:
        if not group:
            return
        answers: list[tuple[Future[Any], Any]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for change, future in group:
                self._connection.execute("SAVEPOINT one")
                try:
                    answers.append((future, change(self._connection)))
                    self._connection.execute("RELEASE one")
                except sqlite3.OperationalError:
                    raise  # the disk's trouble, not this change's
                except Exception as error:
                    self._connection.execute("ROLLBACK TO one")
                    self._connection.execute("RELEASE one")
                    future.set_exception(error)
            with crash_points.around(*(f"commit of {_named(change)}" for change, _ in group)):
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            trouble = unusable(self._path, error)
            for _, future in group:
                if not future.done():
                    future.set_exception(trouble)
            return
        for future, answer in answers:
            future.set_result(answer)


def _named(change: Change) -> str:
    """A change by the method that asks for it."""
    return change.__qualname__.removesuffix(".<locals>.change").rpartition(".")[2]
