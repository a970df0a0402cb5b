"""Calling one node: once for each element of its lists, with its asks sent up and its progress told."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from engine.diffusion.drive import Ask, Prediction
from engine.node.context import Executing, Interrupted
from engine.node.spec import ExecutionBlocker, NodeType, Outcome, Result
from engine.run.events import Blocked, Event, Progress, Where
from engine.run.questions import Ask as Question
from engine.run.spread import Call
from engine.run.stage import Flight, Stage


class Caller:
    """Calls nodes on a stage. Progress goes to `live` at once, or waits until the run says something next."""

    def __init__(
        self, stage: Stage, prompt_id: str, cancelled: Callable[[], bool], live: Callable[[Progress], None] | None
    ) -> None:
        self._stage = stage
        self._prompt_id = prompt_id
        self._cancelled = cancelled
        self._waiting: deque[Progress] = deque()
        self._tell = live or self._waiting.append

    def results(
        self,
        where: Where,
        type_: NodeType,
        made: Callable[..., Outcome],
        calls: Iterable[Call],
        executed: Iterable[str],
    ) -> Generator[Event | Ask, Prediction | None, list[Result] | Flight]:
        """What all calls gave, or their flight, if asynchronous calls go on. Cancelling is looked at before each."""
        results: list[Any] = []
        for call in calls:
            self.stop_if_cancelled()
            if (blocker := call.blocker()) is not None:
                if blocker.message is not None:
                    yield Blocked(where, type_.id, f"Execution Blocked: {blocker.message}", tuple(executed))
                results.append(Result(ExecutionBlocker(None)))
            elif type_.is_async:
                results.append(self._stage.start(self._call(where, call.index), partial(made, **call.arguments)))
            else:
                results.append((yield from self._result(where, call, made)))
                yield from self.reported()
        if not type_.is_async:
            return results
        flight = self._stage.launch(where.id, results)
        yield from self.reported()
        return flight if flight.is_going else flight.results()

    def asking(self, where: Where) -> Question:
        """Puts questions to a node as calls of it."""
        return lambda index, function: self._stage.call(self._call(where, index), function)

    def reported(self) -> Iterator[Progress]:
        """The progress told since the last look."""
        while self._waiting:
            yield self._waiting.popleft()

    def stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Interrupted

    def _call(self, where: Where, index: int | None) -> Executing:
        def report(value: float, total: float, preview: Any) -> None:
            self._tell(Progress(where, value, total, preview))

        return Executing(self._prompt_id, where.id, index, report, self._cancelled)

    def _result(
        self, where: Where, call: Call, made: Callable[..., Outcome]
    ) -> Generator[Event | Ask, Prediction | None, Result]:
        context = self._call(where, call.index)
        outcome = self._stage.call(context, partial(made, **call.arguments))
        if isinstance(outcome, Generator):
            return (yield from self._drive(where, context, outcome))
        return outcome

    def _drive(
        self, where: Where, context: Executing, asking: Generator[Any, Any, Result]
    ) -> Generator[Event | Ask, Prediction | None, Result]:
        """Send a node's asks up and the answers down, and tell how far its sampling is."""
        sampling = _Sampling(where)
        advance: Callable[[], Any] = partial(next, asking)
        try:
            while True:
                has_ended, said = self._stage.call(context, partial(_advanced, advance))
                yield from self.reported()
                if has_ended:
                    yield from sampling.ended()
                    return said
                if not isinstance(said, Ask):
                    msg = f"a generator node yields asks for denoised latents, not a {type(said).__name__}"
                    raise TypeError(msg)
                yield from sampling.asked(said)
                self.stop_if_cancelled()
                try:
                    answer = yield said
                except Exception as error:  # what kept the driver from answering is the node's to see
                    advance = partial(asking.throw, error)
                else:
                    self.stop_if_cancelled()
                    advance = partial(asking.send, answer)
                    sampling.latest = answer.x0 if answer is not None else None
        finally:
            self._stage.call(context, asking.close)


class _Sampling:
    """Tells how far the sampling of one node is, from its asks; a node may sample several times in a row."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._step = 0
        self._steps = 0
        self._form: Any = None
        self.latest: Any = None

    def asked(self, ask: Ask) -> Iterator[Progress]:
        if ask.steps != self._steps or ask.step < self._step:
            yield from self.ended()
        if ask.step > self._step:
            yield Progress(self._where, ask.step, ask.steps, ask.latest, ask.form)
        self._step, self._steps, self._form = ask.step, ask.steps, ask.form

    def ended(self) -> Iterator[Progress]:
        if self._step < self._steps:
            yield Progress(self._where, self._steps, self._steps, self.latest, self._form)
        self._step = self._steps = 0


def _advanced(advance: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether the generator ended, and what it yielded or returned; StopIteration cannot pass through a coroutine."""
    try:
        return False, advance()
    except StopIteration as done:
        return True, done.value
