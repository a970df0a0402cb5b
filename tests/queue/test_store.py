"""What was answered is on the disk; who lost a lease changes nothing."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.queue import schema
from engine.queue.job import Ending, File, Job, Order
from engine.queue.schema import StoreError
from engine.queue.states import WrongState
from engine.queue.store import IdTaken, KeyReused, QueueFull, Refused, StaleEpoch, Store

PROMPT = {"1": {"class_type": "Save", "inputs": {}}}
IMAGE = {"filename": "a_00001_.png", "subfolder": "", "type": "output"}
PREVIEW = {"filename": "t_00001_.png", "subfolder": "", "type": "temp"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "user" / "queue.db"


@pytest.fixture
def store(path: Path) -> Any:
    opened = Store(path)
    yield opened
    opened.close()


def order(id: str, **more: Any) -> Order:
    return Order(id, more.pop("prompt", PROMPT), **more)


def leased(store: Store, id: str | None = None) -> Job:
    job = store.lease("cpu", id).result()
    assert job is not None
    return job


def turns(store: Store) -> list[str]:
    return [record.job.id for record in store.read.waiting()]


def test_jobs_take_turns_by_number_then_as_they_came(store: Store) -> None:
    for each in (order("a"), order("b"), order("c", number=-5), order("d", front=True), order("e", number=0)):
        store.add(each).result()
    assert turns(store) == ["c", "d", "a", "e", "b"]  # d: minus the counter, which stood at 2
    assert leased(store).id == "c"


def test_listings_say_what_a_job_is_about(store: Store) -> None:
    sampler = {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "model": ["1", 0]}}
    named = {"heddle": {"name": "  A house  "}}
    whole = order("a", prompt={"1": {"class_type": "Load", "inputs": {}}, "2": sampler}, extra_data=named)
    unnamed = order(
        "b", extra_data={"heddle": ["no name"]}, prompt={"1": {"class_type": "Save", "inputs": {"seed": "no"}}}
    )
    store.add(whole).result()
    store.add(unnamed).result()
    told = {job.id: json.loads(job.about or "") for job in store.read.jobs()[0]}
    assert told["a"] == {"node_count": 2, "name": "A house", "seed": "18446744073709551615"}
    assert told["b"] == {"node_count": 1}


def test_a_job_is_whole_when_it_is_read_back(store: Store) -> None:
    extra = {"extra_pnginfo": {"workflow": {"id": "w"}}, "api_key_comfy_org": "secret"}
    store.add(order("a", extra_data=extra, targets=("1",), client_id="me")).result()
    record = store.read.record("a")
    assert record is not None
    assert record.job.workflow_id == "w"
    assert record.asked.prompt == '{"1":{"class_type":"Save","inputs":{}}}'
    assert record.asked.targets == '["1"]'
    assert "secret" not in record.asked.extra_data
    assert store.read.handed_over("a").secrets == '{"api_key_comfy_org":"secret"}'
    job = leased(store)
    store.end("a", job.epoch, Ending("done")).result()
    assert store.read.handed_over("a").secrets is None
    assert b"secret" not in store.path.read_bytes()


def test_the_same_key_gives_the_same_job(store: Store) -> None:
    first = store.add(order("a", idempotency_key="k")).result()
    assert store.add(order("b", idempotency_key="k")).result() == first
    with pytest.raises(KeyReused, match="with another prompt"):
        store.add(order("c", idempotency_key="k", prompt={})).result()
    assert store.add(order("d", idempotency_key="k", user="ann")).result().id == "d"


def test_an_id_is_taken_once(store: Store) -> None:
    store.add(order("a")).result()
    with pytest.raises(IdTaken, match="choose another"):
        store.add(order("a")).result()
    assert turns(store) == ["a"]


def test_a_full_queue_takes_no_more(path: Path) -> None:
    store = Store(path, most_waiting=1)
    store.add(order("a")).result()
    with pytest.raises(QueueFull, match="1 jobs wait"):
        store.add(order("b")).result()
    store.close()


def test_changes_asked_for_at_once_are_all_answered(store: Store) -> None:
    futures = [store.add(order(str(number))) for number in range(200)]
    assert [future.result().number for future in futures] == list(range(200))
    assert store.read.counts()["waiting"] == 200


def test_one_bad_change_does_not_spoil_its_group(store: Store) -> None:
    futures = [store.add(order(id)) for id in ("a", "b", "a", "c")]
    assert [future.exception() is None for future in futures] == [True, True, False, True]
    assert turns(store) == ["a", "b", "c"]


def test_a_stale_epoch_changes_nothing(store: Store) -> None:
    store.add(order("a")).result()
    first = leased(store)
    store.give_back("a", first.epoch, {}, retries=2).result()
    second = leased(store)
    assert second.epoch == first.epoch + 1
    for attempt in (
        store.end("a", first.epoch, Ending("done")),
        store.published("a", first.epoch),
        store.give_back("a", first.epoch, {}, retries=2),
        store.release("a", first.epoch),
    ):
        with pytest.raises(StaleEpoch, match="is over"):
            attempt.result()
    job = store.read.job("a")
    assert job is not None
    assert (job.state, job.epoch, job.tries) == ("running", 2, 1)


def test_a_job_that_kills_its_workers_is_parked_with_the_evidence(store: Store) -> None:
    store.add(order("a")).result()
    for state in ("waiting", "waiting", "failed"):
        job = leased(store)
        assert store.give_back("a", job.epoch, {"exit_code": -9}, retries=2).result() == state
    record = store.read.record("a")
    assert record is not None
    assert record.made is not None
    assert record.made.failure == '{"exit_code":-9}'
    assert record.job.tries == 3


def test_files_are_published_before_a_job_counts_as_done(store: Store) -> None:
    store.add(order("a")).result()
    job = leased(store)
    ending = Ending("done", outputs={"2": {"images": [PREVIEW]}, "1": {"images": [IMAGE]}}, files=(File("s", "f"),))
    assert store.end("a", job.epoch, ending).result() == "publishing"
    assert store.read.history() == []
    ((waiting, files),) = store.read.unpublished()
    assert (waiting.id, files) == ("a", (File("s", "f"),))
    assert store.published("a", job.epoch).result() == "done"
    done = store.read.job("a")
    assert done is not None
    assert (done.outputs_count, done.previewable_count) == (2, 2)
    assert done.preview == (
        '{"filename":"a_00001_.png","subfolder":"","type":"output","nodeId":"1","mediaType":"images"}'
    )


def test_a_failed_run_keeps_what_it_made(store: Store) -> None:
    store.add(order("a")).result()
    job = leased(store)
    store.end("a", job.epoch, Ending("failed", failure={"node_id": "7"}, files=(File("s", "f"),))).result()
    assert store.published("a", job.epoch).result() == "failed"


def test_a_paused_queue_leases_nothing_also_after_a_restart(path: Path) -> None:
    store = Store(path)
    store.add(order("a")).result()
    store.pause(True).result()
    store.close()
    store = Store(path)
    assert store.read.paused()
    assert store.lease("cpu").result() is None
    store.pause(False).result()
    assert leased(store).id == "a"
    store.close()


def test_running_jobs_wait_again_after_a_restart_and_lose_their_lease(path: Path) -> None:
    store = Store(path)
    store.add(order("a")).result()
    store.add(order("b")).result()
    job = leased(store)
    store.close()
    store = Store(path)
    assert turns(store) == ["a", "b"]
    assert leased(store).epoch == job.epoch + 1
    with pytest.raises(StaleEpoch):
        store.end("a", job.epoch, Ending("done")).result()
    store.close()


def test_what_waits_can_be_cancelled_and_moved_and_what_runs_cannot(store: Store) -> None:
    for id in "abcd":
        store.add(order(id)).result()
    leased(store)
    assert store.cancel_waiting(["a", "c", "nobody"]).result() == ["c"]
    store.move("d", None).result()
    assert turns(store) == ["d", "b"]
    store.move("d", 99).result()
    assert turns(store) == ["b", "d"]
    with pytest.raises(Refused, match="does not wait"):
        store.move("a", None).result()
    assert store.cancel_waiting().result() == ["b", "d"]
    assert store.read.history() == []  # none of them ran
    assert [job.id for job in store.read.jobs(["cancelled"])[0]] == ["d", "c", "b"]


def test_a_failed_job_can_wait_again(store: Store) -> None:
    store.add(order("a")).result()
    store.end("a", leased(store).epoch, Ending("failed", failure={"x": 1})).result()
    assert store.retry("a").result().state == "waiting"
    job = leased(store)
    assert job.epoch == 2
    store.end("a", job.epoch, Ending("done")).result()
    with pytest.raises(WrongState):
        store.retry("a").result()


def finish(store: Store, *ids: str) -> None:
    for id in ids:
        store.add(order(id)).result()
        store.end(id, leased(store, id).epoch, Ending("done")).result()


def test_history_is_oldest_first_and_pages(store: Store) -> None:
    finish(store, *"abcde")
    ids = [
        [record.job.id for record in page]
        for page in (
            store.read.history(),
            store.read.history(newest=2),
            store.read.history(offset=3),
            store.read.history(newest=2, offset=1),
            store.read.history(newest=0),
        )
    ]
    assert ids == [list("abcde"), ["d", "e"], ["d", "e"], ["b", "c"], []]


def test_jobs_are_listed_by_state_workflow_time_and_duration(store: Store) -> None:
    finish(store, *"ab")
    store.add(order("c", extra_data={"extra_pnginfo": {"workflow": {"id": "w"}}})).result()
    listed = store.read.jobs
    assert ([job.id for job in listed()[0]], listed()[1]) == (["c", "b", "a"], 3)
    assert [job.id for job in listed(newest_first=False, limit=2)[0]] == ["a", "b"]
    assert [job.id for job in listed(limit=1, offset=1)[0]] == ["b"]
    assert listed(["done"])[1] == 2
    assert ([job.id for job in listed(workflow_id="w")[0]], listed(workflow_id="w")[1]) == (["c"], 1)
    assert {job.id for job in listed(sort_by="duration")[0]} == {"a", "b"}


def test_history_is_forgotten_by_id_by_age_and_by_number(store: Store) -> None:
    finish(store, *"abcdef")
    assert store.forget(["a", "nobody"]).result() == 1
    assert store.prune(keep=2, before=None).result() == 3
    assert [record.job.id for record in store.read.history()] == ["e", "f"]
    assert store.prune(keep=None, before=time.time() + 1).result() == 2
    finish(store, "g")
    assert store.forget().result() == 1
    assert store.read.counts()["done"] == 0
    assert sqlite3.connect(store.path).execute("SELECT count(*) FROM asked").fetchone() == (0,)


def test_reading_does_not_wait_for_a_writer(store: Store) -> None:
    store.add(order("a")).result()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.append(store.read.counts()["waiting"]))
    reader.start()
    reader.join(5)
    assert seen == [1]
    other.execute("ROLLBACK")


def test_a_damaged_file_is_named_and_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but someone's diary " * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"queue\.db is damaged .*restore a backup, or move it away"):
        Store(path)
    assert path.read_bytes() == before


def test_a_queue_has_one_server(store: Store) -> None:
    store.add(order("a")).result()
    job = leased(store)
    with pytest.raises(StoreError, match="in use by another server"):
        Store(store.path)
    assert store.end("a", job.epoch, Ending("done")).result() == "done"


def test_a_full_disk_is_an_answer_and_loses_nothing(store: Store) -> None:
    store.add(order("a")).result()
    writer = store._writer._connection  # pyright: ignore[reportPrivateUsage]
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="no space is left"):
        store.add(order("big", prompt={"1": {"class_type": "x" * 100_000}})).result()
    writer.execute("PRAGMA max_page_count = 1000000")
    store.add(order("b")).result()
    assert turns(store) == ["a", "b"]


def test_what_was_answered_survives_a_kill(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom engine.queue.store import Order, Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "for number in range(10**6):\n"
        "    print(store.add(Order(str(number), {})).result().id, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answered = [process.stdout.readline().strip() for _ in range(100)]
    process.kill()
    answered += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    store = Store(path)
    assert set(answered) <= set(turns(store))
    store.close()


def test_what_was_cancelled_while_it_ran_does_not_run_again(path: Path) -> None:
    first = Store(path)
    for id in ("a", "b", "c", "d"):
        first.add(order(id)).result()
    a, b, _ = leased(first, "a"), leased(first, "b"), leased(first, "c")
    assert first.interrupt(["nobody"]).result() == []
    assert first.interrupt(["d"]).result() == []  # it waits
    assert first.interrupt(["a"]).result() == ["a"]
    assert (first.cancel("b").result(), first.cancel("d").result()) == ("running", "cancelled")
    assert first.cancel("d").result() is None
    assert first.give_back("a", a.epoch, {"exception_message": "x"}, retries=5).result() == "cancelled"
    first.interrupt(["b"]).result()
    first.close()  # as after a crash: b and c run
    again = Store(path)
    states = {id: again.read.job(id).state for id in "abcd"}  # pyright: ignore[reportOptionalMemberAccess]
    assert states == {"a": "cancelled", "b": "cancelled", "c": "waiting", "d": "cancelled"}
    record = again.read.record("b")
    assert record is not None
    assert record.made is not None
    assert "execution_interrupted" in record.made.messages
    assert [each.job.id for each in again.read.history()] == ["a", "b"]
    with pytest.raises(StaleEpoch):
        again.end("b", b.epoch, Ending("done")).result()
    again.retry("b").result()
    assert leased(again, "b").unwanted == 0
    again.close()
    assert turns(last := Store(path)) == ["b", "c"]
    last.close()


def test_a_file_of_an_earlier_version_is_taken_along(path: Path) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite3.connect(path)
    old.executescript(f"{schema._TABLES} PRAGMA user_version = 1;")  # pyright: ignore[reportPrivateUsage]
    old.execute(
        "INSERT INTO jobs (id, arrival, number, state, user, created, epoch) VALUES ('old', 1, 0, 'running', '', 1, 3)"
    )
    old.execute("INSERT INTO asked VALUES ('old', '{}', '{}', '[]', NULL)")
    old.commit()
    old.close()
    store = Store(path)
    assert turns(store) == ["old"]
    job = leased(store)
    assert (job.epoch, job.unwanted, job.about) == (4, 0, None)
    store.close()
    with sqlite3.connect(path) as seen:
        assert seen.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    seen.close()


def test_for_a_user_the_jobs_of_others_are_not_there(store: Store) -> None:
    for id, user in (("a1", "ann"), ("a2", "ann"), ("b1", "ben"), ("b2", "ben"), ("n", "")):
        store.add(order(id, user=user, extra_data={"extra_pnginfo": {"workflow": {"id": "w"}}})).result()
    for id in ("a1", "b1"):
        store.end(id, leased(store, id).epoch, Ending("failed")).result()
    read = store.read
    assert [each.job.id for each in read.waiting(user="ann")] == ["a2"]
    assert [each.job.id for each in read.history(user="ann")] == ["a1"]
    assert [each.id for each in read.jobs(user="ann")[0]] == ["a2", "a1"]
    assert read.jobs(user="ann", workflow_id="w")[1] == read.jobs(user="ann")[1] == 2
    assert [each.id for each in read.jobs(user="ann", sort_by="duration")[0]] == ["a1"]
    assert (read.counts("ann")["waiting"], read.counts("ann")["failed"], read.counts("nobody")["waiting"]) == (1, 1, 0)
    assert read.record("b1", "ann") is read.job("b2", "ann") is None
    assert store.cancel("b2", "ann").result() is None
    assert store.cancel_waiting(["b2", "n"], "ann").result() == []
    assert store.forget(["b1"], "ann").result() == 0
    for refused in (store.move("b2", 1, "ann"), store.retry("b1", "ann")):
        with pytest.raises(Refused):
            refused.result()
    leased(store, "b2")
    assert store.interrupt(["b2"], "ann").result() == []
    assert read.running("ann") == []
    assert store.cancel_waiting(None, "ann").result() == ["a2"]
    assert store.forget(None, "ann").result() == 2
    assert (sum(read.counts("ann").values()), sum(read.counts("ben").values()), sum(read.counts().values())) == (
        0,
        2,
        3,
    )


def test_a_users_jobs_are_found_by_an_index_of_their_own(store: Store) -> None:
    seen: list[str] = []
    db = sqlite3.connect(store.path)
    explained = lambda wanted, *values: seen.extend(  # noqa: E731
        row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {wanted}", values) if "jobs" in row[3]
    )
    store.read._rows = lambda wanted, *values: explained(wanted, *values) or iter(())  # type: ignore[method-assign]
    list(store.read.waiting(10, user="ann"))
    store.read.history(10, user="ann")
    store.read.jobs(("done",), user="ann")
    store.read.jobs(("done",), user="ann", sort_by="duration")
    store.read.counts("ann")
    db.close()
    assert len(seen) == 4
    assert all("USING INDEX jobs_of_user" in each or "USING COVERING INDEX jobs_of_user" in each for each in seen), seen
