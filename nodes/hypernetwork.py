"""The node that puts hypernetworks on models."""

from typing import Annotated

from engine.api import Choice, Model, Number, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import hypernetwork
    from engine.weights import hypernetwork as files
    from engine.weights import shelf


@node("loaders", id="HypernetworkLoader", title="HypernetworkLoader")
def hypernetwork_loader(
    model: Model,
    hypernetwork_name: Annotated[str, Choice(folders.listing("hypernetworks"))],
    strength: Annotated[float, Number(-10.0, 10.0, step=0.01)] = 1.0,
) -> Model:
    """Put a hypernetwork on a model of SD 1.x; any number follow one another."""
    path = folders.current().require("hypernetworks", hypernetwork_name)
    where = place.current()
    net = shelf.current().get(
        lambda: files.read_hypernetwork(path, where.device, where.dtype), (path,), "hypernetwork", where
    )
    return hypernetwork.add_hypernetwork(model, net, strength)
