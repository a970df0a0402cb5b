"""The built-in nodes: one file per topic, read without loading torch."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from engine.node.declare import declared_by_id
from engine.node.registry import Registry


def modules() -> Iterator[ModuleType]:
    """The files of this package, imported in the order of their names."""
    for found in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield importlib.import_module(found.name)


def built_in_registry() -> Registry:
    """A registry of all built-in node types. Raises ValueError if two functions claim one id."""
    registry = Registry()
    for module in modules():
        for id, describe in declared_by_id(module):
            if id in registry:
                msg = f"{module.__name__} declares the node {id!r}, which another file has declared already"
                raise ValueError(msg)
            registry.add(id, describe)
    return registry
