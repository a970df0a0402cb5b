"""Where a job stands, and the only ways from one state to another."""

from typing import Literal, get_args

State = Literal["waiting", "running", "publishing", "done", "failed", "cancelled"]
Turn = Literal["lease", "publish", "finish", "fail", "cancel", "give back", "retry"]

STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")

TRANSITIONS: dict[tuple[State, Turn], State] = {
    ("waiting", "lease"): "running",
    ("waiting", "cancel"): "cancelled",
    ("running", "publish"): "publishing",  # it made files; they get their names before it counts as ended
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "cancel"): "cancelled",
    ("running", "give back"): "waiting",  # its worker died
    ("publishing", "finish"): "done",
    ("publishing", "fail"): "failed",
    ("publishing", "cancel"): "cancelled",
    ("failed", "retry"): "waiting",
    ("cancelled", "retry"): "waiting",
}


class WrongState(ValueError):
    """A job was asked to do what it cannot do from where it stands."""


def after(state: State, turn: Turn) -> State:
    """The state that follows. Raises WrongState."""
    try:
        return TRANSITIONS[state, turn]
    except KeyError:
        possible = ", ".join(sorted(known for start, known in TRANSITIONS if start == state)) or "nothing any more"
        msg = f"a job that is {state} cannot {turn}; it can: {possible}"
        raise WrongState(msg) from None
