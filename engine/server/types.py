"""The node types that clients are told of: the built-in ones, and those that a worker found in packs.

What packs have is remembered between starts, so that clients need not wait for a worker.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.compat.object_info import entry, object_info
from engine.graph.graph import Graph
from engine.node.registry import Registry
from engine.server.pack_routes import PackRoutes
from engine.weights.write_whole import written_whole

log = logging.getLogger(__name__)


class TypeDesk:
    """Describes node types without loading a pack."""

    def __init__(self, built_in: Registry, remembered: Path) -> None:
        self.built_in = built_in
        self._path = remembered
        self._packs: Mapping[str, Any] = {}
        self.web: dict[str, Path] = {}  # extension -> its folder for browsers
        self.failed: Mapping[str, str] = {}  # pack -> why it was not loaded
        self.routes = PackRoutes()
        self.changes_prompts: bool | None = None  # whether packs want to see what is submitted; None: not known yet
        self.is_fresh = False  # a worker has told of its packs since the start
        self._remember()

    def all(self) -> dict[str, Any]:
        """Every type's entry of `/object_info`, with its lists of files as they are now."""
        return {**object_info(self.built_in.snapshot()), **self._packs}

    def one(self, id: str) -> dict[str, Any] | None:
        """A type's entry."""
        if id in self._packs:
            return self._packs[id]
        return entry(self.built_in.describe(id)) if id in self.built_in else None

    def __contains__(self, id: str) -> bool:
        return id in self._packs or id in self.built_in

    def needs_worker(self, graph: Graph) -> bool:
        """Whether only a worker can check a graph: it uses a pack's type, or one that a pack may still bring."""
        named = {node.type for node in graph.nodes.values()}
        return bool(named & self._packs.keys()) or (not self.is_fresh and not all(id in self.built_in for id in named))

    def learn(self, described: Mapping[str, Any]) -> None:
        """Take what a worker tells of its packs, and keep it for the next start."""
        known = {name: described[name] for name in ("types", "web", "failed", "changes_prompts")}
        self._take(known)
        self.routes.learn(described["routes"])
        self.is_fresh = True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with written_whole(self._path) as temporary:
                temporary.write_text(json.dumps(known), "utf-8")
        except OSError as error:
            log.warning("the node types of packs are not remembered: %s", error)

    def _remember(self) -> None:
        try:
            self._take(json.loads(self._path.read_text("utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, AttributeError) as error:
            log.warning("%s is of no use and will be written anew: %s", self._path, error)

    def _take(self, known: Mapping[str, Any]) -> None:
        self._packs, self.failed = dict(known["types"]), dict(known["failed"])
        self.changes_prompts = known.get("changes_prompts")
        self.web = {name: Path(folder) for name, folder in known["web"].items()}
