"""The node that compiles a model."""

from dataclasses import replace
from typing import Literal

from engine.api import Model, deferred, node

with deferred():
    from engine.diffusion import compiled


@node("_for_testing", id="TorchCompileModel", experimental=True, spells_combo=True)
def torch_compile_model(model: Model, backend: Literal["inductor", "cudagraphs"]) -> Model:
    """Compile a model's transformer layers: the first step of each size takes long, the later ones less time."""
    compiled.check_backend(backend, model.device)
    return replace(model, backend=backend)
