"""Nodes that make one model of two, for all of its layers alike or by parts. No weight is copied until it is used."""

from typing import Annotated

from engine.api import Model, Number, deferred, node

with deferred():
    from engine.diffusion import merge

Ratio = Annotated[float, Number(0.0, 1.0, step=0.01)]
Multiplier = Annotated[float, Number(-10.0, 10.0, step=0.01)]
CATEGORY = "advanced/model_merging"


@node(CATEGORY, id="ModelMergeSimple", title="ModelMergeSimple")
def model_merge_simple(model1: Model, model2: Model, ratio: Ratio = 1.0) -> Model:
    """Mix two models: ratio 1 is the first, 0 the second."""
    return merge.merge_models(model1, model2, lambda _: merge.between(ratio))


@node(CATEGORY, id="ModelMergeBlocks", title="ModelMergeBlocks")
def model_merge_blocks(
    model1: Model, model2: Model, input: Ratio = 1.0, middle: Ratio = 1.0, out: Ratio = 1.0
) -> Model:
    """Mix two models by parts: 1 is the first, 0 the second. What embeds time and sizes goes with the input part."""
    return merge.merge_models(model1, model2, merge.by_prefix({"input": input, "middle": middle, "out": out}))


@node(CATEGORY, id="ModelMergeAdd", title="ModelMergeAdd")
def model_merge_add(model1: Model, model2: Model) -> Model:
    """Add the weights of the second model to those of the first: the second is usually a difference of two others."""
    return merge.merge_models(model1, model2, lambda _: merge.Mix(1.0, 1.0))


@node(CATEGORY, id="ModelMergeSubtract", title="ModelMergeSubtract")
def model_merge_subtract(model1: Model, model2: Model, multiplier: Multiplier = 1.0) -> Model:
    """The difference of two models, times a number: for ModelMergeAdd, or to extract a LoRA from."""
    return merge.merge_models(model1, model2, lambda _: merge.Mix(multiplier, -multiplier))
