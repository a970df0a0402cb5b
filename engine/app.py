"""Puts the floors together: settings in, a process that can read, check and run workflows out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.graph.check import Verdict, check
from engine.graph.editor_file import prompt_from_workflow
from engine.graph.graph import Graph
from engine.graph.open_file import Opened, open_workflow
from engine.graph.plan import make_plan
from engine.graph.prompt import graph_from_prompt
from engine.node.deferred import deferred
from engine.node.registry import Registry, Snapshot
from engine.settings import CachePolicy, Settings
from engine.weights import extra_folders, folders
from engine.weights.folders import Folders
from nodes import built_in_registry

with deferred():
    from engine.compat import object_info
    from engine.compat.legacy import cli_args, host, model_management, pack_routes
    from engine.compat.legacy import server as pack_server
    from engine.device import account, memory, place, room
    from engine.device import report as device_report
    from engine.diffusion import attention
    from engine.hints import annotators
    from engine.pictures import files as picture_files
    from engine.run import policies, run
    from engine.weights import read

if TYPE_CHECKING:
    from engine.compat.packs import Report
    from engine.run.cache import Cache
    from engine.run.events import Event
    from engine.run.journal import Journal


@dataclass(frozen=True)
class Asked:
    """A workflow as it was asked for: its graph, and what goes into the files it makes besides the prompt."""

    graph: Graph
    extra_data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class App:
    """One process: its settings, folders, node types and cache. Made once, by `start`."""

    settings: Settings
    folders: Folders
    registry: Registry
    loaded_packs: "Report | None" = None
    _cache: "Cache | None" = None

    def load_packs(self) -> "Report":
        """Load the node packs, once. A pack that fails is in the report, with its reason, and nowhere else."""
        if self.loaded_packs is None:
            settings = self.settings
            only = None if settings.load_packs else settings.packs_anyway
            cli_args.fill(_told_to_packs(settings))
            roots = self.folders.roots("custom_nodes")
            self.loaded_packs = host.load_packs(roots, self.registry, only=only, root=settings.base.absolute())
        return self.loaded_packs

    def types_for(self, class_types: Collection[str]) -> Snapshot:
        """The node types as they are now; packs are loaded only if a class is asked for that is not built in."""
        if not all(each in self.registry for each in class_types):
            self.load_packs()
        return self.registry.snapshot()

    def read(self, path: Path) -> Asked:
        """Read a workflow in any of its forms. Raises WorkflowError and PromptError, which say what is wrong."""
        opened = open_workflow(path)
        prompt = self.prompt_of(opened)
        extra = {"extra_pnginfo": {"workflow": opened.workflow}} if opened.workflow is not None else {}
        return Asked(graph_from_prompt(prompt), extra)

    def prompt_of(self, opened: Opened) -> Mapping[str, Any]:
        """The API-format prompt of an opened file."""
        if opened.prompt is not None:  # beside a workflow it is what was really run
            return opened.prompt
        assert opened.workflow is not None
        types = self.types_for(_class_types(opened.workflow))
        return prompt_from_workflow(opened.workflow, _Definitions(types))

    def check(self, graph: Graph, targets: Collection[str] | None = None) -> Verdict:
        """What is wrong with a graph, with the node types as they are now."""
        return check(graph, self.types_for({node.type for node in graph.nodes.values()}), targets)

    def run(
        self,
        verdict: Verdict,
        extra_data: Mapping[str, Any],
        *,
        prompt_id: str = "",
        cancelled: Callable[[], bool] = lambda: False,
        live: Callable[[Any], None] | None = None,
        journal: "Journal | None" = None,
    ) -> "Iterator[Event]":
        """Run what a check found valid; yields events, the last of which says how it ended.

        With a journal a run that was killed goes on where it stood.
        """
        self.place()
        plan = make_plan(verdict.graph, verdict.outputs)
        types = self.registry.snapshot()
        model_management.interrupt_current_processing(False)  # an order that came after the run it was meant for

        def stops() -> bool:
            return cancelled() or model_management.interrupt_requested()

        going = run.run(plan, types, self.cache, prompt_id=prompt_id, extra_data=extra_data, cancelled=stops, live=live)
        return run.alone(going, journal)

    def expect(self, files: frozenset[str]) -> None:
        """Rather keep the models of these files: waiting jobs will ask for them."""
        account.accounts.expect(files)

    def free(self, *, results: bool) -> None:
        """Let go of models that nothing uses, and of kept results if asked."""
        if results:
            self.cache.clear()
        memory.release()

    def listen(self, sink: Callable[[Any, Any, str | None], None]) -> None:
        """Have what packs send to clients go to `sink(event, data, sid)`; None as sid is everybody."""
        pack_server.PromptServer.instance.sink = sink

    def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """What handlers of packs make of a submitted body, before it is looked at."""
        return pack_server.PromptServer.instance.changed_by_handlers(body)

    def described(self) -> dict[str, Any]:
        """What packs added to this process, and what it runs on, as JSON for those who load neither.

        Raises ValueError for a device that this machine does not have.
        """
        self.place()
        report, ours, types = self.load_packs(), built_in_registry(), self.registry.snapshot()
        packed = [id for id in types if not self.registry.is_same(id, ours)]
        served = pack_routes.serve()
        return {
            "types": object_info.object_info(types, packed),
            "web": {name: str(folder) for name, folder in report.web.items()},
            "failed": {str(pack.path): str(pack.error) for pack in report.failed},
            "device": self.device(),
            "routes": served.as_json() if served else None,
            "changes_prompts": bool(pack_server.PromptServer.instance.on_prompt_handlers),
        }

    def device(self) -> Mapping[str, Any]:
        """The device that this process runs on, and what holds its memory, as JSON."""
        return device_report.report()

    def is_news(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Whether a device differs noticeably from what was told of it before."""
        return device_report.is_news(before, now)

    @property
    def cache(self) -> "Cache":
        if self._cache is None:
            self._cache = make_cache(self.settings.cache)
            kept = account.Ledger("results", "kept results", self._cache.held, self._cache.drop)
            account.accounts.of(account.CPU).count(kept)
        return self._cache

    @property
    def fence(self) -> AbstractContextManager[None]:
        """What keeps work on the processor within free RAM. An accelerator's driver reserves far more addresses than
        memory, so its work is not fenced in."""
        return room.fenced() if place.current().device.type == "cpu" else nullcontext()

    def place(self) -> None:
        """Choose device, precision and attention for all models. Raises ValueError for what this machine has not."""
        precision = self.settings.precision
        place.use(place.choose(self.settings.device, precision, "fp32" if precision == "fp32" else "auto"))
        placed = place.current()
        attention.use(self.settings.attention, placed.device, placed.dtype)
        account.accounts.limit(self._limits())
        read.use(read.Reading(allow_pickle=self.settings.allow_pickle))
        annotators.use(annotators.Fetching(self.settings.download_annotators))
        picture_files.write_metadata(not self.settings.disable_metadata)

    def _limits(self) -> "account.Limits":
        settings = self.settings
        return account.Limits(settings.vram_budget, settings.ram_budget, settings.reserve_vram)


def start(settings: Settings) -> App:
    """A process with these settings. Loads no torch, and no packs until they are needed."""
    return App(settings, use_folders(settings), built_in_registry())


def use_folders(settings: Settings) -> Folders:
    """Have this process read and write where the settings say."""
    chosen = Folders(
        models=settings.folder("models"),
        input=settings.folder("input"),
        output=settings.folder("output"),
        temp=settings.folder("temp"),
        user=settings.folder("user"),
    )
    chosen.names["custom_nodes"] = ([str(settings.folder("custom_nodes"))], set())
    extra_folders.apply(settings.extra_folders, chosen)
    folders.use(chosen)
    return chosen


def _told_to_packs(settings: Settings) -> Mapping[str, Any]:
    """The options that packs look at, by the names that they know."""
    return {
        "disable_metadata": settings.disable_metadata,
        "preview_method": cli_args.LatentPreviewMethod(settings.preview_method),
        "preview_size": settings.preview_size,
        "cpu": settings.device == "cpu",
        "force_fp16": settings.precision == "fp16",
        "force_fp32": settings.precision == "fp32",
        "base_directory": str(settings.base.absolute()),
        "input_directory": str(settings.folder("input")),
        "output_directory": str(settings.folder("output")),
        "temp_directory": str(settings.folder("temp")),
        "user_directory": str(settings.folder("user")),
        "disable_all_custom_nodes": not settings.load_packs,
        "whitelist_custom_nodes": list(settings.packs_anyway),
    }


def make_cache(policy: CachePolicy) -> "Cache":
    match policy.name:
        case "classic":
            return policies.Classic()
        case "lru":
            return policies.Recent(policy.amount)
        case "none":
            return policies.Nothing()
        case "budget":
            return policies.Budget(policy.amount, policy.amount)


class _Definitions(Mapping[str, Any]):
    """The /object_info entries of node types, each made when it is asked for."""

    def __init__(self, types: Snapshot) -> None:
        self._types = types

    def __getitem__(self, id: str) -> Any:
        return object_info.entry(self._types[id])

    def __contains__(self, id: object) -> bool:
        return id in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def _class_types(workflow: Mapping[str, Any]) -> set[str]:
    """All node types that a saved workflow names, at any depth; also those that are no steps."""
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or ()
    graphs: Sequence[Any] = [workflow, *subgraphs]
    nodes = (node for graph in graphs if isinstance(graph, Mapping) for node in graph.get("nodes") or ())
    return {str(node.get("type")) for node in nodes if isinstance(node, Mapping)}
