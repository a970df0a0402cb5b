"""Plan -> generator of events, and of the asks for denoised latents that nodes send up.

Whoever drives the run answers each ask with `send`, or throws in what kept it from answering; events need no answer.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch

from engine.diffusion.drive import Ask, Prediction
from engine.graph.fingerprint import Fingerprints
from engine.graph.live import DependencyCycleError, DynamicPrompt, NodeNotFoundError
from engine.graph.plan import Plan
from engine.node.context import Interrupted
from engine.node.spec import NodeType, Result
from engine.run import questions, spread
from engine.run.agenda import Agenda, Need
from engine.run.cache import Cache, Entry
from engine.run.calls import Caller
from engine.run.events import (
    Event,
    Executed,
    NodeFinished,
    NodeStarted,
    Progress,
    RunCached,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunStarted,
    Where,
)
from engine.run.expansion import Expansion, enter, read_out
from engine.run.failure import At, failed, free
from engine.run.inputs import gather, hidden_values, sees_graph, sources
from engine.run.journal import Journal
from engine.run.stage import Flight, Stage
from engine.run.values import Values

Run = Generator[Event | Ask, Prediction | None, None]
"""Yields events and asks; `send` the answer to an ask, anything to an event. Drive it outside any running loop."""

WAIT = 0.1  # seconds between looks at the cancel token while only asynchronous calls go on


def run(
    plan: Plan,
    types: Mapping[str, NodeType],
    cache: Cache,
    *,
    prompt_id: str = "",
    extra_data: Mapping[str, Any] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    live: Callable[[Progress], None] | None = None,
) -> Run:
    """Do what a plan says, with results from the cache where it has them.

    The last event is RunFinished, RunFailed or RunInterrupted; a failure of any node, or of the graph, is never raised.
    `cancelled` is looked at before each call, at each ask and at each report of progress. Progress that a node reports
    comes with the next event, or, where `live` is given, to it at once, from whatever thread the node reports in.
    """
    yield RunStarted(prompt_id)
    going = _Going(plan, types, cache, prompt_id, extra_data or {}, cancelled, live)
    try:
        last = yield from going.to_its_end()
    finally:
        going.close()
    yield last


def alone(run: Run, journal: Journal | None = None) -> Iterator[Event]:
    """Drive a run, answering each ask as it comes; yields its events. With a journal, what was answered once is not
    computed again."""
    node = ""
    try:
        said = next(run)
        while True:
            if isinstance(said, Ask):
                try:
                    with torch.inference_mode():
                        answer = said.answer() if journal is None else journal.answer(node, said)
                except Exception as error:  # whatever it is, it is the asking node's failure
                    said = run.throw(error)
                else:
                    said = run.send(answer)
            else:
                node = said.node.id if isinstance(said, NodeStarted) else node
                yield said
                said = next(run)
    except StopIteration:
        return
    finally:
        run.close()


@dataclass
class _Expanded:
    """A step whose place a graph has taken, until that is done."""

    began: float
    expansion: Expansion
    ui: Mapping[str, Any] | None


@dataclass
class _Going:
    """A run as it goes."""

    plan: Plan
    types: Mapping[str, NodeType]
    cache: Cache
    prompt_id: str
    extra_data: Mapping[str, Any]
    cancelled: Callable[[], bool]
    live: Callable[[Progress], None] | None
    executed: dict[str, None] = field(default_factory=dict[str, None])
    current: str | None = None  # the step that is worked on
    given: Mapping[str, list[Any]] = field(default_factory=dict[str, list[Any]])  # what its calls got
    in_flight: dict[str, tuple[float, Flight]] = field(default_factory=dict[str, tuple[float, Flight]])
    expanded: dict[str, _Expanded] = field(default_factory=dict[str, _Expanded])
    shows_graph: bool = False  # whether some step may come to link to any other

    def __post_init__(self) -> None:
        self.stage = Stage()
        self.graph = DynamicPrompt(self.plan.graph)
        self.changed: dict[str, Any] = {}
        self.keys = Fingerprints(self.graph.find, self.types, self.changed)
        self.values = Values(self.cache, self.keys)
        self.agenda = Agenda(self._need, self.values.has)
        self.caller = Caller(self.stage, self.prompt_id, self.cancelled, self.live)

    def close(self) -> None:
        """Stop what still goes on, and hold no result any longer; closing twice is as good as once."""
        self.stage.close()
        self.given = {}
        self.in_flight.clear()
        self.expanded.clear()
        self.values.clear()

    def to_its_end(self) -> Generator[Event | Ask, Prediction | None, Event]:
        try:
            yield self._prepare()
            while len(self.agenda):
                yield from self._next()
        except Interrupted:
            return RunInterrupted(*self._real(self.current), tuple(self.executed))
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            return self._failed(error)
        return RunFinished(tuple(self.executed))

    def _prepare(self) -> RunCached:
        """Ask all nodes of the prompt whether they changed, tell the cache of the graph, and fill the agenda."""
        for id in self.plan.graph:
            self.current = id
            self._ask_changed(id)
        self.current = None
        steps = {(id, node.type): self.keys[id] for id, node in self.plan.graph.nodes.items()}
        self.cache.begin(steps)
        cached = RunCached(tuple(id for id in self.plan.graph if self.keys[id] in self.cache))
        for id in self.plan.outputs:
            self.agenda.add(id)
        return cached

    def _next(self) -> Generator[Event | Ask, Prediction | None, None]:
        for landed in self.stage.landed():
            self.agenda.release(landed)
        if (id := self.agenda.take()) is not None:
            self.current = id
            yield from self._visit(id)
            self.given = {}
        elif self.in_flight:
            self.current = next(iter(self.in_flight))
            self.stage.wait(WAIT)
            yield from self.caller.reported()
            self.caller.stop_if_cancelled()
        else:
            raise self._circle()

    def _visit(self, id: str) -> Generator[Event | Ask, Prediction | None, None]:
        if (entry := self.values.find(id)) is not None:  # kept, or made by an equal step
            self.in_flight.pop(id, None)
            yield Executed(self._where(id), entry.ui)
            yield NodeFinished(self._where(id))
            self._strike(id)
        elif id in self.in_flight:
            began, flight = self.in_flight.pop(id)
            yield from self._conclude(id, flight.results(), began)
        elif id in self.expanded:
            yield from self._read_out(id, self.expanded[id])
        else:
            yield from self._start(id)

    def _start(self, id: str) -> Generator[Event | Ask, Prediction | None, None]:
        """Call a node, unless it turns out to need lazy inputs first."""
        node, where = self.graph.node(id), self._where(id)
        type_ = self.types[node.type]
        yield NodeStarted(where)
        began = perf_counter()
        given = gather(node, type_, self.values.find, hidden_values(id, self.graph, self.extra_data))
        self.given = given.values
        made = self.cache.instance((id, node.type), type_.make)
        needed = questions.needed(node, type_, made, given, self.caller.asking(where))
        yield from self.caller.reported()
        if needed:
            self.agenda.require(id, [self._source(id, name, node.inputs[name].source) for name in needed])
            self.agenda.put_back(id)
            return
        calls = spread.calls(given.values, type_.takes_lists)
        results = yield from self.caller.results(where, type_, made, calls, self.executed)
        if isinstance(results, Flight):
            self.in_flight[id] = (began, results)
            self.agenda.hold(id)
        else:
            yield from self._conclude(id, results, began)

    def _conclude(self, id: str, results: list[Result], began: float) -> Generator[Event, Any, None]:
        """All calls of a step have ended: publish its UI, then store its result, or expand."""
        ui = spread.merged_ui(results)
        if ui:
            yield Executed(self._where(id), ui)
        if any(result.expand is not None for result in results):
            self._expand(id, results, began, ui)
        else:
            outputs = self.types[self.graph.node(id).type].outputs
            yield from self._store(id, Entry(spread.merged(results, outputs), ui, perf_counter() - began))

    def _expand(self, id: str, results: list[Result], began: float, ui: Mapping[str, Any] | None) -> None:
        entered = enter(results, id, self.graph, self.types)
        nodes = [self.graph.node(each) for each in entered.added]
        for node in nodes:
            self._ask_changed(node.id)
        owner = (id, self.graph.node(id).type)
        self.cache.expand(owner, {(node.id, node.type): self.keys[node.id] for node in nodes})
        self.expanded[id] = _Expanded(began, entered, ui)
        self.values.want(entered.sources)
        for node in nodes:
            if self.types[node.type].is_output:
                self.agenda.add(node.id)
        self.agenda.require(id, entered.sources)
        self.agenda.put_back(id)

    def _read_out(self, id: str, expanded: _Expanded) -> Generator[Event, Any, None]:
        """The graph that a step expanded to is done: its results are the step's."""
        results = read_out(expanded.expansion, self.values.find, self.graph, self.types)
        slots = spread.merged(results, self.types[self.graph.node(id).type].outputs)
        yield from self._store(id, Entry(slots, expanded.ui, perf_counter() - expanded.began))

    def _store(self, id: str, entry: Entry) -> Generator[Event, Any, None]:
        type_ = self.types[self.graph.node(id).type]
        # What may be linked to later, and is no business of ours to do twice, stays until the run ends.
        is_repeatable = type_.idempotent and not type_.is_output and type_.fingerprint is None
        self.values.store(id, entry, for_good=self.shows_graph and not (self.graph.is_ephemeral(id) and is_repeatable))
        self.executed[id] = None
        yield NodeFinished(self._where(id))
        self._strike(id)

    def _strike(self, id: str) -> None:
        """A step is done: those that waited for it may go on, and what only it wanted is let go."""
        self.agenda.finish(id)
        self.values.let_go(self._wants(id))
        if (expanded := self.expanded.pop(id, None)) is not None:
            self.values.let_go(expanded.expansion.sources)

    def _need(self, id: str) -> Need:
        """Tell the agenda of a step that comes onto it; from now on the step wants its sources' results."""
        node = self.graph.node(id)
        try:
            type_ = self.types[node.type]
        except Exception as error:  # a pack's code may raise anything while it describes a node
            raise At(id, error) from error
        strict = [self._source(id, name, source) for name, source in sources(node, type_)]
        self.shows_graph = self.shows_graph or sees_graph(type_)
        self.values.want(self._wants(id))
        return Need(strict, type_.is_output, type_.is_async)

    def _wants(self, id: str) -> set[str]:
        feeding = (link.source for _, link in self.graph.node(id).links())
        return {id, *(source for source in feeding if self.graph.has_node(source))}

    def _source(self, id: str, name: str, source: str) -> str:
        if not self.graph.has_node(source):
            msg = f"Node {id} ({self.graph.node(id).type}): input {name} links to node {source}, which does not exist"
            raise At(id, NodeNotFoundError(msg))
        return source

    def _ask_changed(self, id: str) -> None:
        node = self.graph.node(id)
        try:
            type_ = self.types[node.type]
        except Exception:  # a run that needs this node will say so; others need not know
            return
        self.changed[id] = questions.changed(node, type_, self.caller.asking(self._where(id)))

    def _where(self, id: str) -> Where:
        graph = self.graph
        return Where(id, graph.get_display_node_id(id), graph.get_parent_node_id(id), graph.get_real_node_id(id))

    def _real(self, id: str | None) -> tuple[str, str]:
        """The prompt's node behind an id, and its type; empty where there is none."""
        node = None if id is None else self.graph.find(self.graph.get_real_node_id(id))
        return (node.id, node.type) if node else ("", "")

    def _circle(self) -> At:
        circle = self.agenda.circle()
        first = next((id for id in circle if self.graph.is_ephemeral(id)), circle[0])
        return At(self.graph.get_display_node_id(first), DependencyCycleError("Dependency cycle detected"))

    def _failed(self, error: BaseException) -> RunFailed:
        if isinstance(error, At):
            self.current, self.given, error = error.node_id, {}, error.error
        node_id, node_type = self._real(self.current)
        kept = [id for id in self.keys.known() if self.values.has(id)]
        event = failed(
            error, node_id=node_id, node_type=node_type, inputs=self.given, outputs=kept, executed=self.executed
        )
        if event.out_of_memory:
            if self.current is not None and (node := self.graph.find(self.current)):
                self.cache.forget_instance((node.id, node.type))
            self.close()
            free(error)
        return event
