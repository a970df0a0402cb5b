"""A backup is a queue: taken in use or not, whole or not there, and in the place of nothing that is to stay."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from engine.node.crash_points import VARIABLE
from engine.queue.backup import back_up
from engine.queue.job import Job, Order
from engine.queue.schema import StoreError
from engine.queue.store import Store

PROMPT = {"1": {"class_type": "Save", "inputs": {}}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed queue with one job, in a folder of its own."""
    store = Store(tmp_path / "user" / "heddle.db")
    store.add(Order("a", PROMPT)).result()
    store.close()
    return store.path


def ids(path: Path) -> set[str]:
    """The jobs of a copy, which a store can open."""
    store = Store(path)
    found = {record.job.id for record in store.read.waiting()}
    store.close()
    return found


def test_a_backup_taken_while_jobs_come_holds_all_that_were_answered(path: Path, tmp_path: Path) -> None:
    store = Store(path)
    answered: list[str] = []
    stop = threading.Event()

    def submit() -> None:
        number = 0
        while not stop.is_set():
            asked: list[Future[Job]] = [store.add(Order(f"{number}-{each}", PROMPT)) for each in range(20)]
            answered.extend(each.result().id for each in asked)
            number += 1

    busy = threading.Thread(target=submit)
    busy.start()
    for number in range(5):
        before = set(answered)
        counts = back_up(path, tmp_path / f"{number}.db")
        kept = ids(tmp_path / f"{number}.db")
        assert before | {"a"} <= kept
        assert counts == {"waiting": len(kept)}
    stop.set()
    busy.join()
    store.close()
    assert (tmp_path / "0.db").stat().st_mode == path.stat().st_mode


def test_a_queue_is_copied_that_its_server_did_not_close(path: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from engine.queue.job import Order; from engine.queue.store import Store\n"
        "Store(Path(sys.argv[1])).add(Order('b', {})).result(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.with_name("heddle.db-wal").stat().st_size > 0
    assert back_up(path, tmp_path / "copy.db") == {"waiting": 2}
    assert ids(tmp_path / "copy.db") == {"a", "b"}


def test_a_backup_is_one_file_with_nothing_beside_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    back_up(path, tmp_path / "copies" / "copy.db")
    assert os.listdir(tmp_path / "copies") == ["copy.db"]


def test_what_is_there_is_overwritten_only_when_that_is_said(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(StoreError, match=r"copy\.db is there already: choose another name, or say --overwrite"):
        back_up(path, copy)
    assert copy.read_text() == "mine"
    back_up(path, copy, overwrite=True)
    assert ids(copy) == {"a"}


def refused(path: Path, target: Path, told: str) -> None:
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(StoreError, match=told):
        back_up(path, target, overwrite=True)
    assert (path.read_bytes() if path.exists() else None) == before


def test_the_queue_itself_a_folder_and_nowhere_are_no_places_for_a_copy(path: Path, tmp_path: Path) -> None:
    refused(path, path, "is there already: choose another name$")
    refused(path, tmp_path, "is there already: choose another name$")
    refused(path, tmp_path / "no" / "copy.db", "there is no folder")
    refused(tmp_path / "no.db", tmp_path / "copy.db", "there is no queue to copy")


def _cut(data: bytes) -> bytes:
    return data[:4096] + os.urandom(4096) + data[8192:]


@pytest.mark.parametrize("damage", [_cut, lambda data: b"a diary " * 1000, lambda data: b""])
def test_no_copy_is_kept_of_a_queue_that_is_damaged(
    path: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path.write_bytes(damage(path.read_bytes()))
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "copy.db").write_text("the last good one")
    refused(path, tmp_path / "copies" / "copy.db", "damaged")
    assert os.listdir(tmp_path / "copies") == ["copy.db"]
    assert (tmp_path / "copies" / "copy.db").read_text() == "the last good one"


@pytest.mark.parametrize("mark", ["before backup", "after backup", "before rename of a whole file"])
def test_a_backup_that_is_killed_leaves_what_was_there(path: Path, tmp_path: Path, mark: str) -> None:
    (tmp_path / "marks" / "passed").mkdir(parents=True)
    (tmp_path / "marks" / "armed").write_text(mark)
    copy = tmp_path / "copy.db"
    back_up(path, copy)
    before = copy.read_bytes()
    command = [sys.executable, "-m", "engine", "backup", str(copy), "--overwrite", f"--user-directory={path.parent}"]
    killed = subprocess.run(command, env=os.environ | {VARIABLE: str(tmp_path / "marks")}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert copy.read_bytes() == before
    assert subprocess.run(command, check=False).returncode == 0
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT id FROM jobs").fetchall() == [("a",)]
    connection.close()
