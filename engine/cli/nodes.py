"""`heddle nodes`: the node types there are, and the sockets of one."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import click

from engine import app as application
from engine.cli import options, workflow
from engine.cli.configured import Configured
from engine.compat import object_info
from engine.node.spec import Input, NodeType


@click.command(name="nodes", cls=Configured)
@click.argument("name", required=False)
@click.option("--json", "wants_json", envvar="HEDDLE_JSON", is_flag=True, help="Print what /object_info tells clients.")
@options.where
def command(name: str | None, wants_json: bool, **chosen: Any) -> None:
    """List node types by category, or show the inputs and outputs of NAME."""
    app = application.start(options.settings(chosen))
    workflow.load_packs(app)
    types = app.registry.snapshot()
    if name is not None and name not in types:
        close = get_close_matches(name, list(types), n=5, cutoff=0.4)
        workflow.refuse([f"no node type is called {name!r}" + (f"; close: {', '.join(close)}" if close else "")])
    if wants_json:
        shown = {name: object_info.entry(types[name])} if name else object_info.object_info(types)
        click.echo(json.dumps(shown, indent=2))
    elif name is not None:
        click.echo("\n".join(_details(types[name])))
    else:
        click.echo("\n".join(_listing(_described(types))))


def _described(types: Mapping[str, NodeType]) -> Iterator[NodeType]:
    """The types whose own code lets them be described; the others are named on standard error."""
    for id in types:
        try:
            yield types[id]
        except Exception as error:  # a pack's code may raise anything
            click.echo(f"{id} is left out, it cannot be described: {type(error).__name__}: {error}", err=True)


def _listing(types: Iterator[NodeType]) -> Iterator[str]:
    category = None
    for type_ in sorted(types, key=lambda each: (each.category, each.id)):
        if type_.category != category:
            category = type_.category
            yield f"{category}"
        title = f"  {type_.title}" if type_.title and type_.title != type_.id else ""
        yield f"  {type_.id}{title}"


def _details(type_: NodeType) -> Iterator[str]:
    yield f"{type_.id}  ({type_.category})"
    if type_.description:
        yield type_.description
    for each in type_.inputs:
        if each.section != "hidden":
            yield f"  in   {each.name}: {_type(each)}{_range(each)}{'' if each.required else '  (optional)'}"
    for slot, output in enumerate(type_.outputs):
        kind = output.type if isinstance(output.type, str) else "COMBO"
        yield f"  out {slot}  {output.name}: {kind}{'  (list)' if output.is_list else ''}"


def _type(each: Input) -> str:
    if each.choices is None:
        return str(each.type)
    shown = ", ".join(map(str, each.choices[:8]))
    return f"one of {shown}{', …' if len(each.choices) > 8 else ''}" if each.choices else "one of no files"


def _range(each: Input) -> str:
    said = [f"{key} {each.options[key]}" for key in ("default", "min", "max", "step") if key in each.options]
    return f"  [{', '.join(said)}]" if said else ""
