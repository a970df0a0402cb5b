"""Events of a run become the entry that the history shows."""

from engine.queue.account import Account
from engine.queue.job import File
from engine.run.events import (
    Executed,
    NodeStarted,
    RunCached,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunStarted,
    Where,
)

SAVE = Where("9", "9", None, "9")
OUTPUT = {"images": [{"filename": "a_00001_.png", "subfolder": "s", "type": "output"}]}


def begun() -> Account:
    account = Account("P")
    for event in (RunStarted("P"), RunCached(("1",)), NodeStarted(SAVE), Executed(SAVE, OUTPUT)):
        account.take(event)
    return account


def test_a_finished_run_is_told_whole() -> None:
    account = begun()
    account.take(RunFinished(("9",)))
    ending = account.ending((File("x", "y"),))
    assert [name for name, _ in ending.messages] == ["execution_start", "execution_cached", "execution_success"]
    assert (ending.outcome, ending.outputs, ending.files) == ("done", {"9": OUTPUT}, (File("x", "y"),))
    assert ending.meta == {"9": {"node_id": "9", "display_node": "9", "parent_node": None, "real_node_id": "9"}}
    assert ending.messages[1][1]["nodes"] == ["1"]


def test_a_failed_run_says_what_failed_and_keeps_what_it_made() -> None:
    account = begun()
    account.take(RunFailed("9", "Save", "boom", "ValueError", ("line",), {"x": [1]}, (), ("1",)))
    ending = account.ending()
    assert ending.outcome == "failed"
    assert ending.outputs == {"9": OUTPUT}
    assert ending.failure is not None
    assert (ending.failure["node_id"], ending.failure["exception_message"]) == ("9", "boom")


def test_a_stopped_run_names_the_node_it_was_in() -> None:
    account = begun()
    account.interrupted()
    assert account.ending().outcome == "cancelled"
    assert account.messages[-1][1]["node_id"] == "9"
    other = begun()
    other.take(RunInterrupted("9", "Save", ("1",)))
    assert other.ending().messages[-1][1]["executed"] == ["1"]


def test_a_file_that_took_another_name_is_listed_under_it() -> None:
    account = begun()
    account.take(RunFinished(()))
    ending = account.ending(renamed={"s/a_00001_.png": "s/a_00001_ (1).png"})
    assert ending.outputs["9"]["images"][0]["filename"] == "a_00001_ (1).png"
