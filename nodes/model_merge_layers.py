"""Nodes that mix two models of one family block by block."""

from typing import Annotated

from engine.api import Each, Model, Number, deferred, node

with deferred():
    from engine.diffusion import merge

CATEGORY = "advanced/model_merging/model_specific"
_RATIO = Number(0.0, 1.0, step=0.01)


def _names(encoder: int, decoder: int, ending: str) -> tuple[str, ...]:
    """How the weights of each block begin, in the original layout; `ending` is what the published names end in."""
    counts = {"input_blocks": encoder, "middle_block": 3, "output_blocks": decoder}
    blocks = [f"{part}.{index}{ending}" for part, count in counts.items() for index in range(count)]
    return ("time_embed.", "label_emb.", *blocks, "out.")


SD1 = _names(12, 12, ".")
SDXL = _names(9, 9, "")


@node(CATEGORY, id="ModelMergeSD1", title="ModelMergeSD1")
def model_merge_sd1(model1: Model, model2: Model, **ratios: Annotated[float, Each(SD1, 1.0), _RATIO]) -> Model:
    """Mix two SD 1.x models block by block: 1 is the first model, 0 the second."""
    return merge.merge_models(model1, model2, merge.by_prefix(ratios))


@node(CATEGORY, id="ModelMergeSD2", title="ModelMergeSD2")
def model_merge_sd2(model1: Model, model2: Model, **ratios: Annotated[float, Each(SD1, 1.0), _RATIO]) -> Model:
    """Mix two SD 2.x models block by block: 1 is the first model, 0 the second."""
    return merge.merge_models(model1, model2, merge.by_prefix(ratios))


@node(CATEGORY, id="ModelMergeSDXL", title="ModelMergeSDXL")
def model_merge_sdxl(model1: Model, model2: Model, **ratios: Annotated[float, Each(SDXL, 1.0), _RATIO]) -> Model:
    """Mix two SDXL models block by block: 1 is the first model, 0 the second."""
    return merge.merge_models(model1, model2, merge.by_prefix(ratios))
