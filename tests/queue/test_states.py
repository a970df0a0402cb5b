"""The table of states is the whole truth about where a job may go."""

import pytest

from engine.queue.states import ENDED, STATES, TRANSITIONS, WrongState, after


def test_every_state_but_the_first_can_be_reached_and_every_job_can_end() -> None:
    reached = {"waiting"}
    while more := {end for (start, _), end in TRANSITIONS.items() if start in reached} - reached:
        reached |= more
    assert reached == set(STATES)
    for state in set(STATES) - set(ENDED):
        assert {end for (start, _), end in TRANSITIONS.items() if start == state} & {*ENDED, "running", "publishing"}


def test_what_is_done_stays_done() -> None:
    assert not [start for start, _ in TRANSITIONS if start == "done"]
    with pytest.raises(WrongState, match="a job that is done cannot lease; it can: nothing any more"):
        after("done", "lease")


def test_a_wrong_turn_says_which_turns_are_right() -> None:
    with pytest.raises(WrongState, match="it can: cancel, lease"):
        after("waiting", "finish")
